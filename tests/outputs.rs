//! Models whose output is not one tensor: losses, metrics, hooks, MixUp and predictions take it as what it is.
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod numbers;
mod support;

use std::sync::{Arc, Mutex};

use mixup::{
    batch::AnyOutput,
    callback::Hook,
    error::BoxError,
    loss::LossError,
    model::Vars,
    prelude::*,
    state::{State, StateError, Stateful},
    training::BuildError,
};
use numbers::f64s;
use support::{Linear, bits, data, linear, on};
use tch::{Kind, TchError, Tensor};

/// The scores of a linear model, and how large they are.
#[derive(Output)]
struct Scored {
    scores: Tensor,
    size: Tensor,
}

struct Scores(Linear);

fn scores(vars: &Vars<'_>) -> Scores {
    Scores(linear(vars, 3, 2))
}

impl Model for Scores {
    type Output = Scored;

    fn forward_batch(&self, input: &Input, train: bool) -> Result<Scored, BoxError> {
        let scores = self.0.forward_batch(input, train)?;
        let size = scores.f_square()?.f_mean(Kind::Float)?;
        Ok(Scored { scores, size })
    }
}

/// Cross-entropy of the scores, and softmax as its activation.
struct OfScores(CrossEntropy);

impl Loss<Scored> for OfScores {
    fn loss(&self, output: &Scored, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        self.0.loss(&output.scores, target, reduction)
    }

    fn activation(&self, output: &Scored) -> Result<Scored, BoxError> {
        Ok(Scored { scores: self.0.activation(&output.scores)?, size: output.size.shallow_clone() })
    }
}

fn hits(output: &Scored, target: &Target) -> Result<Tensor, mixup::metrics::MetricError> {
    accuracy(&output.scores, target)
}

fn learner(train: i64, valid: i64) -> mixup::learner::LearnerBuilder<Scores> {
    let builder = Learner::builder(data(train, valid), scores).loss(OfScores(CrossEntropy::default())).metric(hits);
    builder.optimizer(Sgd::default()).quiet()
}

#[test]
fn trains_to_the_bit_as_with_the_tensor_alone() {
    let (mut own, mut plain) =
        (learner(16, 7).build().expect("it fits"), on(data(16, 7)).metric(accuracy).build().expect("it fits"));
    let (report, reference) = (own.fit(2, 0.1).expect("it trains"), plain.fit(2, 0.1).expect("it trains"));
    assert_eq!(bits(&own), bits(&plain));
    for (epoch, wanted) in report.epochs.iter().zip(&reference.epochs) {
        assert_eq!(
            (epoch.train_loss, epoch.valid_loss, &epoch.metrics),
            (wanted.train_loss, wanted.valid_loss, &wanted.metrics)
        );
    }
    assert_eq!(report.metric_names, ["hits"]);
}

#[test]
fn mixup_mixes_the_losses_of_an_output_of_the_users() {
    let mut own = learner(16, 0).mixup().build().expect("it fits");
    let mut plain = on(data(16, 0)).loss(CrossEntropy::default()).mixup().build().expect("it fits");
    let (report, reference) = (own.fit(2, 0.1).expect("it trains"), plain.fit(2, 0.1).expect("it trains"));
    let (got, wanted) = (report.epochs[1].train_loss, reference.epochs[1].train_loss);
    // Two calls for the two targets there, one for both here: the same but for rounding.
    assert!((got - wanted).abs() < 1e-6, "{got} and {wanted}");
    assert!(own.validate().is_err(), "there is no validation data");
}

#[test]
fn predictions_join_each_tensor_of_the_output() {
    let mut own = learner(8, 7).build().expect("it fits");
    let found = own.predictions_as::<Scored>().expect("there is validation data");
    let wanted = on(data(8, 7)).build().expect("it fits").predictions().expect("there is validation data");
    assert_eq!(f64s(&found.outputs.scores), f64s(&wanted.outputs));
    assert_eq!(
        f64s(found.losses.as_ref().expect("the data has targets")),
        f64s(wanted.losses.as_ref().expect("the data has targets"))
    );
    // One number for each batch of four and three items.
    assert_eq!(found.outputs.size.size(), [2]);
    let any = own.predictions_as::<AnyOutput>().expect("every output is one");
    assert_eq!(f64s(&any.outputs.tensors()[0]), f64s(&wanted.outputs));
    let error = own.predictions().expect_err("it is no tensor");
    assert_eq!(
        error.to_string(),
        "the model's output is a `Scored`, not a `Tensor`: ask for `predictions_as::<Scored>(…)`"
    );
}

