//! The single steps of a batch, each with its own error: forward, loss, backward, the optimizer's step, the metrics.

use tch::Tensor;

use super::{
    Learner, autocast,
    fit::{Exit, ask},
};
use crate::{
    batch::in_place,
    error::{BoxError, or_refusal},
    loss::{Loss, LossError, LossParts, Reduction},
    metrics::{Metric, MetricError, OverSet},
    training::{Error, Measured, State},
};

impl Learner {
    pub(super) fn forward(&mut self) -> Result<(), Exit> {
        self.run_model()?;
        ask!(self.on_loss_begin);
        Ok(())
    }

    pub(super) fn run_model(&mut self) -> Result<(), Exit> {
        in_place::end();
        let state = &mut self.state;
        state.last_output =
            or_refusal(|| autocast::within(self.autocast, || state.model.forward_any(&state.last_input, state.train)))
                .map_err(|source| Error::Model { at: state.at(), input: state.last_input.to_string(), source })?;
        Ok(())
    }

    pub(super) fn loss(&mut self) -> Result<(), Exit> {
        let state = &mut self.state;
        let judge = || {
            autocast::within(self.autocast, || {
                state.loss_func.loss_in_parts(&state.last_output, &state.last_target, Reduction::Mean)
            })
        };
        let LossParts { total, parts } = or_refusal(judge).map_err(|source| state.loss_error(source))?;
        let known = state.internal.loss_checked.as_ref();
        let in_parts = if let Some((_, in_parts)) = known.filter(|(checked, _)| checked.is_same(&state.loss_func)) {
            *in_parts
        } else {
            // After the loss, so that it draws the same from libtorch's generator whether it is checked or not.
            or_refusal(|| checked(state)).map_err(|source| state.loss_error(source))?;
            let in_parts = state.loss_func.parts() == state.loss_parts;
            state.internal.loss_checked = Some((state.loss_func.clone(), in_parts));
            in_parts
        };
        state.last_loss = total;
        self.check_one_number(&self.state.last_loss)?;
        if in_parts && !self.state.loss_parts.is_empty() {
            self.publish_parts(&parts)?;
        }
        Ok(())
    }

    /// Publishes the parts of the loss in training, and keeps them for `measure` in validation.
    fn publish_parts(&mut self, parts: &[Tensor]) -> Result<(), Exit> {
        let state = &mut self.state;
        let names = &state.loss_parts;
        if parts.len() != names.len() {
            let (loss, wanted, got) = (state.loss_func.name(), names.len(), parts.len());
            return Err(state.loss_error(LossError::Parts { loss, wanted, got }.into()).into());
        }
        state.internal.last_parts = parts.iter().map(Tensor::detach).collect();
        for (name, part) in names.iter().zip(&state.internal.last_parts).filter(|_| state.train) {
            let set = self.callbacks.board().set(name, part).unwrap_or(Ok(()));
            set.map_err(|source| state.loss_error(source.into()))?;
        }
        Ok(())
    }

    /// Checks a loss from which a backward pass begins.
    fn check_one_number(&self, loss: &Tensor) -> Result<(), Exit> {
        if loss.numel() == 1 {
            return Ok(());
        }
        Err(Error::LossShape { at: self.state.at(), shape: loss.size() }.into())
    }

    /// Takes a loss as that of the batch, and remembers it.
    pub(super) fn begin_optimizing(&mut self, loss: Tensor, part: Option<usize>) -> Result<(), Exit> {
        self.check_one_number(&loss)?;
        let state = &mut self.state;
        state.last_loss = loss;
        state.choose(part);
        let pushed = state.internal.smooth.lock().push(&state.last_loss);
        pushed.map_err(|e| self.torch("reading the loss", e))?;
        if let Some(name) = self.state.parts.loss_of(part) {
            let set = self.callbacks.board().set(name, self.state.last_loss.detach());
            set.unwrap_or(Ok(())).map_err(|e| self.torch("publishing the loss", e))?;
        }
        Ok(())
    }

