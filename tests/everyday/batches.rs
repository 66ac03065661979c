//! Callbacks that look at batches: `GradientClip`, `TerminateOnNan`, `StopAfter`, `ActivationStats`.

use std::time::Duration;

use mixup::{model::Vars, prelude::*};
use tch::{Tensor, nn};

use crate::{
    numbers::{assert_close, f64s},
    resumes,
    support::{bits, data, items, numbers, on},
};

/// The gradients with which each step is taken.
#[derive(Default)]
struct Gradient(Vec<Vec<f64>>);

#[callback]
impl Gradient {
    #[on(step_end, if = stepped)]
    fn see(&mut self, gradients: &Gradients) {
        self.0.push(gradients.iter().flat_map(|(_, gradient)| f64s(&gradient)).collect());
    }
}

fn first_gradient(builder: mixup::learner::LearnerBuilder<impl Model>) -> Vec<f64> {
    let mut learn = builder.callback(Gradient::default()).build().unwrap();
    learn.fit(1, 0.5).unwrap();
    learn.get::<Gradient>().unwrap().0[0].clone()
}

#[test]
fn gradients_are_clipped_by_the_formulas_of_pytorch() {
    let plain = first_gradient(on(data(8, 0)));
    let norm = plain.iter().map(|number| number * number).sum::<f64>().sqrt();
    let max = norm / 3.0;
    let clipped = first_gradient(on(data(8, 0)).callback(GradientClip::norm(max)));
    let want: Vec<_> = plain.iter().map(|number| number * (max / (norm + 1e-6))).collect();
    assert_close("norm", &clipped, &want, 1e-5, 0.0);
    assert_eq!(first_gradient(on(data(8, 0)).callback(GradientClip::norm(norm * 2.0))), plain);

    let bound = plain.iter().fold(0.0, |max: f64, number| max.max(number.abs())) / 2.0;
    let clipped = first_gradient(on(data(8, 0)).callback(GradientClip::value(bound)));
    let want: Vec<_> = plain.iter().map(|number| number.clamp(-bound, bound)).collect();
    assert_close("value", &clipped, &want, 1e-6, 0.0);

    let mut wrong = on(data(8, 0)).callback(GradientClip::norm(-1.0)).build().unwrap();
    let error = wrong.fit(1, 0.5).unwrap_err().to_string();
    assert!(error.contains("gradients can't be clipped to -1: the bound must be"), "{error}");
}

#[test]
fn accumulated_gradients_are_clipped_as_one_in_any_order_of_the_callbacks() {
    let large = Data::builder(items(16)).batch_size(8).shuffle(false).build().unwrap();
    let mut large = on(large).callback(GradientClip::norm(0.1)).build().unwrap();
    let clip = || GradientClip::norm(0.1);
    let mut one = on(data(16, 0)).callback(Accumulate::batches(2)).callback(clip()).build().unwrap();
    let mut other = on(data(16, 0)).callback(clip()).callback(Accumulate::batches(2)).build().unwrap();
    for learn in [&mut large, &mut one, &mut other] {
        learn.fit(3, 0.5).unwrap();
    }
    let f64s = |learn: &Learner| numbers(learn).into_iter().map(f64::from).collect::<Vec<_>>();
    assert_close("weights", &f64s(&one), &f64s(&large), 1e-6, 0.1);
    assert_eq!(bits(&one), bits(&other));
}

#[test]
fn a_loss_that_is_not_finite_ends_the_training_before_the_weights_change() {
    let build = |callback: TerminateOnNan| {
        let spoil = hook!(on_loss_begin, |last_output: &mut Tensor, iteration: usize| {
            if iteration == 3 {
                *last_output = &*last_output * f64::NAN;
            }
        });
        on(data(40, 0)).callback(spoil).callback(callback).build().unwrap()
    };
    let mut learn = build(TerminateOnNan::default());
    let report = learn.fit(1, 0.1).unwrap();
    assert_eq!(report.outcome.to_string(), "stopped by `TerminateOnNan` in `on_backward_begin`: the loss is NaN");
    let mut three = on(data(12, 0)).build().unwrap();
    three.fit(1, 0.1).unwrap();
    assert_eq!(bits(&learn), bits(&three));
    // The batches 0, 2, 4 … are looked at, and weights that are NaN stay so.
    let mut rarely = build(TerminateOnNan::every(2));
    assert!(rarely.fit(1, 0.1).unwrap().outcome.to_string().contains("the loss is NaN"));
    assert!(numbers(&rarely).iter().all(|number| number.is_nan()));
}

