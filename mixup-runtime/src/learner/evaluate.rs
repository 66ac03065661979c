//! Runs that do not train: validation and predictions.
//!
//! Both run the batch hooks with `train` false, between `on_train_begin` and `on_train_end` with `epochs` 0, so callbacks change
//! inputs and outputs here too. The epoch hooks do not run, since no epoch is trained.

use std::fmt;

use tch::Tensor;

use super::{
    Learner,
    fit::{Exit, ask},
};
use crate::{
    batch::{Target, TargetError},
    error::or_refusal,
    loss::{Loss, Reduction, mean_of_each, per_item_losses},
    training::{Error, Hook},
};

/// The result of a validation.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    /// The loss, averaged over the items.
    pub loss: f64,
    /// Each metric's name and its average over the items.
    pub metrics: Vec<(String, f64)>,
}

/// `valid_loss 0.1234, accuracy 0.9876`.
impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "valid_loss {:.6}", self.loss)?;
        self.metrics.iter().try_for_each(|(name, value)| write!(f, ", {name} {value:.6}"))
    }
}

/// The model's predictions on the validation data, in the data's order.
#[derive(Debug)]
pub struct Predictions {
    /// The outputs after the loss function's activation (softmax, sigmoid, …): `[items, …]`.
    pub outputs: Tensor,
    /// The targets of the same items.
    pub targets: Target,
    /// Each item's loss, `[items]`: if an item has several losses, their mean.
    pub losses: Tensor,
}

impl Learner {
    /// Computes the loss and the metrics on the validation data.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), and if there is no validation data.
    pub fn validate(&mut self) -> Result<Validation, Error> {
        self.no_training("validate on", |learner| {
            learner.pass(false)?;
            let measured = learner.state.internal.measured.clone();
            let read = measured
                .map_or(Ok((None, Vec::new())), |measured| Ok((measured.loss.lock().mean()?, measured.means()?)));
            let (loss, metrics) = read.map_err(|e| learner.torch("reading the validation's values", e))?;
            let metrics = learner.state.metric_names.iter().cloned().zip(metrics).collect();
            Ok(Validation { loss: loss.unwrap_or(f64::NAN), metrics })
        })
    }

    /// Returns the model's predictions on the validation data, after the loss function's activation, with targets and losses.
    ///
    /// Every item gets its prediction: a `SkipBatch` is ignored here.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), and if there is no validation data.
    pub fn predictions(&mut self) -> Result<Predictions, Error> {
        self.no_training("predict", |learner| {
            let mut seen = Seen::default();
            learner.answers(&mut seen)?;
            Ok(seen.join().map_err(|source| Error::Join { source })?)
        })
    }

    /// Runs something that trains nothing, between `on_train_begin` and `on_train_end`.
    fn no_training<T>(
        &mut self,
        what: &'static str,
        body: impl FnOnce(&mut Self) -> Result<T, Exit>,
    ) -> Result<T, Error> {
        if self.state.data.valid().is_none() {
            return Err(Error::NoValidation { what });
        }
        let done = self.run(None, |learner| {
            ask!(learner.on_train_begin);
            learner.callbacks.open(Hook::ValidateEndAlways);
            ask!(learner.on_validate_begin);
            let value = body(learner)?;
            ask!(learner.on_validate_end);
            learner.close()?;
            Ok(value)
        })?;
        done.ok_or_else(|| Error::Stopped { what, outcome: self.state.outcome.to_string() })
    }

    /// Collects the outputs, targets and losses of each validation batch.
    fn answers(&mut self, seen: &mut Seen) -> Result<(), Exit> {
        let _no_grad = tch::no_grad_guard();
        let order = self.begin_pass(false)?;
        for num_batch in 0..self.state.batches {
            if !self.load(&order, num_batch)? {
                break;
            }
            ask!(self.on_batch_begin);
            self.forward()?;
            ask!(self.on_loss_begin);
            let state = &mut self.state;
            let failed = |source| Error::Loss { loss: state.loss_func.name(), at: state.at(), source };
            let losses = or_refusal(|| state.loss_func.loss(&state.last_output, &state.last_target, Reduction::None));
            let losses = losses.map_err(failed)?;
            let items = state.last_target.items();
            per_item_losses(|| state.loss_func.name(), &losses, items).map_err(|source| failed(source.into()))?;
            let outputs = or_refusal(|| state.loss_func.activation(&state.last_output)).map_err(failed)?;
            state.last_loss = Reduction::Mean.of(&losses).map_err(|source| failed(source.into()))?;
            seen.push(outputs, losses, state.last_target.shallow_clone());
            ask!(self.on_batch_end);
            self.close()?;
        }
        self.state.internal.in_batch = false;
        Ok(())
    }
}

/// The predictions of the batches so far.
#[derive(Default)]
struct Seen {
    outputs: Vec<Tensor>,
    losses: Vec<Tensor>,
    targets: Vec<Target>,
}

impl Seen {
    fn push(&mut self, outputs: Tensor, losses: Tensor, target: Target) {
        self.outputs.push(outputs);
        self.losses.push(losses);
        self.targets.push(target);
    }

    fn join(self) -> Result<Predictions, TargetError> {
        let losses = self.losses.iter().map(mean_of_each).collect::<Result<Vec<_>, _>>()?;
        Ok(Predictions {
            outputs: Tensor::f_cat(&self.outputs, 0)?,
            losses: Tensor::f_cat(&losses, 0)?,
            targets: Target::join(&self.targets)?,
        })
    }
}
