//! The training loop: fastai v1's `fit` and `loss_batch` in meaning (`fastai/basic_train.py`), on one screen.

use std::time::Instant;

use super::Learner;
use crate::{
    batch::Fresh,
    callback::{Decision, Flow},
    data::{Data, Loader},
    loss::{Loss, Reduction},
    metrics::MetricError,
    training::{Error, Hook, Measured, Told},
};

/// Why the loop was left before its end.
pub(super) enum Exit {
    Stopped { by: &'static str, hook: Hook, why: String },
    Interrupted,
    Failed(Box<Error>),
}

impl From<Error> for Exit {
    fn from(error: Error) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// Asks the callbacks of a hook what to do next; a `StopTraining` leaves the loop.
macro_rules! ask {
    ($learner:ident.$hook:ident) => {
        $learner.callbacks.$hook(&mut $learner.state)?.or_stop()?
    };
}
pub(super) use ask;

impl Learner {
    /// All epochs: training batches, then validation.
    pub(super) fn train(&mut self) -> Result<(), Exit> {
        ask!(self.on_train_begin);
        for epoch in 0..self.state.epochs {
            self.begin_epoch(epoch);
            if ask!(self.on_epoch_begin) != Flow::SkipEpoch {
                self.pass(true)?;
                self.validate_epoch()?;
            }
            self.end_epoch();
            ask!(self.on_epoch_end);
        }
        Ok(())
    }

    fn validate_epoch(&mut self) -> Result<(), Exit> {
        self.state.train = false;
        if self.state.data.valid().is_some() && ask!(self.on_validate_begin) != Flow::SkipValidation {
            self.pass(false)?;
            ask!(self.on_validate_end);
        }
        self.state.train = true;
        Ok(())
    }

    /// One pass over the training data, or over the validation data.
    pub(super) fn pass(&mut self, train: bool) -> Result<(), Exit> {
        let _no_grad = (!train).then(tch::no_grad_guard);
        let order = self.begin_pass(train)?;
        let mut measured = Measured::new(self.metrics.len());
        for num_batch in 0..self.state.batches {
            self.load(&order, num_batch)?;
            match ask!(self.on_batch_begin) {
                Flow::SkipBatch => continue,
                Flow::SkipEpoch => break,
                _ => {}
            }
            self.forward()?;
            ask!(self.on_loss_begin);
            self.loss()?;
            if train {
                self.step()?;
            } else {
                self.measure(&mut measured)?;
            }
            let flow = ask!(self.on_batch_end);
            self.state.iteration += usize::from(train);
            if flow == Flow::SkipEpoch {
                break;
            }
        }
        self.end_pass(train, measured);
        Ok(())
    }

    /// From the loss to the changed parameters.
    fn step(&mut self) -> Result<(), Exit> {
        self.remember_loss()?;
        if ask!(self.on_backward_begin) != Flow::SkipBackward {
            self.backward()?;
            if ask!(self.on_backward_end) != Flow::SkipStep {
                self.state.opt.step(&self.state.params).map_err(|e| self.torch("the optimizer's step", e))?;
            }
            if ask!(self.on_step_end) != Flow::KeepGradients {
                self.state.params.zero_grad().map_err(|e| self.torch("zeroing the gradients", e))?;
            }
        }
        Ok(())
    }
}

/// The loop's single steps, each with its own error.
impl Learner {
    fn begin_epoch(&mut self, epoch: usize) {
        let state = &mut self.state;
        state.epoch = epoch;
        state.train = true;
        state.beside.in_epoch = true;
        state.beside.epoch_began = Some(Instant::now());
        state.beside.told.push(Told { epoch, measured: Measured::new(self.metrics.len()), time: None });
    }

    fn end_epoch(&mut self) {
        let state = &mut self.state;
        state.epoch_time = state.beside.epoch_began.map_or_else(Default::default, |began| began.elapsed());
        state.beside.smooth.mark();
        if let Some(told) = state.beside.told.last_mut() {
            told.time = Some(state.epoch_time);
        }
    }