#[test]
fn a_training_stops_after_batches_or_time() {
    let mut learn = on(data(16, 4)).callback(StopAfter::batches(6)).build().unwrap();
    let report = learn.fit(5, 0.1).unwrap();
    assert_eq!(report.outcome.to_string(), "stopped by `StopAfter` in `on_batch_end`: 6 batches are trained");
    let mut six = on(data(16, 4)).callback(Gradient::default()).callback(StopAfter::batches(6)).build().unwrap();
    six.fit(5, 0.1).unwrap();
    assert_eq!(six.get::<Gradient>().unwrap().0.len(), 6);

    let mut at_once = on(data(16, 4)).callback(StopAfter::time(Duration::ZERO)).build().unwrap();
    let outcome = at_once.fit(5, 0.1).unwrap().outcome.to_string();
    assert_eq!(outcome, "stopped by `StopAfter` in `on_batch_end`: the training has taken 0ns");
    let mut never = on(data(16, 4)).callback(StopAfter::time(Duration::from_secs(3600))).build().unwrap();
    assert_eq!(never.fit(5, 0.1).unwrap().outcome, Outcome::Finished);
}

/// A hidden layer with known weights, whose activations are shown.
fn model(vars: &Vars<'_>, tap: mixup::callbacks::Tap) -> impl nn::ModuleT + use<> {
    tch::set_num_threads(1);
    let config = nn::LinearConfig { ws_init: nn::Init::Const(0.5), bs_init: Some(nn::Init::Const(-0.3)), bias: true };
    let hidden = nn::linear(vars / "hidden", 3, 4, config);
    nn::seq().add(hidden).add_fn(Tensor::relu).add_fn(move |x| tap.see(x)).add(nn::linear(vars / "out", 4, 2, config))
}

fn watched(every: usize) -> Result<Learner, Error> {
    let mut stats = ActivationStats::default().every(every);
    let tap = stats.tap("hidden");
    let builder = Learner::builder(data(20, 4), move |vars| model(vars, tap)).callback(stats).mixup();
    builder.callback(Recorder::default()).quiet().build()
}

#[test]
fn activations_of_training_batches_are_published_with_mean_deviation_and_share_near_zero() {
    let mut learn = watched(2).unwrap();
    learn.remove::<MixUp>();
    let report = learn.fit(1, 0.0).unwrap();
    assert_eq!(report.value_names, ["hidden_mean", "hidden_std", "hidden_near_zero"]);
    // By hand: four equal units, relu(0.5 (x1 + x2 + x3) − 0.3), of the batches 0, 2 and 4.
    let inputs = f64s(data(20, 4).train().all().unwrap().input.one().unwrap());
    let (mut means, mut stds, mut near) = (Vec::new(), Vec::new(), Vec::new());
    for batch in inputs.chunks(12).step_by(2) {
        let units: Vec<f64> = batch.chunks(3).flat_map(|x| [(0.5 * x.iter().sum::<f64>() - 0.3).max(0.0); 4]).collect();
        let (count, sum) = (units.len() as f64, units.iter().sum::<f64>());
        means.push(sum / count);
        stds.push((units.iter().map(|unit| (unit - sum / count).powi(2)).sum::<f64>() / (count - 1.0)).sqrt());
        near.push(units.iter().filter(|unit| **unit <= 0.05).count() as f64 / count);
    }
    let recorder = learn.get::<Recorder>().unwrap();
    let read = |name: &str| recorder.published(name).unwrap().unwrap();
    assert_close("mean", &read("hidden_mean"), &means, 1e-5, 0.1);
    assert_close("std", &read("hidden_std"), &stds, 1e-5, 0.1);
    assert_close("near zero", &read("hidden_near_zero"), &near, 1e-6, 0.1);
    assert!(near.iter().any(|share| *share > 0.0 && *share < 1.0), "{near:?}");
}

#[test]
fn batches_are_looked_at_in_the_same_way_after_a_break_with_mixup() {
    resumes(|| Ok(watched(2)?), 2, 0.1);
    resumes(
        || {
            let builder = on(data(18, 5)).mixup().callback(Accumulate::batches(3)).callback(GradientClip::norm(0.1));
            Ok(builder.callback(TerminateOnNan::default()).callback(StopAfter::batches(8)).build()?)
        },
        3,
        0.1,
    );
}
