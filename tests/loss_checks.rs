//! What the learner checks of a loss function on the first batch, and the activations of closures.
#![allow(clippy::cast_precision_loss, reason = "small counts become numbers")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use mixup::{
    loss::LossError,
    prelude::*,
    state::{State, StateError, Stateful},
    training::Error,
};
use support::{data, linear, on, series};
use tch::{Kind, TchError, Tensor};

/// Items with as many numbers as a batch has items, to be learnt as they are.
fn square(items: i64) -> mixup::learner::LearnerBuilder<support::Linear> {
    let inputs = series(items * 3, 0.37).reshape([items, 3]);
    let targets = series(items, 0.21);
    let set = TensorDataset::new(inputs, Target::Dense(targets)).expect("as many");
    let data = Data::builder(set).batch_size(4).build().expect("there are items");
    Learner::builder(data, |vars| linear(vars, 3, 4)).quiet()
}

/// The error of the first batch.
#[track_caller]
fn refused(mut learn: Learner) -> LossError {
    let error = learn.fit(1, 0.1).expect_err("the items are not kept apart");
    assert!(error.to_string().contains("epoch 0, training batch 0"), "{error}");
    let Error::Loss { source, .. } = error else { panic!("{error}") };
    *source.downcast().expect("a LossError")
}

#[test]
fn per_item_with_a_loss_of_the_batch_is_refused() {
    let loss = per_item(|output: &Tensor, target: &Target| output.cross_entropy_for_logits(target.tensor()));
    let error = refused(on(data(8, 4)).loss(loss).build().expect("it takes the output"));
    assert!(matches!(&error, LossError::IgnoresReduction { got, items: 4, .. } if got.is_empty()), "{error}");
    assert!(error.to_string().ends_with("or write `of_batch(…)` for a loss that only the whole batch has"), "{error}");
}

/// A loss function of a user's own: what it returns for each reduction.
struct Own(fn(&Tensor, &Target, Reduction) -> Result<Tensor, TchError>);

impl Loss for Own {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        Ok((self.0)(output, target, reduction)?)
    }
}

fn entropies(output: &Tensor, target: &Target) -> Result<Tensor, TchError> {
    output.f_cross_entropy_loss::<Tensor>(target.tensor(), None, tch::Reduction::None, -100, 0.0)
}

#[test]
fn a_loss_function_of_ones_own_that_ignores_the_reduction_is_refused() {
    let own = Own(|output, target, _| entropies(output, target)?.f_mean(Kind::Float));
    let error = refused(on(data(8, 4)).loss(own).build().expect("it takes the output"));
    assert!(matches!(&error, LossError::IgnoresReduction { items: 4, .. }), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("`Own` ignores `reduction`") && text.contains("`Loss::per_item`"), "{text}");
}

#[test]
fn a_mean_that_is_not_that_of_the_losses_is_refused() {
    let own = Own(|output, target, reduction| match reduction {
        Reduction::None => entropies(output, target)?.f_square(),
        _ => entropies(output, target)?.f_sum(Kind::Float),
    });
    let error = refused(on(data(8, 4)).loss(own).build().expect("it takes the output"));
    assert!(matches!(error, LossError::OtherMean { .. }), "{error}");
}

#[test]
fn a_mean_that_is_weighted_by_class_as_in_pytorch_is_accepted() {
    let weighted = |output: &Tensor, target: &Target, reduction: Reduction| {
        let weight = Some(Tensor::from_slice(&[0.5_f32, 3.0]));
        output.f_cross_entropy_loss(target.tensor(), weight, reduction.into(), -100, 0.0)
    };
    on(data(8, 4))
        .loss(weighted)
        .build()
        .expect("it takes the output")
        .fit(1, 0.1)
        .expect("its sum is that of the losses");
}

#[test]
fn shapes_that_are_broadcast_are_refused_if_they_fit_by_chance() {
    // [4, 4] and [4]: as many numbers as items.
    let square_error = per_item(|output: &Tensor, target: &Target| (output - target.tensor()).square());
    let error = refused(square(8).loss(square_error).build().expect("it takes the output"));
    assert!(matches!(&error, LossError::OtherAlone { items: 4, .. }), "{error}");
    assert!(error.to_string().contains("compare tensors of the same shape"), "{error}");
    // [n, 1] and [n].
    let column = |output: &Tensor, target: &Target, reduction: Reduction| {
        reduction.of(&(output.narrow(1, 0, 1) - target.tensor()).square())
    };
    let error = refused(square(8).loss(column).build().expect("it takes the output"));
    assert!(matches!(&error, LossError::OtherAlone { .. }), "{error}");
    let right = per_item(|output: &Tensor, target: &Target| (output - target.tensor().unsqueeze(1)).square());
    square(8).loss(right).build().expect("it takes the output").fit(1, 0.1).expect("each item has its own losses");
}

