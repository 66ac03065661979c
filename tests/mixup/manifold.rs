//! Manifold mixup with the example's network: the blend at a layer is that of the paper, and the layer is chosen at random.

use mixup::{callbacks::mixing::Mode, error::BoxError, prelude::*};
use tch::{Kind, Tensor};

use crate::numbers::{assert_close, classes, f64s, prepared, random};

#[path = "../../examples/manifold_mixup/network.rs"]
mod network;
use network::Manifold;

/// The example's network, whose parameters the learner still knows, and the outputs of every batch.
fn learner(places: &'static [usize], mixup: MixUp) -> Learner {
    let batch = |n: i64, seed| (random(&[n, 1, 2, 2], Kind::Float, seed), Target::from(classes(&[n], 3, seed)));
    let data = prepared(&[batch(5, 1), batch(1, 2), batch(4, 3)]).expect("whole batches");
    let builder = Learner::builder(data, move |vs| Manifold::new(vs, &[4, 6, 5, 3], places));
    builder.callback(mixup).seed(5).quiet().build().expect("a learner")
}

fn stacked() -> MixUp {
    MixUp::new(2.0).expect("2 is above 0").mode(Mode::Batch).heavier(false).stack_x(true)
}

/// A layer in f64: x·Wᵀ + b, with a ReLU except for the last layer.
fn layer(learn: &Learner, at: usize, x: &[Vec<f64>], last: bool) -> Vec<Vec<f64>> {
    let of = |name: &str| {
        let name = format!("{at}.{name}");
        f64s(learn.params().iter().find(|(found, _)| *found == name).expect("a layer's parameter").1)
    };
    let (weight, bias) = (of("weight"), of("bias"));
    let answer = |row: &Vec<f64>| {
        let sums = weight.chunks(row.len()).zip(&bias);
        let sums = sums.map(|(weight, bias)| weight.iter().zip(row).map(|(w, x)| w * x).sum::<f64>() + bias);
        sums.map(|sum| if last { sum } else { sum.max(0.0) }).collect()
    };
    x.iter().map(answer).collect()
}

/// `λ·g_k(x) + (1−λ)·g_k(x')`, and the rest of the network.
fn by_the_paper(learn: &Learner, place: usize, [first, second]: [&Tensor; 2], weight: &[f64]) -> Vec<f64> {
    let rows = |x: &Tensor| f64s(x).chunks(4).map(<[f64]>::to_vec).collect::<Vec<_>>();
    let hidden = |x: &Tensor| (0..place).fold(rows(x), |x, at| layer(learn, at, &x, at == 2));
    let pairs = hidden(first).into_iter().zip(hidden(second)).zip(weight);
    let blend =
        |((a, b), w): ((Vec<f64>, Vec<f64>), &f64)| a.iter().zip(&b).map(|(a, b)| w * a + (1.0 - w) * b).collect();
    let blend: Vec<Vec<f64>> = pairs.map(blend).collect();
    (place..3).fold(blend, |x, at| layer(learn, at, &x, at == 2)).concat()
}

#[test]
fn the_blend_at_every_layer_is_that_of_the_paper() -> Result<(), BoxError> {
    let input = Input::Stacked {
        first: random(&[4, 1, 2, 2], Kind::Float, 1),
        second: random(&[4, 1, 2, 2], Kind::Float, 2),
        weight: Tensor::from_slice(&[0.9_f32, 0.5, 0.2, 1.0]),
    };
    let Input::Stacked { first, second, weight } = &input else { unreachable!() };
    let mut answers = Vec::new();
    for places in [&[0][..], &[1], &[2]] {
        let learn = learner(places, stacked());
        let got = f64s(learn.model().forward_any(&input, true)?.get()?);
        let want = by_the_paper(&learn, places[0], [first, second], &f64s(weight));
        assert_close(&format!("in front of layer {places:?}"), &got, &want, 1e-5, 1.0);
        answers.push(got);
    }
    assert!(answers[0] != answers[1] && answers[1] != answers[2], "the layers differ");
    Ok(())
}

#[test]
fn the_layer_is_chosen_at_random() -> Result<(), BoxError> {
    let input = || Input::Stacked {
        first: random(&[2, 1, 2, 2], Kind::Float, 1),
        second: random(&[2, 1, 2, 2], Kind::Float, 2),
        weight: Tensor::from_slice(&[0.5_f32, 0.5]),
    };
    let learn = learner(&[0, 2], stacked());
    let answers = (0..40).map(|_| Ok(f64s(learn.model().forward_any(&input(), true)?.get()?)));
    let mut kinds = answers.collect::<Result<Vec<_>, BoxError>>()?;
    kinds.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    kinds.dedup();
    assert_eq!(kinds.len(), 2, "two places make two answers");
    Ok(())
}

#[test]
fn it_trains_and_validates() {
    let mut learn = learner(&[0, 1, 2], stacked());
    let before = learn.loss_func().clone();
    let report = learn.fit(3, 0.01).expect("a training");
    assert!(learn.loss_func().is_same(&before));
    assert!(report.last().and_then(|epoch| epoch.valid_loss).is_some_and(f64::is_finite));
}
