//! Freezing and unfreezing groups.

use std::collections::BTreeMap;

use mixup::{
    model::{Param, Vars},
    prelude::*,
    training::BuildError,
};
use tch::{Kind, nn};

use super::{built, data, f64s, in_groups, parameters, warnings::Warnings};

/// What the optimizer remembers of a group: steps, and moments to the bit.
fn memory(learn: &mut Learner, group: &str) -> Vec<(String, Vec<u64>)> {
    let state = learn.state().expect("copies").0.remove("optimizer").expect("it has one");
    let of = |key: &str| key.starts_with(group);
    let steps: BTreeMap<String, u64> = state.field("steps").expect("counts");
    let steps = steps.into_iter().filter(|(key, _)| of(key)).map(|(key, steps)| (key, vec![steps]));
    let bits = |key| f64s(&state.tensor(key).expect("a copy")).into_iter().map(f64::to_bits).collect();
    let tensors = state.tensor_names().filter(|key| of(key));
    steps.chain(tensors.map(|key| (key.to_owned(), bits(key)))).collect()
}

fn survives(opt: impl Optimizer, moments: usize) {
    let mut learn = built(in_groups(opt));
    learn.fit(2, 0.01).expect("a training");
    learn.freeze("trunk").expect("a group");
    let (trunk, head) = (memory(&mut learn, "trunk"), memory(&mut learn, "head"));
    let before = parameters(&learn);
    learn.fit(2, 0.01).expect("a training");
    assert_eq!(trunk.len(), 2 * (1 + moments), "steps and moments of two parameters");
    assert_eq!(memory(&mut learn, "trunk"), trunk);
    assert_ne!(memory(&mut learn, "head"), head);
    assert_eq!(parameters(&learn)[..2], before[..2], "the trunk");
    assert!(parameters(&learn)[2..].iter().zip(&before[2..]).all(|(a, b)| a != b), "the head");
    learn.unfreeze();
    learn.fit(1, 0.01).expect("a training");
    assert_ne!(memory(&mut learn, "trunk"), trunk);
    assert!(parameters(&learn).iter().zip(&before).all(|(a, b)| a != b), "all");
}

#[test]
fn a_frozen_group_and_its_moments_stay_the_same_to_the_bit() {
    survives(AdamW::default(), 2);
    survives(Adam::default().wd(0.1), 2);
    survives(Sgd::default().momentum(0.9).wd(0.1), 1);
    survives(RmsProp::default().momentum(0.9), 2);
}

#[test]
fn a_state_that_is_loaded_while_a_group_is_frozen_keeps_its_moments() {
    let mut learn = built(in_groups(AdamW::default()));
    learn.fit(2, 0.01).expect("a training");
    let (saved, trunk) = (learn.state().expect("copies"), memory(&mut learn, "trunk"));
    let mut other = built(in_groups(AdamW::default()));
    other.freeze("trunk").expect("a group");
    other.load_state(&saved).expect("the same groups");
    other.fit(1, 0.01).expect("a training");
    assert_eq!(memory(&mut other, "trunk"), trunk);
    other.unfreeze();
    other.fit(1, 0.01).expect("a training");
    let steps = |memory: &[(String, Vec<u64>)]| memory[0].1[0];
    assert_eq!(steps(&memory(&mut other, "trunk")), steps(&trunk) + 5, "it continues from there");
}

/// Which groups are frozen.
fn frozen(learn: &Learner) -> Vec<&str> {
    let params = learn.params();
    let is_frozen = |group: &&str| params.group(group).expect("it is one").all(Param::is_frozen);
    params.groups().iter().map(String::as_str).filter(is_frozen).collect()
}

fn in_three() -> Learner {
    let builder = super::builder(Sgd::default()).group("stem", |name, _| name == "trunk.weight");
    built(builder.group("trunk", |name, _| name == "trunk.bias"))
}

#[test]
fn freezing_up_to_a_group_freezes_those_before_it_and_unfreezes_the_others() {
    let mut learn = in_three();
    learn.freeze_to("default").expect("a group");
    assert_eq!(frozen(&learn), ["stem", "trunk"]);
    learn.freeze_to("trunk").expect("a group");
    assert_eq!(frozen(&learn), ["stem"]);
    learn.freeze("default").expect("a group");
    assert_eq!(frozen(&learn), ["stem", "default"]);
    learn.unfreeze();
    assert_eq!(frozen(&learn), Vec::<&str>::new());
}

