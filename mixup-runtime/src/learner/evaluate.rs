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
    batch::{Output, OutputType, Target, TargetError, join},
    error::{BoxError, or_refusal},
    loss::{Loss, Reduction, mean_of_each, per_item_losses},
    training::{Error, Hook, State},
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
pub struct Predictions<O = Tensor> {
    /// The outputs after the loss function's activation (softmax, sigmoid, …): each tensor `[items, …]`. A tensor that has no dimensions
    /// in a batch becomes `[batches]`.
    pub outputs: O,
    /// The targets of the same items.
    pub targets: Target,
    /// Each item's loss, `[items]`: if an item has several losses, their mean. NaN if the loss function only has losses of whole batches.
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
    /// As for [`fit`](Self::fit), if there is no validation data, and if the model's output is not one tensor (see
    /// [`predictions_as`](Self::predictions_as)).
    pub fn predictions(&mut self) -> Result<Predictions, Error> {
        self.predictions_as()
    }

    /// The same for a model whose output is of another type.
    ///
    /// # Errors
    /// As for [`predictions`](Self::predictions), and if the model's output is not an `O`.
    pub fn predictions_as<O: Output>(&mut self) -> Result<Predictions<O>, Error> {
        let (wanted, got) = (OutputType::of::<O>(), self.state.model.output_type());
        if !wanted.takes(got) {
            return Err(Error::OutputType { wanted: wanted.name(), got: got.name() });
        }
        self.no_training("predict", |learner| {
            let mut collected = Collected::default();
            learner.predict_all(&mut collected)?;
            Ok(collected.join().map_err(|source| Error::Join { source })?)
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
    fn predict_all<O: Output>(&mut self, collected: &mut Collected<O>) -> Result<(), Exit> {
        let _no_grad = tch::no_grad_guard();
        let order = self.begin_pass(false)?;
        for num_batch in 0..self.state.batches {
            if !self.load(&order, num_batch)? {
                break;
            }
            ask!(self.on_batch_begin);
            self.forward()?;
            let state = &mut self.state;
            let losses = or_refusal(|| losses_of_items(state)).map_err(|source| state.loss_error(source))?;
            let outputs = or_refusal(|| Ok(state.loss_func.activation(&state.last_output)?.into()?));
            let outputs = outputs.map_err(|source| state.loss_error(source))?;
            collected.push(outputs, losses, state.last_target.shallow_clone());
            ask!(self.on_batch_end);
            self.close()?;
        }
        self.state.internal.in_batch = false;
        Ok(())
    }
}

/// The losses of the batch's items, whose mean becomes the batch's loss.
fn losses_of_items(state: &mut State) -> Result<Tensor, BoxError> {
    let losses = state.loss_func.loss(&state.last_output, &state.last_target, Reduction::None)?;
    state.last_loss = Reduction::Mean.of(&losses)?;
    let items = state.last_target.items();
    if state.loss_func.per_item() {
        per_item_losses(|| state.loss_func.name(), &losses, items)?;
        Ok(losses)
    } else {
        Ok(Tensor::f_full([items as i64], f64::NAN, (losses.kind(), losses.device()))?)
    }
}

/// The predictions of the batches so far.
struct Collected<O> {
    outputs: Vec<O>,
    losses: Vec<Tensor>,
    targets: Vec<Target>,
}

impl<O> Default for Collected<O> {
    fn default() -> Self {
        Self { outputs: Vec::new(), losses: Vec::new(), targets: Vec::new() }
    }
}

impl<O: Output> Collected<O> {
    fn push(&mut self, outputs: O, losses: Tensor, target: Target) {
        self.outputs.push(outputs);
        self.losses.push(losses);
        self.targets.push(target);
    }

    fn join(self) -> Result<Predictions<O>, TargetError> {
        let losses = self.losses.iter().map(mean_of_each).collect::<Result<Vec<_>, _>>()?;
        Ok(Predictions {
            outputs: join(&self.outputs)?.ok_or(TargetError::Nothing)?,
            losses: Tensor::f_cat(&losses, 0)?,
            targets: Target::join(&self.targets)?,
        })
    }
}