    /// The order of a pass: drawn for training, as it stands for validation.
    pub(super) fn begin_pass(&mut self, train: bool) -> Result<Vec<usize>, Exit> {
        let state = &mut self.state;
        state.train = train;
        let loader = loader(&state.data, train)?;
        state.batches = loader.batches();
        Ok(loader.order(&mut state.rng))
    }

    fn end_pass(&mut self, train: bool, measured: Measured) {
        let beside = &mut self.state.beside;
        beside.in_batch = false;
        if !train {
            match beside.told.last_mut() {
                Some(told) => told.measured = measured,
                None => beside.told.push(Told { epoch: 0, measured, time: None }), // a validation on its own
            }
        }
    }

    /// The next batch, on the device; here an interrupt is heard.
    pub(super) fn load(&mut self, order: &[usize], num_batch: usize) -> Result<(), Exit> {
        if self.interrupt.is_set() {
            return Err(Exit::Interrupted);
        }
        let state = &mut self.state;
        // The last batch's memory is free before the next one asks for some: fresh pages cost more than used ones.
        state.drop_batch();
        state.num_batch = num_batch;
        state.beside.in_batch = true;
        let loader = loader(&state.data, state.train)?;
        let batch = loader.batch(order, num_batch);
        let batch = batch.map_err(|source| Error::Data { at: state.at(), source: Box::new(source) })?;
        let made = loader.fresh();
        let asked = self.callbacks.asks_at_all("fresh");
        let sent = Fresh::send(batch, state.device, made, asked);
        let (batch, fresh) =
            sent.map_err(|e| Error::Torch { what: "sending the batch to the device", at: state.at(), source: e })?;
        (state.last_input, state.last_target, state.fresh) = (batch.input, batch.target, fresh);
        Ok(())
    }

    pub(super) fn forward(&mut self) -> Result<(), Exit> {
        let state = &mut self.state;
        state.last_output = state
            .model
            .forward_batch(&state.last_input, state.train)
            .map_err(|source| Error::Model { at: state.at(), input: state.last_input.to_string(), source })?;
        Ok(())
    }

    fn loss(&mut self) -> Result<(), Exit> {
        let state = &mut self.state;
        let loss = state.loss_func.loss(&state.last_output, &state.last_target, Reduction::Mean);
        state.last_loss =
            loss.map_err(|source| Error::Loss { loss: state.loss_func.name(), at: state.at(), source })?;
        if state.last_loss.numel() != 1 {
            return Err(Error::LossShape { at: state.at(), shape: state.last_loss.size() }.into());
        }
        Ok(())
    }

    fn remember_loss(&mut self) -> Result<(), Exit> {
        let pushed = self.state.beside.smooth.push(&self.state.last_loss);
        Ok(pushed.map_err(|e| self.torch("reading the loss", e))?)
    }

    fn backward(&mut self) -> Result<(), Exit> {
        Ok(self.state.last_loss.f_backward().map_err(|e| self.torch("the backward pass", e))?)
    }

    fn measure(&mut self, measured: &mut Measured) -> Result<(), Exit> {
        let state = &self.state;
        let items = state.last_target.items();
        measured.loss.push(&state.last_loss, items).map_err(|e| self.torch("reading the loss", e))?;
        for (index, (name, metric)) in self.metrics.iter().enumerate() {
            let failed = |source| Error::Metric { metric: name.clone(), at: state.at(), source };
            let value = metric.measure(&state.last_output, &state.last_target).map_err(failed)?;
            if value.numel() != 1 {
                return Err(failed(MetricError::NotOne { got: value.size() }.into()).into());
            }
            measured.metrics.push(index, &value, items).map_err(|e| self.torch("reading a metric", e))?;
        }
        Ok(())
    }
}

/// The batches that a pass goes over.
fn loader(data: &Data, train: bool) -> Result<&Loader, Error> {
    let loader = if train { Some(data.train()) } else { data.valid() };
    loader.ok_or(Error::NoValidation { what: "validate on" })
}

impl Decision {
    /// The flow value, or the way out.
    pub(super) fn or_stop(self) -> Result<Flow, Exit> {
        match self.flow {
            Flow::StopTraining(stop) => Err(Exit::Stopped { by: self.by, hook: self.hook, why: stop.why().to_owned() }),
            flow => Ok(flow),
        }
    }
}