#[test]
fn freezing_an_unknown_group_or_up_to_the_first_one_is_rejected_and_freezes_nothing() {
    let mut learn = in_three();
    let rejected = |error: Error| {
        let text = error.to_string();
        let Error::Build(BuildError::Group(error)) = error else { panic!("{text}") };
        (error, text)
    };
    for (error, text) in [learn.freeze("hat"), learn.freeze_to("hat")].map(|done| rejected(done.expect_err("no group")))
    {
        assert!(matches!(error, GroupError::Unknown { .. }), "{error:?}");
        assert_eq!(text, "no group is named `hat`: the groups are `stem`, `trunk` and `default`");
    }
    let (error, text) = rejected(learn.freeze_to("stem").expect_err("nothing is before it"));
    assert!(matches!(error, GroupError::First { .. }), "{error:?}");
    assert!(
        text.starts_with("there is no group to freeze before `stem`: the groups are `stem`, `trunk` and `default`"),
        "{text}"
    );
    assert_eq!(frozen(&learn), Vec::<&str>::new());
}

#[test]
fn a_training_with_all_groups_frozen_has_nothing_to_train() {
    let mut learn = in_three();
    for group in ["stem", "trunk", "default"] {
        learn.freeze(group).expect("a group");
    }
    assert!(matches!(learn.fit(1, 0.1), Err(Error::NothingToTrain { .. })));
    learn.freeze_to("default").expect("a group");
    learn.fit(1, 0.1).expect("one is left");
}

#[test]
fn a_parameter_that_the_model_has_frozen_can_be_unfrozen() {
    let half = |vars: &Vars<'_>| {
        let layer = nn::linear(vars.path(), 3, 1, nn::LinearConfig::default());
        let _ = layer.ws.set_requires_grad(false);
        layer
    };
    let mut learn = Learner::builder(data(Kind::Float), half).loss(Mse).quiet().build().expect("a learner");
    let weight = |learn: &Learner| {
        learn.params().iter().find(|(name, _)| *name == "weight").map(|(_, tensor)| f64s(tensor)).expect("it is there")
    };
    let before = weight(&learn);
    learn.fit(1, 0.1).expect("a training");
    assert_eq!(weight(&learn), before);
    learn.unfreeze();
    learn.fit(1, 0.1).expect("a training");
    assert_ne!(weight(&learn), before);
}

/// Unfreezes the trunk in the second epoch.
struct Gradually;

#[callback]
impl Gradually {
    fn on_train_begin(params: &Params) -> Result<(), GroupError> {
        params.freeze_to("head")
    }

    #[on(epoch_begin, if = epoch == 1)]
    fn unfreeze(params: &Params) {
        params.unfreeze();
    }
}

#[test]
fn a_callback_freezes_and_unfreezes() {
    let mut learn = built(in_groups(Sgd::default()).callback(Gradually));
    let before = parameters(&learn);
    learn.fit(1, 0.01).expect("a training");
    assert_eq!(parameters(&learn)[..2], before[..2]);
    learn.fit(2, 0.01).expect("a training");
    assert_ne!(parameters(&learn)[..2], before[..2]);
}

/// A trunk with two batch norms, one of them without parameters of its own, and a head with one.
fn with_norms(vars: &Vars<'_>) -> impl Model + use<> {
    let (trunk, head) = (vars / "trunk", vars / "head");
    let bare = trunk.sub("bare");
    let _ = (bare.zeros_no_train("running_mean", &[3]), bare.ones_no_train("running_var", &[3]));
    nn::seq_t()
        .add(nn::linear(&trunk / "linear", 3, 3, nn::LinearConfig::default()))
        .add(nn::batch_norm1d(&trunk / "norm", 3, nn::BatchNormConfig::default()))
        .add(nn::linear(&head / "linear", 3, 1, nn::LinearConfig::default()))
        .add(nn::batch_norm1d(&head / "norm", 1, nn::BatchNormConfig::default()))
}

#[test]
fn freezing_a_batch_norm_warns_once_of_its_statistics() {
    let warnings = Warnings::default();
    tracing::subscriber::with_default(warnings.clone(), || {
        let builder =
            Learner::builder(data(Kind::Float), with_norms).group("trunk", |name, _| name.starts_with("trunk"));
        let mut learn = builder.quiet().build().expect("a learner");
        assert_eq!(warnings.take(), Vec::<String>::new());
        learn.freeze("trunk").expect("a group");
        let warned = warnings.take();
        assert_eq!(warned.len(), 1, "{warned:?}");
        assert!(
            warned[0].starts_with("the running statistics of frozen batch norms still change in training"),
            "{warned:?}"
        );
        assert!(warned[0].contains("trunk.bare, trunk.norm;"), "{warned:?}");
        learn.unfreeze();
        learn.freeze("trunk").expect("a group");
        learn.freeze("default").expect("a group");
        assert_eq!(warnings.take(), Vec::<String>::new());
    });
    tracing::subscriber::with_default(warnings.clone(), || {
        let mut learn = in_three();
        learn.freeze("trunk").expect("a group");
        assert_eq!(warnings.take(), Vec::<String>::new(), "no batch norm");
    });
}