    pub(super) fn backward(&mut self) -> Result<(), Exit> {
        let state = &self.state;
        let frozen = || state.parts.chosen(&state.params).iter().all(|(_, param)| !param.requires_grad());
        if !state.last_loss.requires_grad() && frozen() {
            return Err(Error::NothingToTrain { at: state.at() }.into());
        }
        let _withheld = state.parts.without_others();
        Ok(state.last_loss.f_backward().map_err(|e| self.torch("the backward pass", e))?)
    }

    pub(super) fn opt_step(&mut self) -> Result<(), Exit> {
        let state = &mut self.state;
        let stepped = or_refusal(|| state.parts.stepped(&state.params).try_for_each(|params| state.opt.step(params)));
        stepped.map_err(|e| self.torch("the optimizer's step", e))?;
        self.state.steps += 1;
        Ok(())
    }

    pub(super) fn zero_grad(&mut self) -> Result<(), Exit> {
        let zeroed = self.state.parts.chosen(&self.state.params).zero_grad();
        Ok(zeroed.map_err(|e| self.torch("dropping the gradients", e))?)
    }

    pub(super) fn measure(&mut self, measured: &mut Measured) -> Result<(), Exit> {
        let state = &self.state;
        let items = state.last_target.items();
        measured.loss.lock().push(&state.last_loss, items).map_err(|e| self.torch("reading the loss", e))?;
        for ((name, metric), series) in self.metrics.iter_mut().zip(&measured.metrics) {
            let failed = |source| Error::Metric { metric: name.clone(), at: state.at(), source };
            let (output, target) = (&state.last_output, &state.last_target);
            if let Some(metric) = metric.over_set() {
                or_refusal(|| metric.push(output, target)).map_err(failed)?;
                continue;
            }
            let value = or_refusal(|| metric.measure(output, target)).and_then(one_number).map_err(failed)?;
            let pushed = series.lock().push(&value, items);
            pushed.map_err(|source| failed(MetricError::from(source).into()))?;
        }
        let of_parts = measured.metrics.iter().skip(self.metrics.len());
        for (series, part) in of_parts.zip(&state.internal.last_parts) {
            series.lock().push(part, items).map_err(|e| self.torch("reading a part of the loss", e))?;
        }
        Ok(())
    }
}

impl Learner {
    /// Begins a pass for the metrics of the whole set.
    pub(super) fn reset_metrics(&mut self) {
        self.metrics.iter_mut().filter_map(|(_, metric)| metric.over_set()).for_each(OverSet::reset);
    }

    /// Ends a pass for the metrics of the whole set: takes their values, if there was a batch.
    pub(super) fn measure_set(&mut self, measured: &Measured) -> Result<(), Exit> {
        let any = !measured.loss.lock().is_empty();
        for ((name, metric), series) in self.metrics.iter_mut().zip(&measured.metrics) {
            let Some(metric) = metric.over_set() else { continue };
            let at = self.state.at();
            let failed = |source| Error::Metric { metric: name.clone(), at, source };
            if any {
                let value = or_refusal(|| metric.value()).and_then(one_number).map_err(failed)?;
                let pushed = series.lock().push(&value, 1);
                pushed.map_err(|source| failed(MetricError::from(source).into()))?;
            }
            metric.reset(); // a checkpoint needs none of it
        }
        Ok(())
    }
}

fn one_number(value: Tensor) -> Result<Tensor, BoxError> {
    if value.numel() == 1 { Ok(value) } else { Err(MetricError::NotOne { got: value.size() }.into()) }
}

/// Has the loss function check itself on the batch. What it remembers is afterwards as before.
fn checked(state: &State) -> Result<(), BoxError> {
    let mut loss = state.loss_func.clone();
    let before = loss.stateful().map(|loss| loss.save()).transpose()?;
    let checked = loss.check(&state.last_output, &state.last_target);
    if let (Some(before), Some(loss)) = (before, loss.stateful()) {
        loss.load(&before)?;
    }
    checked
}
