//! Mixed precision: where it is refused, and the scaling of the loss. That of a GPU is tested where there is one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mixup::{prelude::*, training::BuildError};
use tch::{Device, Kind, Tensor, nn};

use super::{
    resumes,
    support::{Linear, data, on},
};

type Outcome = Result<(), BoxError>;

type Weights = Vec<(String, Tensor)>;

fn weights(learn: &Learner) -> Weights {
    let all = learn.params().var_store().variables();
    let mut all: Vec<_> = all.into_iter().map(|(name, tensor)| (name, tensor.copy())).collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all
}

#[test]
fn on_the_cpu_mixed_precision_is_refused_in_a_sentence() -> Outcome {
    let error = on(data(8, 4)).autocast(true).build().err().ok_or("it is refused")?;
    assert!(matches!(&error, Error::Build(BuildError::Autocast { .. })), "{error}");
    assert_eq!(
        error.to_string(),
        "`tch` has mixed precision for CUDA devices only, and the learner is on Cpu: leave out `.autocast(true)`, or train on \
         `mixup::default_device()`"
    );
    on(data(8, 4)).autocast(false).build()?;
    Ok(())
}

#[test]
fn a_gpu_trains_in_mixed_precision_and_comes_back_from_a_panic() -> Outcome {
    if !mixup::default_device().is_cuda() {
        return Ok(());
    }
    let mut learn = on(data(64, 8)).device(Device::Cuda(0)).autocast(true).callback(GradScaler::default()).build()?;
    let report = learn.fit(5, 0.05)?;
    assert!(report.last().is_some_and(|epoch| epoch.train_loss.is_finite()));
    let panics = |_: &mixup::model::Vars<'_>| nn::func(|_| panic!("in the model"));
    let mut learn = Learner::builder(data(8, 4), panics).device(Device::Cuda(0)).autocast(true).quiet().build()?;
    catch_unwind(AssertUnwindSafe(|| learn.validate())).expect_err("the model panics");
    let x = Tensor::ones([2, 2], (Kind::Float, Device::Cuda(0)));
    assert_eq!(x.matmul(&x).kind(), Kind::Float, "the precision is back");
    Ok(())
}

/// Trains two epochs, and returns the weights and the loss that the callbacks saw after each batch.
fn trained(
    with: impl FnOnce(mixup::learner::LearnerBuilder<Linear>) -> mixup::learner::LearnerBuilder<Linear>,
) -> Result<(Weights, Vec<f64>), BoxError> {
    let mut learn = with(on(data(24, 4)).callback(Recorder::default())).build()?;
    learn.fit(2, 0.05)?;
    let losses = learn.get_mut::<Recorder>().ok_or("it was added")?.losses()?.to_vec();
    Ok((weights(&learn), losses))
}

#[test]
fn in_single_precision_a_power_of_two_changes_no_bit() -> Outcome {
    let plain = trained(|learn| learn)?;
    assert!(plain == trained(|learn| learn.callback(GradScaler::default()))?);
    let others = |learn: mixup::learner::LearnerBuilder<Linear>| {
        learn.callback(GradientClip::norm(0.1)).callback(Accumulate::batches(2)).mixup()
    };
    let plain = trained(others)?;
    assert!(plain == trained(|learn| others(learn).callback(GradScaler::default()))?);
    assert!(plain == trained(|learn| others(learn.callback(GradScaler::default())))?, "in any order");
    Ok(())
}

#[test]
fn a_skipped_backward_pass_leaves_the_loss_as_it_was() -> Outcome {
    let seen = |scaled: bool| -> Result<Vec<f64>, BoxError> {
        let (log, losses) = std::sync::mpsc::channel();
        let skip = hook!(on_backward_begin, name = "skip", || SkipBackward);
        let look = hook!(on_batch_end, order = -100, train, name = "look", move |last_loss: &Tensor| {
            log.send(last_loss.double_value(&[])).expect("it is read later");
        });
        let builder = on(data(8, 4)).callback(skip).callback(look);
        let builder = if scaled { builder.callback(GradScaler::default()) } else { builder };
        builder.build()?.fit(1, 0.05)?;
        Ok(losses.try_iter().collect())
    };
    let (plain, scaled) = (seen(false)?, seen(true)?);
    assert_eq!(plain.len(), 2);
    assert_eq!(plain, scaled);
    Ok(())
}

#[test]
fn a_scale_that_is_too_large_costs_steps_until_it_fits() -> Outcome {
    // In single precision the largest number is below 2^128.
    let scaler = GradScaler::default().first_power(131).growth_interval(4);
    let mut learn = on(data(40, 4)).callback(scaler).build()?;
    let before = weights(&learn);
    learn.fit(1, 0.05)?; // ten batches
    let scaler = learn.get::<GradScaler>().ok_or("it was added")?;
    assert!(scaler.scale() < 2.0_f64.powi(129), "{}", scaler.scale());
    assert!(weights(&learn) != before, "there were steps");
    for (name, tensor) in weights(&learn) {
        assert!(tensor.isfinite().all().int64_value(&[]) == 1 && tensor.kind() == Kind::Float, "{name}");
    }
    Ok(())
}

#[test]
fn the_scale_grows_after_good_steps_and_is_in_the_state() {
    let build = || Ok(on(data(24, 4)).callback(GradScaler::default().growth_interval(5)).build()?);
    resumes(build, 2, 0.05);
    let mut learn: Learner = build().unwrap_or_else(|error: BoxError| panic!("{error}"));
    learn.fit(2, 0.05).expect("it trains");
    assert!((learn.get::<GradScaler>().expect("it was added").scale() - 2.0_f64.powi(18)).abs() < 0.5, "twelve steps");
}