/// Looks at the output as what it is, and halves it without knowing that.
struct Halve(Arc<Mutex<Vec<f64>>>);

#[callback]
impl Halve {
    #[on(loss_begin, train)]
    fn look(&self, last_output: &Scored) -> Result<(), TchError> {
        self.0.lock().expect("no panic").push(last_output.scores.f_abs()?.f_max()?.f_double_value(&[])?);
        Ok(())
    }

    #[on(loss_begin, train)]
    fn halve(&self, last_output: &mut AnyOutput) -> Result<(), TchError> {
        assert_eq!(last_output.tensors().len(), 2);
        last_output.change(|tensor| tensor.f_mul_scalar(0.5))
    }

    #[on(backward_begin)]
    fn look_again(&self, last_output: &mut Scored) -> Result<(), TchError> {
        self.0.lock().expect("no panic").push(last_output.scores.f_abs()?.f_max()?.f_double_value(&[])?);
        Ok(())
    }
}

#[test]
fn hooks_take_the_output_as_its_type_or_without_one() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    learner(4, 0).callback(Halve(Arc::clone(&seen))).build().expect("it fits").fit(1, 0.0).expect("it trains");
    let seen = seen.lock().expect("no panic");
    assert_eq!((seen[0] * 0.5).to_bits(), seen[1].to_bits());
}

struct WantsTensor;

#[callback]
impl WantsTensor {
    fn on_loss_begin(&self, last_output: &Tensor) {
        let _ = last_output;
    }
}

#[test]
fn a_callback_that_asks_for_another_output_is_refused_before_the_run() {
    let error = learner(4, 0).callback(WantsTensor).build().err().expect("the output is no tensor");
    let wanted =
        "the callback `WantsTensor` asks for the output as `Tensor` in `on_loss_begin`, and this learner's is `Scored`";
    assert_eq!(error.to_string(), wanted);
    let Error::Build(BuildError::OtherType { hook: Hook::LossBegin, .. }) = error else { panic!("{error}") };
}

#[test]
fn a_model_without_a_tensor_needs_a_loss_function() {
    let error = Learner::builder(data(4, 0), scores).build().err().expect("cross-entropy takes a tensor");
    assert_eq!(
        error.to_string(),
        "the model's output is a `Scored`, and cross-entropy takes one tensor: give the learner a loss function with `.loss(…)`"
    );
}

struct Replaces<F>(F);

#[callback]
impl<F: Fn() -> LossFunc + Send + 'static> Replaces<F> {
    fn on_epoch_begin(&self, loss_func: &mut LossFunc) {
        *loss_func = (self.0)();
    }
}

#[test]
fn a_loss_function_for_another_output_is_refused_where_it_is_put() {
    let replaces = Replaces(|| LossFunc::new(Mse));
    let mut learn = learner(4, 0).callback(replaces).build().expect("it fits");
    let error = learn.fit(1, 0.1).expect_err("Mse takes a tensor").to_string();
    let wanted = "hook `on_epoch_begin`, epoch 0: the loss function was replaced by `Mse`, which takes a `Tensor`: the model's output is a `Scored`";
    assert!(error.ends_with(wanted), "{error}");
    assert_eq!(learn.loss_func().name(), "OfScores");
    learn.remove::<Replaces<fn() -> LossFunc>>();
}

