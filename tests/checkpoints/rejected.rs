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
fn another_optimizer() {
    let error = error(|it| like(data(16, 7), it).optimizer(Sgd::default()).mixup().callback(Recorder::default()));
    assert!(error.ends_with("with other optimizer: AdamW; here: Sgd"), "{error}");
}

#[test]
fn a_callback_more_or_less() {
    let less = error(|it| like(data(16, 7), it).mixup());
    assert!(less.contains("there is a saved state of `callback/Recorder`"), "{less}");
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
        "the saved training: the saved state, of version 1, has no tensor `model/layer.bias`: it is the state of something else, or an older one"
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
