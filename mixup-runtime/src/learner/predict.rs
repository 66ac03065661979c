//! Predictions, which are a phase of their own: `on_predict_begin`, for each batch `on_predict_batch_begin` and
//! `on_predict_batch_end`, and `on_predict_end`. Nothing is trained, and hooks find no target and no loss.

use tch::{TchError, Tensor};

use super::{
    Learner, On, Predictions,
    fit::{Exit, ask},
    pass::Pass,
};
use crate::{
    batch::{Batch, Input, Output, OutputType, Target, TargetError, join},
    data::Part,
    error::{BoxError, or_refusal},
    loss::{Loss, Reduction, mean_of_each, per_item_losses},
    training::{Error, Hook, State},
};

impl Learner {
    /// Predicts a batch of inputs, a tensor `[n, …]` or an [`Input`], which is sent to the learner's device. The predictions have
    /// the loss function's activation (softmax, sigmoid, …), and neither targets nor losses.
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// let data = ImageData::digits()?.build()?;
    /// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10])).quiet().build()?;
    /// learn.fit(1, 3e-3)?;
    /// let image = learn.data().train().sample()?.input; // [1, 1, 8, 8]
    /// let found = learn.predict(&image)?;
    /// assert_eq!(found.outputs.size(), [1, 10]);
    /// for digit in found.best()? {
    ///     println!("{digit}"); // `3 (0.412)`
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), if the model's output is not one tensor (see [`predict_as`](Self::predict_as)), and
    /// [`Error::Unpredicted`] if a callback changes batches in validation and has no hook for predictions.
    pub fn predict(&mut self, input: impl Into<Input>) -> Result<Predictions, Error> {
        self.predict_typed("predict_as", input.into())
    }

    /// The same for a model whose output is of another type: `learn.predict_as::<VaeOutput>(&images)`.
    ///
    /// # Errors
    /// As for [`predict`](Self::predict), and if the model's output is not an `O`.
    pub fn predict_as<O: Output>(&mut self, input: impl Into<Input>) -> Result<Predictions<O>, Error> {
        self.predict_typed("predict_as", input.into())
    }

    /// Predicts the validation data, and returns its targets and losses too.
    ///
    /// # Errors
    /// As for [`predictions_on`](Self::predictions_on), and if there is no validation data.
    pub fn predictions(&mut self) -> Result<Predictions, Error> {
        self.predictions_typed("predictions_as", Part::Valid.into())
    }

    /// The same for a model whose output is of another type: `learn.predictions_as::<VaeOutput>()`.
    ///
    /// # Errors
    /// As for [`predictions`](Self::predictions), and if the model's output is not an `O`.
    pub fn predictions_as<O: Output>(&mut self) -> Result<Predictions<O>, Error> {
        self.predictions_typed("predictions_as", Part::Valid.into())
    }

    /// Predicts a part of the data, or the batches of a loader: `learn.predictions_on(Part::Test)`,
    /// `learn.predictions_on(&loader)`.
    ///
    /// Every item gets its prediction, in the data's order. If the items have targets, these are returned too, with each item's
    /// loss; not if a callback may change `last_target` in validation, since the loss is then another one and predictions have no
    /// target that it could change.
    ///
    /// # Errors
    /// As for [`predict`](Self::predict), and if the data has no such part, or no length, as a stream.
    pub fn predictions_on<'a>(&mut self, on: impl Into<On<'a>>) -> Result<Predictions, Error> {
        self.predictions_typed("predictions_on_as", on.into())
    }

    /// The same for a model whose output is of another type: `learn.predictions_on_as::<VaeOutput>(Part::Test)`.
    ///
    /// # Errors
    /// As for [`predictions_on`](Self::predictions_on), and if the model's output is not an `O`.
    pub fn predictions_on_as<'a, O: Output>(&mut self, on: impl Into<On<'a>>) -> Result<Predictions<O>, Error> {
        self.predictions_typed("predictions_on_as", on.into())
    }

    fn predict_typed<O: Output>(&mut self, method: &'static str, input: Input) -> Result<Predictions<O>, Error> {
        self.predicting(method, |learner| {
            learner.state.batches = 1;
            learner.begin_batch(0)?;
            let no_target = Tensor::f_from_slice::<f32>(&[]).map_err(|e| learner.torch("making a batch", e))?;
            learner.send(Batch { input, target: Target::Dense(no_target) }, false)?;
            let (outputs, _) = learner.predict_batch(false)?;
            learner.close()?;
            Ok(learner.predictions_of(outputs, None))
        })
    }

    fn predictions_typed<O: Output>(&mut self, method: &'static str, on: On<'_>) -> Result<Predictions<O>, Error> {
        // A callback that changes targets makes another loss than that of the data's targets.
        let labelled = on.loader(&self.state.data, "predict")?.labelled() && !self.callbacks.changes_targets();
        let _rest = on.rest_at_end();
        self.predicting(method, |learner| {
            let order = learner.order(Pass::Over(on))?;
            let (mut outputs, mut measured) = (Vec::new(), Measured::default());
            for num_batch in 0..learner.state.batches {
                if !learner.load_batch(Pass::Over(on), &order, num_batch)? {
                    break;
                }
                let (output, losses) = learner.predict_batch(labelled)?;
                outputs.push(output);
                measured.push(losses, &learner.state.last_target);
                learner.close()?;
            }
            let joined = join(&outputs).map_err(TargetError::from).and_then(|it| it.ok_or(TargetError::Nothing));
            let measured = if labelled { measured.join().map(Some) } else { Ok(None) };
            let (outputs, measured) =
                joined.and_then(|it| Ok((it, measured?))).map_err(|source| Error::Join { source })?;
            Ok(learner.predictions_of(outputs, measured))
        })
    }

    fn predictions_of<O>(&self, outputs: O, measured: Option<(Target, Tensor)>) -> Predictions<O> {
        let (targets, losses) = measured.unzip();
        Predictions { outputs, targets, losses, classes: self.state.data.classes().to_vec() }
    }

    /// Runs `body` between `on_predict_begin` and `on_predict_end`.
    fn predicting<O: Output>(
        &mut self,
        method: &'static str,
        body: impl FnOnce(&mut Self) -> Result<Predictions<O>, Exit>,
    ) -> Result<Predictions<O>, Error> {
        let (wanted, got) = (OutputType::of::<O>(), self.state.model.output_type());
        if !wanted.takes(got) {
            return Err(Error::OutputType { method, wanted: wanted.name(), got: got.name() });
        }
        let done = self.between_predict_hooks(body)?;
        done.ok_or_else(|| Error::Stopped { what: "predictions have", outcome: self.state.outcome.to_string() })
    }

    /// Runs `body` without gradients between `on_predict_begin` and `on_predict_end`; returns `None` if a callback stopped it.
    pub(super) fn between_predict_hooks<T>(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<T, Exit>,
    ) -> Result<Option<T>, Error> {
        self.run(None, |learner| {
            learner.callbacks.check_predictions()?;
            learner.state.internal.predicts = true;
            learner.callbacks.open(Hook::PredictEndAlways);
            ask!(learner.on_predict_begin);
            let done = {
                let _no_grad = tch::no_grad_guard();
                body(learner)?
            };
            learner.state.internal.in_batch = false;
            ask!(learner.on_predict_end);
            learner.close()?;
            Ok(done)
        })
    }

    /// Predicts the batch that is on the device; with `measure`, computes its losses too.
    fn predict_batch<O: Output>(&mut self, measure: bool) -> Result<(O, Option<Tensor>), Exit> {
        ask!(self.on_predict_batch_begin);
        self.run_model()?;
        ask!(self.on_predict_batch_end);
        let state = &mut self.state;
        let losses = measure.then(|| or_refusal(|| losses_of_items(state))).transpose();
        let losses = losses.map_err(|source| state.loss_error(source))?;
        let outputs = or_refusal(|| Ok(state.loss_func.activation(&state.last_output)?.into()?));
        let outputs = outputs.map_err(|source| state.loss_error(source))?;
        Ok((outputs, losses))
    }
}

/// The losses of the batch's items.
fn losses_of_items(state: &State) -> Result<Tensor, BoxError> {
    let judge = |reduction| state.loss_func.loss(&state.last_output, &state.last_target, reduction);
    let items = state.last_target.items();
    if state.loss_func.per_item() {
        let losses = judge(Reduction::None)?;
        per_item_losses(|| state.loss_func.name(), &losses, items)?;
        Ok(losses)
    } else {
        let loss = judge(Reduction::Mean)?;
        Ok(Tensor::f_full([items as i64], f64::NAN, (loss.kind(), loss.device()))?)
    }
}

/// The targets and losses of the batches so far.
#[derive(Default)]
struct Measured {
    losses: Vec<Tensor>,
    targets: Vec<Target>,
}

impl Measured {
    fn push(&mut self, losses: Option<Tensor>, target: &Target) {
        if let Some(losses) = losses {
            self.losses.push(losses);
            self.targets.push(target.shallow_clone());
        }
    }

    fn join(self) -> Result<(Target, Tensor), TargetError> {
        let losses = self.losses.iter().map(mean_of_each).collect::<Result<Vec<_>, TchError>>()?;
        Ok((Target::join(&self.targets)?, Tensor::f_cat(&losses, 0)?))
    }
}
