//! A pass over data: in which order, and how each batch gets onto the device.

use std::sync::Arc;

use super::{Learner, fit::Exit};
use crate::{
    batch::{Batch, in_place},
    data::{Data, Loader, Part},
    error::or_refusal,
    training::{Error, Hook, Measured},
};

/// What a validation or predictions go over: a part of the learner's data, or a loader of your own.
///
/// Methods take anything that becomes one: `learn.validate_on(Part::Test)`, `learn.predictions_on(&loader)`.
#[derive(Clone, Copy, Debug)]
pub enum On<'a> {
    /// A part of the learner's data.
    Part(Part),
    /// A loader, in its own order.
    Loader(&'a Loader),
}

impl From<Part> for On<'_> {
    fn from(part: Part) -> Self {
        Self::Part(part)
    }
}

impl<'a> From<&'a Loader> for On<'a> {
    fn from(loader: &'a Loader) -> Self {
        Self::Loader(loader)
    }
}

/// Ends the threads of a loader of your own that gather batches ahead, however the pass over it ends.
pub(super) struct Rest<'a>(On<'a>);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        if let On::Loader(loader) = self.0 {
            loader.rest();
        }
    }
}

impl<'a> On<'a> {
    /// While this guard lives, threads may gather batches ahead.
    #[must_use]
    pub(super) fn rest_at_end(self) -> Rest<'a> {
        Rest(self)
    }

    /// The batches.
    ///
    /// # Errors
    /// If the data has no such part; `what` says what needs it.
    pub(super) fn loader<'d: 'l, 'l>(self, data: &'d Data, what: &'static str) -> Result<&'l Loader, Error>
    where
        'a: 'l,
    {
        match self {
            Self::Loader(loader) => Ok(loader),
            Self::Part(part) => data.part(part).ok_or(match part {
                Part::Test => Error::NoTest { what },
                Part::Train | Part::Valid => Error::NoValidation { what },
            }),
        }
    }
}

/// What a pass goes over.
#[derive(Clone, Copy)]
pub(super) enum Pass<'a> {
    /// The training data, to train on it.
    Training,
    /// Data that is only looked at.
    Over(On<'a>),
}

impl<'a> Pass<'a> {
    /// The validation data.
    pub const VALIDATION: Self = Self::Over(On::Part(Part::Valid));

    pub fn trains(self) -> bool {
        matches!(self, Self::Training)
    }

    fn loader<'d: 'l, 'l>(self, data: &'d Data) -> Result<&'l Loader, Error>
    where
        'a: 'l,
    {
        match self {
            Self::Training => Ok(data.train()),
            Self::Over(on) => on.loader(data, "validate on"),
        }
    }
}

/// A pass that has begun, here or before a checkpoint.
pub(super) struct Begun {
    pub order: Arc<[usize]>,
    /// The next batch.
    pub first: usize,
    /// What a validation has measured.
    pub measured: Measured,
}

impl Learner {
    /// Begins a pass, or goes on within it. `None` if the training goes on after it.
    pub(super) fn begin_pass(&mut self, pass: Pass<'_>) -> Result<Option<Begun>, Exit> {
        if let Some(run) = self.take_run(pass) {
            self.state.train = pass.trains();
            return self.go_on_in_pass(pass, &run);
        }
        let order: Arc<[usize]> = self.order(pass)?.into();
        self.state.internal.orders.keep(pass.trains(), order.clone());
        if !pass.trains() {
            self.reset_metrics();
        }
        Ok(Some(Begun { order, first: 0, measured: Measured::new(self.state.metric_names.len()) }))
    }

    /// The order of a pass: drawn by the samplers for training and for the validation data, otherwise by the loader. The training
    /// data that is only looked at has its own order, and all its items.
    pub(super) fn order(&mut self, pass: Pass<'_>) -> Result<Vec<usize>, Exit> {
        let state = &mut self.state;
        state.train = pass.trains();
        let mut rng = state.life.order(state.at());
        let loader = pass.loader(&state.data)?;
        let order = match pass {
            Pass::Training => loader.order_by(&state.sampler, &mut rng),
            Pass::Over(On::Part(Part::Train)) => loader.order_of_all(),
            Pass::Over(On::Part(Part::Valid)) => loader.order_by(&state.valid_sampler, &mut rng),
            Pass::Over(_) => loader.order(&mut rng),
        };
        let order = order.map_err(|source| Error::Data { at: state.at(), source: Box::new(source) })?;
        state.batches = match pass {
            Pass::Over(On::Part(Part::Train)) => loader.batches_of_all(&order),
            _ => loader.batches_in(&order),
        };
        Ok(order)
    }

    /// Loads the next batch onto the device; returns false if a stream has ended.
    pub(super) fn load_batch(&mut self, pass: Pass<'_>, order: &[usize], num_batch: usize) -> Result<bool, Exit> {
        self.begin_batch(num_batch)?;
        let state = &mut self.state;
        let rngs = state.life.items(state.at());
        let (batch, made) = if pass.trains() {
            let loader = state.data.train_mut();
            (or_refusal(|| loader.next(order, num_batch, &rngs)), loader.fresh())
        } else {
            let loader = pass.loader(&state.data)?;
            (or_refusal(|| loader.gather(order, num_batch, &rngs).map(Some)), loader.fresh())
        };
        let batch = batch.map_err(|source| Error::Data { at: state.at(), source: Box::new(source) })?;
        let Some(batch) = batch else { return Ok(false) };
        self.send(batch, made)?;
        Ok(true)
    }

    /// Begins a batch: counts it, and drops the one before it. This is where an interrupt is noticed.
    pub(super) fn begin_batch(&mut self, num_batch: usize) -> Result<(), Exit> {
        if self.is_interrupted() {
            return Err(Exit::Interrupted);
        }
        let state = &mut self.state;
        // The memory of the last batch is freed before the next one is allocated: fresh pages cost more than used ones.
        state.drop_batch();
        state.num_batch = num_batch;
        state.internal.in_batch = true;
        if state.train {
            state.life.next_moment();
        } else if state.internal.own_run.is_none() {
            state.life.next_validation_batch(state.internal.after_batch.is_some());
        }
        Ok(())
    }

    /// Sends a batch to the device. `made` says whether it was made for this step alone.
    pub(super) fn send(&mut self, batch: Batch, made: bool) -> Result<(), Exit> {
        let state = &mut self.state;
        let asked = ["last_input", "last_target"].into_iter().any(|name| self.callbacks.asks_at_all(name));
        let sent = in_place::begin(batch, state.device, made, asked);
        let batch = sent.map_err(|e| Error::Torch {
            what: "sending the batch to the device",
            at: state.at(),
            source: Box::new(e),
        })?;
        (state.last_input, state.last_target) = (batch.input, batch.target);
        let predicts = state.internal.predicts;
        self.callbacks.open(if predicts { Hook::PredictBatchEndAlways } else { Hook::BatchEndAlways });
        Ok(())
    }
}
