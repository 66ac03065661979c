//! The partition: which parameter is in which group, and which groups are rejected.

use mixup::{
    learner::LearnerBuilder,
    model::{Param, Vars},
    prelude::*,
    training::BuildError,
};
use tch::{Kind, nn};

use super::{builder, built, data, in_groups};

/// Each parameter's name and its group's.
fn grouped(learn: &Learner) -> Vec<(&str, &str)> {
    let params = learn.params();
    params.as_slice().iter().map(|param| (param.name(), params.groups()[param.group()].as_str())).collect()
}

fn rejected(builder: LearnerBuilder<impl Model>) -> (GroupError, String) {
    let error = builder.build().map(drop).expect_err("no such groups");
    let text = error.to_string();
    let Error::Build(BuildError::Group(error)) = error else { panic!("{text}") };
    (error, text)
}

#[test]
fn without_groups_all_parameters_are_in_default() {
    let learn = built(builder(Sgd::default()));
    assert_eq!(learn.params().groups(), ["default"]);
    assert!(grouped(&learn).iter().all(|(_, group)| *group == "default"));
    assert_eq!(learn.opt().hypers().names(), ["default"]);
    assert_eq!(learn.opt().hyper("default").map(|hyper| hyper.lr), Ok(learn.opt().lr()));
}

#[test]
fn the_first_group_that_matches_has_a_parameter_and_default_has_the_rest() {
    let builder =
        builder(Sgd::default()).group("weights", |name, tensor| name.ends_with("weight") && tensor.dim() == 2);
    let learn = built(builder.group("trunk", |name, _| name.starts_with("trunk")));
    assert_eq!(learn.params().groups(), ["weights", "trunk", "default"]);
    let expected =
        [("trunk.weight", "weights"), ("trunk.bias", "trunk"), ("head.weight", "weights"), ("head.bias", "default")];
    assert_eq!(grouped(&learn), expected);
    assert_eq!(learn.opt().hypers().names(), learn.params().groups());
    let weights = learn.params().group("weights").expect("a group");
    assert_eq!(weights.map(Param::name).collect::<Vec<_>>(), ["trunk.weight", "head.weight"]);
}

#[test]
fn there_is_no_default_if_no_parameter_is_left() {
    assert_eq!(built(in_groups(Sgd::default())).params().groups(), ["trunk", "head"]);
}

fn numbered(vars: &Vars<'_>) -> impl Model + use<> {
    let layer = |path: nn::Path<'_>| nn::linear(path, 3, 3, nn::LinearConfig::default());
    let (late, early) = (layer(vars.set_group(2) / "late"), layer(vars.set_group(1) / "early"));
    let (plain, named) = (layer(vars / "plain"), layer(vars.set_group(1) / "named"));
    nn::seq().add(late).add(early).add(plain).add(named)
}

#[test]
fn groups_of_tch_paths_are_named_by_number_and_come_after_the_named_ones_and_default() {
    let data = || data(Kind::Float);
    let learn = Learner::builder(data(), numbered).quiet().build().expect("a learner");
    assert_eq!(learn.params().groups(), ["default", "1", "2"]);
    let learn = Learner::builder(data(), numbered).group("named", |name, _| name.starts_with("named")).quiet().build();
    let learn = learn.expect("a learner");
    assert_eq!(learn.params().groups(), ["named", "default", "1", "2"]);
    let group = |wanted: &str| grouped(&learn).into_iter().find(|(name, _)| *name == wanted).map(|(_, group)| group);
    let of = ["late.weight", "early.bias", "plain.weight", "named.weight"].map(|name| group(name).unwrap_or("none"));
    assert_eq!(of, ["2", "1", "default", "named"], "a named group comes before a number");
}

#[test]
fn a_group_that_matches_no_parameter_is_rejected_with_the_names_of_the_parameters() {
    let (error, text) = rejected(in_groups(Sgd::default()).group("hat", |name, _| name.starts_with("hat")));
    assert!(matches!(error, GroupError::Nothing { group, parameters } if group == "hat" && parameters.len() == 4));
    let expected = "the group `hat` matches no parameter: the parameters are `trunk.weight`, `trunk.bias`, `head.weight` and `head.bias`";
    assert_eq!(text, expected);
}