#[test]
fn a_loss_that_is_random_or_not_finite_is_not_compared() {
    let noisy = per_item(|output: &Tensor, target: &Target| {
        entropies(output, target).and_then(|losses| losses.f_mul(&losses.f_rand_like()?))
    });
    on(data(8, 4)).loss(noisy).build().expect("it takes the output").fit(1, 0.1).expect("it trains");
    let infinite = per_item(|output: &Tensor, target: &Target| Ok::<_, TchError>(entropies(output, target)? / 0.0));
    on(data(8, 4)).loss(infinite).build().expect("it takes the output").fit(1, 0.1).expect("the loss is infinite");
}

#[test]
fn a_loss_of_the_whole_batch_is_not_checked() {
    let of_all = of_batch(|output: &Tensor, _: &Target| {
        (output - output.mean_dim(0_i64, true, Kind::Float)).square().mean(Kind::Float)
    });
    on(data(8, 4)).loss(of_all).build().expect("it takes the output").fit(1, 0.1).expect("the batch has a loss");
}

/// Counts its calls, and what it remembers of them.
struct Counts {
    calls: Arc<AtomicUsize>,
    remembered: AtomicUsize,
}

impl Loss for Counts {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.remembered.fetch_add(1, Ordering::Relaxed);
        CrossEntropy::default().loss(output, target, reduction)
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}

impl Stateful for Counts {
    fn save(&self) -> Result<State, StateError> {
        State::new().with("remembered", &self.remembered.load(Ordering::Relaxed))
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.remembered = state.field::<usize>("remembered")?.into();
        Ok(())
    }
}

#[test]
fn only_the_first_batch_of_a_run_is_checked_and_the_loss_forgets_it() {
    let calls = Arc::new(AtomicUsize::new(0));
    let loss = Counts { calls: calls.clone(), remembered: AtomicUsize::new(0) };
    let mut learn = on(data(16, 0)).loss(loss).build().expect("it takes the output");
    let mut of_fit = || {
        let before = calls.load(Ordering::Relaxed);
        learn.fit(1, 0.1).expect("it trains");
        calls.load(Ordering::Relaxed) - before
    };
    // Four batches; two calls with `None`, one with `Mean`, and one for the first item.
    assert_eq!([of_fit(), of_fit()], [8, 8]);
    let remembered = learn.loss_func().with(|loss: &Counts| loss.remembered.load(Ordering::Relaxed));
    assert_eq!(remembered, Some(8));
}

#[test]
fn a_closure_may_have_an_activation() {
    let losses = |output: &Tensor, target: &Target| entropies(output, target);
    let plain = on(data(8, 4)).loss(per_item(losses)).build().expect("it takes the output").predictions();
    let raw = plain.expect("there is validation data").outputs;
    let probable = |loss: LossFunc| {
        let mut learn = on(data(8, 4)).loss(loss).build().expect("it takes the output");
        learn.predictions().expect("there is validation data").outputs
    };
    let softmax = raw.softmax(1, Kind::Float);
    assert_eq!(probable(LossFunc::new(per_item(losses).activation(|output| output.softmax(1, Kind::Float)))), softmax);
    assert_eq!(
        probable(LossFunc::new(per_item(losses).activation(|output| output.f_softmax(1, Kind::Float)))),
        softmax
    );
    let mean = |output: &Tensor, target: &Target| output.cross_entropy_for_logits(target.tensor());
    assert_eq!(probable(LossFunc::new(of_batch(mean).activation(|output| output.softmax(1, Kind::Float)))), softmax);
    let refuses = per_item(losses).activation(|_: &Tensor| Err::<Tensor, _>("not today"));
    let error = on(data(8, 4)).loss(refuses).build().expect("it takes the output").predictions();
    assert!(error.expect_err("it refuses").to_string().contains("not today"));
}
