//! Callbacks that remember, publish, end early and must undo something.

use mixup::prelude::*;
use tch::Tensor;

use super::{
    resumes,
    support::{data, on},
};

#[test]
fn a_recorder_has_the_losses_from_before_and_after_the_break() {
    struct Check;

    #[callback]
    impl Check {
        fn on_train_end(recorder: &mut Recorder) -> Result<(), BoxError> {
            let losses = recorder.losses()?.len();
            if losses == 8 { Ok(()) } else { Err(format!("{losses} losses").into()) }
        }
    }

    resumes(|| Ok(on(data(16, 7)).callback(Recorder::default()).callback(Check).build()?), 2);
}

/// Publishes the norm of the gradients, and the number of batches since it was added.
#[derive(Default)]
struct Published {
    seen: f64,
}

#[callback(state(seen))]
impl Published {
    fn on_backward_end(
        &mut self,
        gradients: &Gradients,
        grad_norm: &mut Value,
        seen: &mut Value,
    ) -> Result<(), GradientError> {
        self.seen += 1.0;
        seen.set(self.seen);
        grad_norm.set(gradients.norm_tensor()?);
        Ok(())
    }
}

/// Scales the rate by what it reads: a wrong value changes the weights.
struct ByNorm;

#[callback]
impl ByNorm {
    #[on(batch_end, train)]
    fn scale(opt: &mut dyn Optimizer, grad_norm: &Value, valid_loss: &Value) -> Result<(), ReadError> {
        let last = grad_norm.mean()?.unwrap_or(0.0) + valid_loss.read()?.unwrap_or(0.0);
        opt.set_lr(0.01 + 0.01 * last);
        Ok(())
    }
}

#[test]
fn values_have_their_means_and_their_last_numbers_after_the_break() {
    let build = || Ok(on(data(16, 7)).callback(Published::default()).callback(ByNorm).build()?);
    assert_eq!(resumes(build, 3), 21);
}

/// Averages the weights, and validates with the averages.
#[derive(Default)]
struct Ema {
    average: Vec<Tensor>,
    kept: Vec<Tensor>,
}

fn copies(params: &Params) -> Vec<Tensor> {
    params.iter().map(|(_, tensor)| tensor.detach().copy()).collect()
}

fn set(params: &Params, values: &[Tensor]) {
    tch::no_grad(|| params.iter().zip(values).for_each(|((_, to), from)| to.shallow_clone().copy_(from)));
}

#[callback(state(average, kept))]
impl Ema {
    fn on_train_begin(&mut self, params: &Params, resumed: bool) {
        if !resumed {
            self.average = copies(params);
        }
    }

    fn on_step_end(&mut self, params: &Params) {
        for (average, now) in self.average.iter_mut().zip(copies(params)) {
            *average = &*average * 0.9 + now * 0.1;
        }
    }

    fn on_validate_begin(&mut self, params: &Params) {
        self.kept = copies(params);
        set(params, &self.average);
    }

    #[on(validate_end, always)]
    fn give_back(&mut self, params: &Params) {
        set(params, &std::mem::take(&mut self.kept));
    }
}

#[test]
fn weights_that_are_exchanged_for_a_validation_are_given_back_after_a_break_in_it() {
    resumes(|| Ok(on(data(16, 7)).callback(Ema::default()).validate_every(2).build()?), 2);
}

/// Stops after some batches, leaves out the third epoch's rest, and skips a validation.
#[derive(Default)]
struct Leaves;

#[callback]
impl Leaves {
    #[on(batch_end, train, if = epoch == 1 && num_batch == 1)]
    fn leave() -> SkipEpoch {
        SkipEpoch
    }

    #[on(validate_begin, if = epoch == 0)]
    fn skip() -> SkipValidation {
        SkipValidation
    }

    #[on(batch_end, train, if = epoch == 3 && num_batch == 2)]
    fn stop() -> StopTraining {
        StopTraining::because("enough")
    }

    #[on(epoch_begin, if = epoch == 2)]
    fn skip_epoch() -> SkipEpoch {
        SkipEpoch
    }
}

#[test]
fn epochs_that_are_left_or_skipped_and_a_stop_are_the_same_after_a_break() {
    resumes(|| Ok(on(data(16, 7)).callback(Leaves).metric(accuracy).build()?), 5);
}

/// Draws from libtorch's generator in validation too, as a model does that keeps its dropout on.
struct NoisyValidation;

#[callback]
impl NoisyValidation {
    fn on_batch_begin(last_input: &mut Input) -> Result<(), BoxError> {
        let input = last_input.make_mut()?;
        let noise = input.f_randn_like()?;
        let _ = input.f_add_(&noise)?;
        Ok(())
    }

    fn on_predict_batch_begin() {}
}

#[test]
fn what_is_drawn_from_the_generator_of_libtorch_in_a_validation_is_the_same_after_a_break_in_it() {
    resumes(|| Ok(on(data(16, 7)).callback(NoisyValidation).validate_every(3).metric(accuracy).build()?), 2);
}
