//! The training loop on one screen; it means the same as fastai v1's `fit` and `loss_batch` (`fastai/basic_train.py`).

use std::time::Instant;

use tch::Tensor;

use super::{
    Learner,
    pass::{Begun, Pass},
};
use crate::{
    callback::{
        Decision, KeepGradients, Requests, SkipBackward, SkipBatch, SkipEpoch, SkipStep, SkipValidation, Validate,
    },
    rng::Use,
    training::{EpochRecord, Error, Hook, Measured, Phase},
};

/// Why the loop ended early.
pub(super) enum Exit {
    Stopped { by: String, hook: Hook, why: String },
    Interrupted,
    Failed(Box<Error>),
}

impl From<Error> for Exit {
    fn from(error: Error) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// Runs a hook and evaluates to the requests of its callbacks; a `StopTraining` leaves the loop.
macro_rules! ask {
    ($learner:ident.$hook:ident) => {
        $learner.callbacks.$hook(&mut $learner.state)?.or_stop()?
    };
}
pub(super) use ask;

impl Learner {
    /// Runs all epochs: training batches, then validation.
    pub(super) fn train(&mut self) -> Result<(), Exit> {
        ask!(self.on_train_begin);
        for epoch in self.go_on()?..self.state.epochs {
            if self.enter_epoch(epoch)? {
                self.pass(Pass::Training)?;
                self.validate_epoch()?;
            }
            self.end_epoch();
            ask!(self.on_epoch_end);
            self.record_epoch();
            self.close()?;
            self.point_between_epochs(epoch + 1)?;
        }
        Ok(())
    }

    /// Runs one pass over the training data, the validation data, or what else is validated.
    pub(super) fn pass(&mut self, pass: Pass<'_>) -> Result<(), Exit> {
        let train = pass.trains();
        let _no_grad = (!train).then(tch::no_grad_guard);
        let Some(Begun { order, first, mut measured }) = self.begin_pass(pass)? else { return Ok(()) };
        for num_batch in first..self.state.batches {
            self.point(pass, num_batch, &measured)?;
            if !self.load_batch(pass, &order, num_batch)? {
                break;
            }
            let asked = self.batch(train, &mut measured)?;
            self.close()?;
            if asked.has(Validate) && train {
                self.validate_now()?;
            }
            if asked.has(SkipEpoch) {
                break;
            }
        }
        self.end_pass(train, measured)
    }

    /// Runs a batch, from its input to the changed parameters or to the measurements.
    fn batch(&mut self, train: bool, measured: &mut Measured) -> Result<Requests, Exit> {
        let asked = ask!(self.on_batch_begin);
        if asked.has(SkipBatch) || asked.has(SkipEpoch) {
            return Ok(asked);
        }
        if train {
            self.train_batch()?;
        } else {
            self.forward()?;
            self.loss()?;
            self.measure(measured)?;
        }
        let asked = ask!(self.on_batch_end);
        self.state.iteration += usize::from(train);
        Ok(asked)
    }

    /// Runs the part of a training step from a loss to the changed parameters: those of one optimizer, or with `None` of all.
    pub(super) fn optimize(&mut self, loss: Tensor, part: Option<usize>) -> Result<(), Exit> {
        self.begin_optimizing(loss, part)?;
        if !ask!(self.on_backward_begin).has(SkipBackward) {
            self.backward()?;
            self.state.stepped = !ask!(self.on_backward_end).has(SkipStep);
            if self.state.stepped {
                self.opt_step()?;
            }
            if !ask!(self.on_step_end).has(KeepGradients) {
                self.zero_grad()?;
            }
        }
        self.state.choose(None);
        Ok(())
    }

    /// Begins an epoch, or goes on within it; false if a callback skips it.
    fn enter_epoch(&mut self, epoch: usize) -> Result<bool, Exit> {
        if self.goes_on_in(&[Phase::Training, Phase::MidEpoch, Phase::EpochEnd]) {
            self.callbacks.reopen(Hook::EpochEndAlways);
            return Ok(true);
        }
        self.begin_epoch(epoch);
        Ok(!ask!(self.on_epoch_begin).has(SkipEpoch))
    }