#[test]
fn a_loss_function_that_replaces_the_wrapper_of_mixup_is_wrapped_too() {
    let smoothed = || CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() };
    let replaces = move || Replaces(move || LossFunc::new(smoothed()));
    for before in [true, false] {
        let builder = on(data(16, 0));
        let builder = if before { builder.callback(replaces()).mixup() } else { builder.mixup().callback(replaces()) };
        let mut learn = builder.build().expect("it fits");
        let mut reference = on(data(16, 0)).loss(smoothed()).mixup().build().expect("it fits");
        let original = learn.loss_func().clone();
        learn.fit(2, 0.1).expect("it trains");
        reference.fit(2, 0.1).expect("it trains");
        assert_eq!(bits(&learn), bits(&reference), "replaced before MixUp: {before}");
        assert!(learn.loss_func().is_same(&original));
    }
}

/// A loss function that calls the `LossFunc` that it is in.
struct Calls {
    itself: Arc<Mutex<Option<LossFunc>>>,
    deep: std::cell::Cell<bool>,
}

impl Loss for Calls {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        let itself = self.itself.lock().map_err(|_| "a panic")?.clone();
        match itself.filter(|_| !self.deep.replace(true)) {
            Some(itself) => itself.loss(output, target, reduction),
            None => CrossEntropy::default().loss(output, target, reduction),
        }
    }
}

#[test]
fn a_loss_function_may_call_the_one_that_it_is_in() {
    let itself = Arc::new(Mutex::new(None));
    let loss = LossFunc::new(Calls { itself: Arc::clone(&itself), deep: std::cell::Cell::new(false) });
    *itself.lock().expect("no panic") = Some(loss.clone());
    let output = Tensor::from_slice(&[2.0_f32, 0.0]).reshape([1, 2]);
    let target = Target::from(Tensor::from_slice(&[0_i64]));
    let got = loss.loss(&output, &target, Reduction::Mean).expect("it fits");
    assert!((got.double_value(&[]) - (1.0 + (-2.0_f64).exp()).ln()).abs() < 1e-6);
}

/// A loss function that asks for its own state while it is called.
struct AsksForState(Arc<Mutex<Option<LossFunc>>>);

impl Stateful for AsksForState {
    fn save(&self) -> Result<State, StateError> {
        Ok(State::new())
    }

    fn load(&mut self, _: &State) -> Result<(), StateError> {
        Ok(())
    }
}

impl Loss for AsksForState {
    fn loss(&self, _: &Tensor, _: &Target, _: Reduction) -> Result<Tensor, BoxError> {
        let mut itself = self.0.lock().map_err(|_| "a panic")?.clone().ok_or("it is there")?;
        Ok(Tensor::from(f64::from(u8::from(itself.stateful().is_some()))))
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}

#[test]
fn a_loss_function_that_is_being_called_has_no_state_to_ask_for() {
    let itself = Arc::new(Mutex::new(None));
    let mut loss = LossFunc::new(AsksForState(Arc::clone(&itself)));
    *itself.lock().expect("no panic") = Some(loss.clone());
    let output = Tensor::from_slice(&[1.0_f32]);
    let got = loss.loss(&output, &Target::from(output.shallow_clone()), Reduction::Mean).expect("it returns");
    assert_eq!(got.double_value(&[]).to_bits(), 0.0_f64.to_bits());
    assert!(loss.stateful().is_some());
}

#[test]
fn several_tensors_need_no_type_of_their_own() {
    struct Pair(Linear);
    impl Model for Pair {
        type Output = (Tensor, Vec<Tensor>);
        fn forward_batch(&self, input: &Input, train: bool) -> Result<(Tensor, Vec<Tensor>), BoxError> {
            let scores = self.0.forward_batch(input, train)?;
            Ok((scores.f_neg()?, vec![scores]))
        }
    }
    let loss = per_item(|(_, scores): &(Tensor, Vec<Tensor>), target: &Target| {
        CrossEntropy::default().loss(&scores[0], target, Reduction::None)
    });
    let builder = Learner::builder(data(8, 0), |vars| Pair(linear(vars, 3, 2))).loss(loss).optimizer(Sgd::default());
    let (mut pair, mut plain) = (builder.quiet().build().expect("it fits"), on(data(8, 0)).build().expect("it fits"));
    pair.fit(1, 0.1).expect("it trains");
    plain.fit(1, 0.1).expect("it trains");
    assert_eq!(bits(&pair), bits(&plain));
}

#[test]
fn a_closure_that_ignores_the_reduction_is_refused_for_every_output() {
    let loss = |output: &Scored, _: &Target, _: Reduction| output.size.shallow_clone();
    let mut learn = Learner::builder(data(4, 0), scores).loss(loss).quiet().build().expect("it fits");
    let error = learn.fit(1, 0.1).expect_err("it has one loss");
    let Error::Loss { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(LossError::IgnoresReduction { items: 4, .. })), "{error}");
}

