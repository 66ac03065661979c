//! What begins, ends: everything that runs callbacks is wrapped here, so that `on_train_end` and what always runs follow.

use std::{
    any::Any,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
};

use super::{Learner, fit::Exit, step::Supervised};
use crate::{
    callback::{StepParts, Surroundings},
    error::panic_text,
    metrics::{Metric, MetricFunc},
    optim::Lr,
    rng::Use,
    training::{BuildError, Error, Outcome, VALID_LOSS},
};

impl Learner {
    pub(super) fn set_lr(&mut self, lr: &Lr) -> Result<(), Error> {
        let rates = lr.rates(self.state.params.groups()).map_err(BuildError::from)?;
        self.state.opt.hypers_mut().set_lrs(rates);
        Ok(self.state.opt.check().map_err(BuildError::from)?)
    }

    /// Runs `body`, then what must follow whatever its result: the `always` methods of the phases that are still open, and in a
    /// training `on_train_end`, for each callback that was entered, in reverse order. After that everything is as before, except
    /// for what was learnt. A panic continues only then. `epochs` is the number of epochs of a training, and `None` for a run
    /// that trains nothing.
    pub(super) fn run<T>(
        &mut self,
        epochs: Option<usize>,
        body: impl FnOnce(&mut Self) -> Result<T, Exit>,
    ) -> Result<Option<T>, Error> {
        let interruptible = self.state.interrupt.begin();
        self.begin(epochs)?;
        let (loss_func, sampler) = (self.state.loss_func.clone(), self.state.sampler.clone());
        let valid_sampler = self.state.valid_sampler.clone();
        let mut panic = None;
        let mut errors = Vec::new();
        let mut done = None;
        self.state.outcome = match caught(|| body(self)) {
            // An interrupt in the last batch must not be lost.
            Ok(Ok(_)) if self.is_interrupted() => {
                errors.push(Error::Interrupted { at: self.state.at() });
                Outcome::Interrupted
            }
            Ok(Ok(value)) => {
                done = Some(value);
                Outcome::Finished
            }
            Ok(Err(Exit::Stopped { by, hook, why })) => Outcome::Stopped { by, hook, why },
            Ok(Err(Exit::Interrupted)) => {
                errors.push(Error::Interrupted { at: self.state.at() });
                Outcome::Interrupted
            }
            Ok(Err(Exit::Failed(error))) => {
                let outcome = Outcome::Failed { error: error.to_string() };
                errors.push(*error);
                outcome
            }
            Err(payload) => {
                let message = panic_text(&*payload);
                if let Some((callback, hook)) = self.state.internal.turn {
                    let callback = self.callbacks.name_of(callback);
                    tracing::error!("callback `{callback}` panicked in `{hook}`, {}: {message}", self.state.at());
                }
                panic = Some(payload);
                Outcome::Panicked { message }
            }
        };
        if epochs.is_some() {
            self.state.ended = self.state.outcome.clone();
        }
        let mut end = |end: &mut dyn FnMut() -> Result<(), Error>| match caught(end) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => errors.push(error),
            Err(payload) => drop(panic.get_or_insert(payload)),
        };
        // Close the parts of the training that an error, a stop or a panic left open, the innermost first.
        while self.callbacks.close(&mut self.state, &mut end) {}
        self.callbacks.end(&mut self.state, &mut end);
        (self.state.loss_func, self.state.sampler) = (loss_func, sampler);
        self.state.valid_sampler = valid_sampler;
        self.record_epoch(); // a stop at the end of an epoch left the loop before this
        if epochs.is_some()
            && let Err(source) = self.state.read_rows()
        {
            errors.push(self.torch("reading the training's losses and metrics", source));
        }
        if !self.state.internal.records.is_empty() {
            self.state.resumed = false; // an epoch has begun
        }
        self.state.reset();
        // A gradient that is left over would be added to the first one of the next training.
        let zeroed = self.state.params.zero_grad();
        self.state.data.rest();
        drop(interruptible);
        if let Some(payload) = panic {
            for error in &errors {
                tracing::error!("in addition to the panic: {error}");
            }
            resume_unwind(payload);
        }
        match joined(errors) {
            None => zeroed.map_err(|source| self.torch("dropping the gradients", source)).map(|()| done),
            Some(error) => Err(error),
        }
    }

    /// Closes the part of the training that began last; called when the loop leaves it.
    pub(super) fn close(&mut self) -> Result<(), Exit> {
        if !self.callbacks.owes() {
            self.callbacks.close(&mut self.state, |_| {});
            return Ok(());
        }
        let (mut errors, mut panic) = (Vec::new(), None);
        self.callbacks.close(&mut self.state, |always| match caught(always) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => errors.push(error),
            Err(payload) => drop(panic.get_or_insert(payload)),
        });
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
        joined(errors).map_or(Ok(()), |error| Err(error.into()))
    }

    /// Asks all callbacks for their requests, and resolves these.
    pub(super) fn prepare(&mut self) -> Result<(), BuildError> {
        let metrics = self.measured_names()?;
        let state = &mut self.state;
        state.metric_names = metrics.iter().map(|(name, _)| name.clone()).collect();
        state.loss_parts = state.loss_func.parts();
        let (model, opt) = (&*state.model, &*state.opt);
        // The learner's own step has one loss for all optimizers.
        let has_one = (&*self.step as &dyn Any).is::<Supervised>();
        let losses = if has_one { Vec::new() } else { state.parts.losses() };
        let (name, loss) = (self.step.type_name(), state.loss_func.name());
        let of_step = losses.into_iter().chain(self.step.values()).map(|value| (value, name.clone()));
        let of_loss = state.loss_parts.iter().map(|part| (part.clone(), loss.clone()));
        let values = of_loss.chain(of_step).collect();
        let step = StepParts { uses: self.step.uses(), values, name };
        let around = Surroundings { metrics: &metrics, smooth: &state.internal.smooth, model, opt, step };
        self.callbacks.prepare(&around)?;
        state.values = self.callbacks.board().all();
        self.check_nothing_forgotten()
    }

    /// What a validation measures besides the loss: the metrics and the parts of the loss, each with whether a smaller number is
    /// better.
    fn measured_names(&self) -> Result<Vec<(String, Option<bool>)>, BuildError> {
        let of_metric = |(name, metric): &(String, MetricFunc)| (name.clone(), metric.less_is_better());
        let mut names: Vec<_> = self.metrics.iter().map(of_metric).collect();
        for part in self.state.loss_func.parts() {
            let name = format!("valid_{part}");
            if name == VALID_LOSS {
                let (by, what) = (self.state.loss_func.name(), "the validation loss");
                return Err(BuildError::ValueTaken { name, by, what });
            }
            if names.iter().any(|(other, _)| *other == name) {
                return Err(BuildError::MetricName { name });
            }
            names.push((name, Some(true)));
        }
        Ok(names)
    }

    /// Begins a new run: sets the counts to 0 and seeds libtorch's generator.
    fn begin(&mut self, epochs: Option<usize>) -> Result<(), Error> {
        self.state.reset();
        self.prepare()?;
        self.state.epochs = epochs.unwrap_or(0);
        if epochs.is_some() {
            self.state.rows.clear();
            self.state.value_names = self.callbacks.board().published();
            self.state.row_metrics.clone_from(&self.state.metric_names);
            self.state.life.seed_beside(Use::TrainBegin);
        } else {
            self.state.life.own_runs += 1;
            self.state.internal.own_run = NonZeroUsize::new(self.state.life.own_runs);
            self.state.life.seed_beside(Use::OwnRun);
        }
        self.state.params.zero_grad().map_err(|source| self.torch("dropping the gradients", source))
    }

    /// Runs something, then what must follow it, also after an error or a panic.
    pub(super) fn finally<T, R>(
        &mut self,
        run: impl FnOnce(&mut Self) -> T,
        then: impl FnOnce(&mut Self) -> R,
    ) -> (T, R) {
        let done = catch_unwind(AssertUnwindSafe(|| run(self)));
        let after = then(self);
        (done.unwrap_or_else(|payload| resume_unwind(payload)), after)
    }

    pub(super) fn torch(&self, what: &'static str, source: tch::TchError) -> Error {
        Error::Torch { what, at: self.state.at(), source: Box::new(source) }
    }
}

/// Joins all errors into one.
fn joined(mut errors: Vec<Error>) -> Option<Error> {
    match errors.len() {
        0 | 1 => errors.pop(),
        _ => {
            let rest = errors.split_off(1);
            errors.pop().map(|first| Error::Several { first: Box::new(first), rest })
        }
    }
}

/// Calls a closure with autograd on, catches a panic, and restores autograd: a panic inside of `tch::no_grad` leaves it
/// off, and no later training would learn.
fn caught<T>(call: impl FnOnce() -> T) -> thread::Result<T> {
    tch::with_grad(|| catch_unwind(AssertUnwindSafe(call)))
}