#[test]
fn many_names_are_not_all_listed() {
    let deep = |vars: &Vars<'_>| {
        let layer = |index| nn::linear(vars / index, 3, 3, nn::LinearConfig::default());
        (0..5).fold(nn::seq(), |net, index| net.add(layer(index)))
    };
    let (_, text) = rejected(Learner::builder(data(Kind::Float), deep).group("hat", |_, _| false).quiet());
    assert!(text.ends_with("`0.bias`, `0.weight`, `1.bias`, `1.weight`, `2.bias`, `2.weight` and 4 more"), "{text}");
}

#[test]
fn a_group_whose_parameters_are_all_in_earlier_groups_is_rejected() {
    let (error, text) = rejected(in_groups(Sgd::default()).group("biases", |name, _| name.ends_with("bias")));
    assert!(matches!(error, GroupError::Taken { .. }), "{error:?}");
    let expected = "the group `biases` has no parameter: earlier groups have all that it matches, such as `trunk.bias` in `trunk`; put the \
                    narrower group first";
    assert_eq!(text, expected);
}

#[test]
fn a_group_given_twice_or_with_a_reserved_name_is_rejected() {
    let (error, text) = rejected(in_groups(Sgd::default()).group("trunk", |_, _| true));
    assert_eq!(error, GroupError::Twice { group: "trunk".to_owned() });
    assert!(text.starts_with("two groups are named `trunk`: "), "{text}");
    for name in ["default", "0", "12"] {
        let (error, text) = rejected(builder(Sgd::default()).group(name, |_, _| true));
        assert_eq!(error, GroupError::Reserved { group: name.to_owned() });
        assert!(text.starts_with(&format!("no group can be named `{name}`: ")), "{text}");
    }
}

#[test]
fn a_rule_that_matches_no_parameter_is_rejected_with_its_number() {
    let builder =
        builder(Sgd::default()).no_decay(|_, tensor| tensor.dim() < 2).no_decay(|name, _| name == "norm.weight");
    let (error, text) = rejected(builder);
    assert!(matches!(error, GroupError::NoDecay { rule: 2, .. }), "{error:?}");
    assert!(text.starts_with("rule 2 of `no_decay` matches no parameter: the parameters are `trunk.weight`"), "{text}");
}

#[test]
fn several_rules_each_except_their_parameters_across_the_groups() {
    let builder =
        in_groups(Sgd::default()).no_decay(|name, _| name == "head.weight").no_decay(|name, _| name == "trunk.bias");
    let learn = built(builder);
    let decays: Vec<_> = learn.params().as_slice().iter().map(Param::decays).collect();
    assert_eq!(decays, [true, false, false, true]);
}

#[test]
fn the_summary_shows_groups_with_sizes_rates_and_settings_and_what_is_frozen() {
    let mut learn = built(in_groups(Sgd::default().momentum(0.9)).no_decay(|name, _| name.ends_with("bias")));
    learn.fit(0, Lr::each([1e-5, 0.001])).expect("no epoch");
    learn.opt_mut().hyper_mut("trunk").expect("a group").momentum = 0.5;
    learn.freeze("trunk").expect("a group");
    let summary = learn.summary().to_string();
    let has = |line: &str| assert!(summary.lines().any(|other| other == line), "no line {line:?} in\n{summary}");
    has("  trunk.weight  [1, 3]                      3  trunk  frozen");
    has("  trunk.bias    [1]                         1  trunk  no decay  frozen");
    has("  head.weight   [1, 1]                      1  head");
    has("  head.bias     [1]                         1  head   no decay");
    has("optimizer  Sgd(momentum 0.9, weight decay 0)");
    has("groups     trunk  4 in 2 tensors, lr 0.00001, momentum 0.5, frozen");
    has("           head   2 in 2 tensors, lr 0.001");
}
