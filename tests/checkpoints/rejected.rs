//! What does not fit is an error with both sides, and changes nothing.

use mixup::{learner::LearnerBuilder, prelude::*};
use tch::nn;

use super::{
    learner,
    support::{self, Linear, bits, data, on},
};

/// The message of a learner that is to go on from a checkpoint of [`learner`], and whether it is as it was before.
fn error<M: Model>(other: impl FnOnce(Checkpoints) -> LearnerBuilder<M>) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    learner(Checkpoints::in_dir(folder.path())).build().expect("it fits").fit(1, 0.05).expect("it trains");
    let mut other = other(Checkpoints::in_dir(folder.path())).build().expect("it fits");
    let before = bits(&other);
    let error = other.resume_to(2).expect_err("it does not fit").to_string();
    assert_eq!(bits(&other), before, "{error}");
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

#[test]
fn another_shape() {
    let wider = |it| {
        Learner::builder(data(16, 7), |vars| support::linear(vars, 3, 3))
            .optimizer(AdamW::default())
            .metric(accuracy)
            .mixup()
            .callback(Recorder::default())
            .quiet()
            .checkpoints(it)
    };
    let error = error(wider);
    assert!(error.contains("`bias/exp_avg` has the shape [2] in the state, and its parameter is [3]"), "{error}");
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

    let error = error(|it| {
        Learner::builder(data(16, 7), |vs| Renamed(nn::linear(vs / "layer", 3, 2, nn::LinearConfig::default())))
            .optimizer(AdamW::default())
            .metric(accuracy)
            .mixup()
            .callback(Recorder::default())
            .quiet()
            .checkpoints(it)
    });
    assert!(error.contains("the model has no such parameter") || error.contains("`model/layer.weight`"), "{error}");
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