/// A model that returns two tensors as a tuple.
struct Pair(Linear);

impl Model for Pair {
    type Output = (Tensor, Tensor);

    fn forward_batch(&self, input: &Input, train: bool) -> Result<(Tensor, Tensor), BoxError> {
        let scores = self.0.forward_batch(input, train)?;
        Ok((scores.f_neg()?, scores))
    }
}

#[test]
fn a_hook_asks_for_a_tuple_as_what_it_is_and_changes_it() {
    struct Change;
    #[callback]
    impl Change {
        fn on_loss_begin(&self, last_output: &mut (Tensor, Tensor)) -> Result<(), TchError> {
            last_output.0 = last_output.1.f_zeros_like()?;
            Ok(())
        }

        fn on_backward_begin(&self, last_output: &(Tensor, Tensor)) {
            assert_eq!(last_output.0, last_output.1.zeros_like());
        }
    }

    let loss = per_item(|(_, scores): &(Tensor, Tensor), target: &Target| {
        CrossEntropy::default().loss(scores, target, Reduction::None)
    });
    let seen = Arc::new(Mutex::new(0));
    let count = Arc::clone(&seen);
    let look = hook!(on_batch_end, move |last_output: &(Tensor, Tensor)| {
        *count.lock().expect("no panic") += usize::from(last_output.0 != last_output.1);
    });
    let builder = Learner::builder(data(8, 0), |vars| Pair(linear(vars, 3, 2))).loss(loss).optimizer(Sgd::default());
    let mut learn = builder.callback(Change).callback(look).quiet().build().expect("it fits");
    learn.fit(1, 0.1).expect("it trains");
    assert_eq!(*seen.lock().expect("no panic"), 2);
    let error = on(data(8, 0)).callback(Change).build().err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("(Tensor,Tensor)") || error.contains("(Tensor, Tensor)"), "{error}");
}

/// The derive, where the names of the standard library mean something else.
mod shadowed {
    #![allow(dead_code, reason = "they are only in the way")]

    pub struct Result;
    pub struct Ok;
    pub mod core {}

    #[derive(mixup::batch::Output)]
    pub struct Nested<A, B>(pub A, pub Vec<B>)
    where
        B: Allowed;

    pub trait Allowed {}
    impl Allowed for tch::Tensor {}

    #[derive(mixup::batch::Output)]
    pub struct Named<const N: usize, T> {
        pub each: T,
        pub r#type: (tch::Tensor, T),
    }
}

#[test]
fn a_derived_output_has_the_tensors_of_its_fields_in_their_order() {
    use shadowed::{Named, Nested};

    let number = |number: i64| Tensor::from(number);
    let inner = Named::<3, Tensor> { each: number(1), r#type: (number(2), number(3)) };
    let output = Nested(inner, vec![number(4), number(5)]);
    let mut seen = Vec::new();
    let doubled = output.map(&mut |tensor| {
        seen.push(tensor.int64_value(&[]));
        tensor.f_mul_scalar(2)
    });
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    let doubled = AnyOutput::new(doubled.expect("they are numbers"));
    let doubled: Vec<_> = doubled.tensors().iter().map(|tensor| tensor.int64_value(&[])).collect();
    assert_eq!(doubled, [2, 4, 6, 8, 10]);
    let failed = output.map(&mut |_| Err(TchError::Torch("no".to_owned())));
    assert_eq!(failed.err().map(|error| error.to_string()), Some("Internal torch error: no".to_owned()));
}
