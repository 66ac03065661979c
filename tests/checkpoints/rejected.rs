//! What does not fit is an error with both sides, and changes nothing.

use mixup::{learner::LearnerBuilder, model::Vars, prelude::*};
use tch::nn;

use super::{
    equipped, learner,
    support::{self, Linear, bits, data, on},
};

/// The message of a learner that is to go on from a checkpoint of [`learner`]. It must be as it was before.
fn error<M: Model>(other: impl FnOnce(Checkpoints) -> LearnerBuilder<M>) -> String {
    error_after(learner, other)
}

fn error_after<M: Model>(
    first: impl FnOnce(Checkpoints) -> LearnerBuilder<Linear>,
    other: impl FnOnce(Checkpoints) -> LearnerBuilder<M>,
) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    first(Checkpoints::in_dir(folder.path())).build().expect("it fits").fit(1, 0.05).expect("it trains");
    let mut other = other(Checkpoints::in_dir(folder.path())).build().expect("it fits");
    let before = (bits(&other), other.state().expect("it has one"));
    let error = other.resume_to(2).expect_err("it does not fit").to_string();
    assert!((bits(&other), other.state().expect("it has one")) == before, "{error}");
    error
}

fn like(data: Data, checkpoints: Checkpoints) -> LearnerBuilder<Linear> {
    on(data).optimizer(AdamW::default()).metric(accuracy).checkpoints(checkpoints)
}

#[test]
fn other_data() {
    let error = error(|it| like(data(12, 7), it).mixup().callback(Recorder::default()));
    assert!(
        error.contains(
            "is of a training with other data: 16 training and 7 validation items of 3, in batches of 4; here: 12"
        ),
        "{error}"
    );
}

#[test]
fn other_classes() {
    let named = |names: [&str; 2], checkpoints| {
        let items = |count| support::items(count);
        let data = Data::builder(items(16)).valid(items(7)).batch_size(4).shuffle(false).classes(names);
        equipped(on(data.build().expect("there are items")), checkpoints)
    };
    let error = error_after(|it| named(["cat", "dog"], it), |it| named(["dog", "cat"], it));
    assert!(error.ends_with("is of a training with other classes: cat, dog; here: dog, cat"), "{error}");
}

#[test]
fn another_loss_function_or_other_metrics() {
    let error_of_loss = error(|it| learner(it).loss(Nll::default()));
    assert!(error_of_loss.ends_with("with other loss function: CrossEntropy; here: Nll"), "{error_of_loss}");
    let more = error(|it| learner(it).metric(error_rate));
    assert!(more.ends_with("with other metrics: accuracy; here: accuracy, error_rate"), "{more}");
}

/// Sees all, and changes nothing.
struct Watches;

#[callback]
impl Watches {
    fn on_epoch_end(&self) {}
}

#[test]
fn a_callback_without_a_state_may_be_added_with_a_warning_that_has_both_sides() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = || Checkpoints::in_dir(folder.path());
    learner(kept()).build().expect("it fits").fit(1, 0.05).expect("it trains");
    let mut other = learner(kept()).callback(Watches).build().expect("it fits");
    let warnings = support::warnings::Warnings::default();
    tracing::subscriber::with_default(warnings.clone(), || other.resume_to(2)).expect("it goes on");
    let said = warnings.take();
    let both = "with the callbacks Recorder, MixUp; here: Recorder, MixUp, Watches.";
    assert!(said.iter().any(|warning| warning.contains(both)), "{said:?}");
}

#[test]
fn another_optimizer() {
    let error = error(|it| like(data(16, 7), it).optimizer(Sgd::default()).mixup().callback(Recorder::default()));
    assert!(error.ends_with("with other optimizer: AdamW; here: Sgd"), "{error}");
}

#[test]
fn a_callback_more_or_less() {
    let less = error(|it| like(data(16, 7), it).mixup());
    assert!(
        less.contains(
            "there is a saved state of `callback/Recorder`, and the learner has states of `life`, `optimizer`"
        ),
        "{less}"
    );
    let more = error(|it| learner(it).callback(Ema::new(0.9)));
    assert!(more.contains("the learner's `callback/Ema` has a state, and there is none among the saved ones, which are of `callback/Recorder`, `life`, `optimizer`"), "{more}");
}

fn wider(checkpoints: Checkpoints) -> LearnerBuilder<Linear> {
    equipped(Learner::builder(data(16, 7), |vars| support::linear(vars, 3, 3)), checkpoints)
}

#[test]
fn another_shape() {
    let wanted = "the saved training: `bias` is Float [2] in the saved state, and Float [3] in the model";
    assert_eq!(error(wider), wanted);
    // Also if the optimizer remembers nothing of its parameters.
    let plain = |it| learner(it).optimizer(Sgd::default());
    assert_eq!(error_after(plain, |it| wider(it).optimizer(Sgd::default())), wanted);
}

#[test]
fn a_renamed_layer() {
    struct Renamed(nn::Linear);

    impl Model for Renamed {
        type Output = tch::Tensor;

        fn forward_batch(&self, input: &Input, _train: bool) -> Result<tch::Tensor, BoxError> {
            Ok(input.one()?.apply(&self.0))
        }

        fn type_name(&self) -> String {
            "Linear".to_owned()
        }
    }

    let renamed = |vs: &Vars<'_>| Renamed(nn::linear(vs / "layer", 3, 2, nn::LinearConfig::default()));
    let error = error(|it| equipped(Learner::builder(data(16, 7), renamed), it));
    assert_eq!(
        error,
        "the saved training: it is the state of another model: only the saved one has `bias`, `weight`, and only this one has `layer.bias`, \
         `layer.weight`"
    );
}

#[test]
fn a_folder_in_which_another_training_writes() {
    struct Nested(std::path::PathBuf);

    #[callback]
    impl Nested {
        fn on_epoch_end(&self) -> Result<(), BoxError> {
            let mut other = learner(Checkpoints::in_dir(&self.0)).build()?;
            let error = other.fit(1, 0.05).expect_err("it is taken").to_string();
            if error.contains("is in use") { Ok(()) } else { Err(error.into()) }
        }
    }

    let folder = tempfile::tempdir().expect("a folder");
    let nested = Nested(folder.path().to_owned());
    learner(Checkpoints::in_dir(folder.path()))
        .callback(nested)
        .build()
        .expect("it fits")
        .fit(1, 0.05)
        .expect("it trains");
}