    /// Validates at the end of an epoch.
    fn validate_epoch(&mut self) -> Result<(), Exit> {
        if self.state.data.valid().is_some() {
            self.validation(Use::EpochEnd)?;
        }
        self.state.train = true;
        Ok(())
    }

    /// Validates, unless a callback skips it.
    fn validation(&mut self, when: Use) -> Result<(), Exit> {
        self.state.train = false;
        self.state.life.seed_beside(when);
        if self.enter_validation()? {
            self.pass(Pass::VALIDATION)?;
            ask!(self.on_validate_end);
        }
        self.close()
    }

    /// Begins a validation, or goes on within it; false if a callback skips it.
    fn enter_validation(&mut self) -> Result<bool, Exit> {
        if self.goes_on_in(&[Phase::MidEpoch, Phase::EpochEnd]) {
            self.callbacks.reopen(Hook::ValidateEndAlways);
            return Ok(true);
        }
        self.callbacks.open(Hook::ValidateEndAlways);
        Ok(!ask!(self.on_validate_begin).has(SkipValidation))
    }

    /// Validates between two training batches; the pass over the training data then continues.
    pub(super) fn validate_now(&mut self) -> Result<(), Exit> {
        let state = &mut self.state;
        if state.data.valid().is_none() {
            return Err(Error::NoValidation { what: "validate on" }.into());
        }
        let (num_batch, batches) = (state.num_batch, state.batches);
        (state.internal.in_batch, state.internal.after_batch) = (false, Some(num_batch));
        self.validation(Use::MidEpoch)?;
        let state = &mut self.state;
        (state.num_batch, state.batches, state.train) = (num_batch, batches, true);
        (state.internal.in_batch, state.internal.after_batch) = (true, None);
        state.internal.measured = None; // the epoch's row shows the validation at its end
        Ok(())
    }
}

/// The single steps of the loop, each with its own error.
impl Learner {
    fn begin_epoch(&mut self, epoch: usize) {
        let state = &mut self.state;
        state.epoch = epoch;
        state.train = true;
        state.internal.in_epoch = true;
        state.life.epochs += 1;
        state.life.next_moment();
        state.internal.epoch_began = Some(Instant::now());
        state.internal.measured = None;
        let record = EpochRecord { epoch, measured: None, published: Vec::new(), time: None };
        state.internal.records.push(record);
        self.callbacks.board().begin_epoch();
        self.callbacks.open(Hook::EpochEndAlways);
    }

    fn end_epoch(&mut self) {
        let state = &mut self.state;
        state.life.next_moment();
        state.epoch_time = state.internal.epoch_began.map_or_else(Default::default, |began| began.elapsed());
        state.internal.smooth.lock().mark();
        if let Some(record) = state.internal.records.last_mut() {
            record.time = Some(state.epoch_time);
            record.measured.clone_from(&state.internal.measured);
        }
    }

    /// Records what callbacks have published in the epoch, including at its end.
    pub(super) fn record_epoch(&mut self) {
        if let Some(record) = self.state.internal.records.last_mut() {
            record.published = self.callbacks.board().of_epoch();
        }
    }

    fn end_pass(&mut self, train: bool, measured: Measured) -> Result<(), Exit> {
        self.state.internal.in_batch = false;
        if !train {
            let measured = self.tally(measured)?;
            self.measure_set(&measured)?;
            self.callbacks.board().measured(&measured);
            self.state.internal.measured = Some(measured);
        }
        Ok(())
    }
}

impl Decision {
    /// The requests of the callbacks, or the reason to leave the loop.
    pub(super) fn or_stop(self) -> Result<Requests, Exit> {
        match (self.stopped, self.requests.stop()) {
            (Some((by, hook)), Some(stop)) => {
                Err(Exit::Stopped { by: by.to_string(), hook, why: stop.why().to_owned() })
            }
            _ => Ok(self.requests),
        }
    }
}
