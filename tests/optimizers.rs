//! Compares each optimizer with libtorch's own over fifty steps; saves and loads its state; and what it rejects.
#![allow(clippy::float_cmp, reason = "what must be the same to the bit is compared so")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use mixup::{
    optim::SettingError,
    prelude::*,
    training::{BuildError, Error},
};
use tch::{
    Kind, Reduction as TchReduction, Tensor,
    nn::{self, VarStore},
};

mod numbers;
use numbers::{assert_close, f64s, prepared, random};

/// Five batches, the last one smaller: an epoch has five steps.
fn batches() -> Vec<(Tensor, Tensor)> {
    let sizes = [6, 6, 6, 6, 2];
    let batch = |(seed, n)| (random(&[n, 3], Kind::Double, seed), random(&[n, 2], Kind::Double, seed + 50));
    (0..).zip(sizes).map(batch).collect()
}

/// A hand-written layer with a parameter that the loss does not depend on.
#[derive(Debug)]
struct Layer {
    weight: Tensor,
    bias: Tensor,
}

impl Layer {
    fn new(path: &nn::Path<'_>) -> Self {
        let weight = path.var_copy("weight", &random(&[2, 3], Kind::Double, 90));
        let bias = path.var_copy("bias", &random(&[2], Kind::Double, 91));
        let _ = path.var_copy("idle", &random(&[4], Kind::Double, 92));
        Self { weight, bias }
    }
}

impl nn::Module for Layer {
    fn forward(&self, x: &Tensor) -> Tensor {
        x.linear(&self.weight, Some(&self.bias))
    }
}

fn learner(opt: impl Optimizer) -> Learner {
    let batches: Vec<_> = batches().into_iter().map(|(x, y)| (x, Target::Dense(y))).collect();
    let data = prepared(&batches).expect("whole batches");
    let builder = Learner::builder(data, |vars| Layer::new(vars.path())).loss(Mse).optimizer(opt);
    let mut learn = builder.quiet().build().expect("a learner");
    learn.params_mut().var_store_mut().double();
    learn
}

fn parameters(learn: &Learner) -> Vec<f64> {
    learn.params().iter().flat_map(|(_, tensor)| f64s(tensor)).collect()
}

/// The parameters after `epochs` with libtorch's optimizer and a hand-written loop.
fn by_hand(opt: impl nn::OptimizerConfig, epochs: usize, lr: f64) -> Vec<f64> {
    let mut vars = VarStore::new(tch::Device::Cpu);
    let layer = Layer::new(&vars.root());
    vars.double();
    let mut opt = opt.build(&vars, lr).expect("libtorch has this optimizer");
    for _ in 0..epochs {
        for (x, y) in batches() {
            opt.backward_step(&nn::Module::forward(&layer, &x).mse_loss(&y, TchReduction::Mean));
        }
    }
    vars.trainable_variables().iter().flat_map(f64s).collect()
}

#[track_caller]
fn assert_as_libtorch(opt: impl Optimizer, theirs: impl nn::OptimizerConfig, lr: f64) {
    let mut learn = learner(opt);
    let before = parameters(&learn);
    learn.fit(10, lr).expect("a training");
    let what = learn.opt().describe();
    assert_close(&what, &parameters(&learn), &by_hand(theirs, 10, lr), 1e-9, 1.0);
    let moved = before.iter().zip(parameters(&learn)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(moved > 0.01, "{what} moved nothing");
}

#[test]
fn adamw_steps_like_libtorch() {
    assert_as_libtorch(AdamW::default(), nn::adamw(0.9, 0.99, 0.01), 0.03);
    assert_as_libtorch(AdamW::default().betas(0.5, 0.9).wd(0.0).eps(1e-3), nn::adamw(0.5, 0.9, 0.0).eps(1e-3), 0.03);
    assert_as_libtorch(AdamW::default().betas(0.0, 0.999).wd(0.5), nn::adamw(0.0, 0.999, 0.5), 0.1);
}

#[test]
fn adam_steps_like_libtorch_with_weight_decay_in_the_gradient() {
    assert_as_libtorch(Adam::default(), nn::adam(0.9, 0.99, 0.0), 0.03);
    assert_as_libtorch(Adam::default().betas(0.8, 0.999).wd(0.3), nn::adam(0.8, 0.999, 0.3), 0.03);
}

#[test]
fn sgd_steps_like_libtorch_plain_with_momentum_nesterov_dampening_and_weight_decay() {
    assert_as_libtorch(Sgd::default(), nn::sgd(0.0, 0.0, 0.0, false), 0.1);
    assert_as_libtorch(Sgd::default().momentum(0.9), nn::sgd(0.9, 0.0, 0.0, false), 0.05);
    assert_as_libtorch(Sgd::default().momentum(0.9).nesterov(true), nn::sgd(0.9, 0.0, 0.0, true), 0.05);
    assert_as_libtorch(Sgd::default().wd(0.2), nn::sgd(0.0, 0.0, 0.2, false), 0.1);
    let all = Sgd::default().momentum(0.5).nesterov(true).wd(0.1);
    assert_as_libtorch(all, nn::sgd(0.5, 0.0, 0.1, true), 0.05);
    let damped = Sgd::default().momentum(0.9).dampening(0.4).wd(0.1);
    assert_as_libtorch(damped, nn::sgd(0.9, 0.4, 0.1, false), 0.05);
}

#[test]
fn rms_prop_steps_like_libtorch_plain_with_momentum_and_weight_decay() {
    assert_as_libtorch(RmsProp::default(), nn::rms_prop(0.99, 1e-8, 0.0, 0.0, false), 0.01);
    let all = RmsProp::default().alpha(0.9).eps(1e-4).momentum(0.8).wd(0.1);
    assert_as_libtorch(all, nn::rms_prop(0.9, 1e-4, 0.1, 0.8, false), 0.01);
}

/// Passes the optimizer and the parameters to a closure, once.
struct Ask<F>(Option<F>);

#[callback]
impl<F: FnOnce(&mut dyn Optimizer, &Params) + Send + 'static> Ask<F> {
    fn on_train_begin(&mut self, opt: &mut dyn Optimizer, params: &Params) {
        if let Some(ask) = self.0.take() {
            ask(opt, params);
        }
    }
}

fn ask(learn: &mut Learner, ask: impl FnOnce(&mut dyn Optimizer, &Params) + Send + 'static) {
    let asked = Arc::new(AtomicBool::new(false));
    let seen = asked.clone();
    learn.callback(Ask(Some(move |opt: &mut dyn Optimizer, params: &Params| {
        ask(opt, params);
        seen.store(true, Relaxed);
    })));
    let lr = learn.opt().lr();
    learn.fit(0, lr).expect("no epoch");
    assert!(asked.load(Relaxed), "a training began");
}

/// A learner that was trained for two epochs, and the state of its optimizer.
fn trained(opt: impl Optimizer) -> (Learner, State) {
    let mut learn = learner(opt);
    learn.fit(2, 0.02).expect("a training");
    let state = saved(&mut learn);
    (learn, state)
}

/// The state of the optimizer.
fn saved(learn: &mut Learner) -> State {
    State::of(&learn.opt_mut().stateful()).expect("copies")
}

#[track_caller]
fn assert_resumes<O: Optimizer>(opt: O, with_defaults: impl Fn() -> O) {
    let (mut learn, state) = trained(opt);
    let middle = parameters(&learn);
    let copies: Vec<Tensor> = learn.params().iter().map(|(_, tensor)| tensor.detach().copy()).collect();
    learn.fit(3, 0.02).expect("a training");
    assert_ne!(parameters(&learn), middle);

    // Another learner, whose optimizer has other settings and has taken other steps: loading replaces all of that.
    let resumed = |restore: bool, copies: &[Tensor]| {
        let mut other = learner(with_defaults());
        other.fit(1, 0.5).expect("a training");
        tch::no_grad(|| {
            for ((_, tensor), copy) in other.params().iter().zip(copies) {
                tensor.shallow_clone().copy_(copy);
            }
        });
        if restore {
            state.load_into(&mut other.opt_mut().stateful()).expect("its own state");
            assert_eq!(other.opt().lr(), 0.02);
        }
        other.fit(3, 0.02).expect("a training");
        parameters(&other)
    };
    assert_eq!(resumed(true, &copies), parameters(&learn), "{}", learn.opt().describe());
    assert_ne!(resumed(false, &copies), parameters(&learn), "{}", learn.opt().describe());
}

#[test]
fn a_saved_state_that_another_learner_loads_continues_to_the_bit() {
    assert_resumes(AdamW::default().betas(0.8, 0.95).wd(0.1).eps(1e-6), AdamW::default);
    assert_resumes(Adam::default().betas(0.8, 0.95).wd(0.1), Adam::default);
    assert_resumes(Sgd::default().momentum(0.9).nesterov(true).wd(0.1), Sgd::default);
    assert_resumes(Sgd::default().momentum(0.9).dampening(0.3), Sgd::default);
    assert_resumes(RmsProp::default().alpha(0.9).momentum(0.5).wd(0.1).eps(1e-5), RmsProp::default);
}

#[test]
fn a_learner_saves_and_loads_the_state_of_its_optimizer() {
    let (mut learn, state) = trained(AdamW::default());
    let of_learner = learn.state().expect("copies");
    assert!(of_learner.0["optimizer"] == state);
    let mut other = learner(AdamW::default());
    other.load_state(&of_learner).expect("its own kind of state");
    assert!(saved(&mut other) == state);
    let error = learner(Sgd::default()).load_state(&of_learner).expect_err("AdamW's state").to_string();
    assert_eq!(error, "the state of `optimizer`: this is the state of AdamW, and the optimizer is Sgd");
}

#[test]
fn a_state_names_settings_and_tensors_by_parameter() {
    let (_, state) = trained(AdamW::default());
    assert_eq!(state.field::<String>("optimizer").expect("its name"), "AdamW");
    let tensors: Vec<_> = state.tensor_names().collect();
    assert_eq!(tensors, ["bias/exp_avg", "bias/exp_avg_sq", "weight/exp_avg", "weight/exp_avg_sq"]);
    let steps: BTreeMap<String, u32> = state.field("steps").expect("counts");
    assert_eq!(steps, BTreeMap::from([("bias".to_owned(), 10), ("weight".to_owned(), 10)]));
    assert_eq!(state.field::<f64>("beta2").expect("a setting"), 0.99);
    assert_eq!(state.tensor("weight/exp_avg").expect("a moment").size(), [2, 3]);
}

#[test]
fn moments_that_were_read_from_a_file_move_to_the_kind_of_their_parameters() {
    let (_, state) = trained(AdamW::default());
    let mut other = learner(AdamW::default());
    other.params_mut().var_store_mut().float();
    state.load_into(&mut other.opt_mut().stateful()).expect("its own kind of state");
    let batch = (random(&[6, 3], Kind::Float, 1), random(&[6, 2], Kind::Float, 2));
    let mut layer = Layer { weight: Tensor::new(), bias: Tensor::new() };
    for (name, tensor) in other.params().iter() {
        match name {
            "weight" => layer.weight = tensor.shallow_clone(),
            "bias" => layer.bias = tensor.shallow_clone(),
            _ => {}
        }
    }
    ask(&mut other, move |opt, params| {
        nn::Module::forward(&layer, &batch.0).mse_loss(&batch.1, TchReduction::Mean).backward();
        opt.step(params).expect("a step");
    });
    let moment = saved(&mut other).tensor("bias/exp_avg").expect("a moment");
    assert_eq!(moment.kind(), Kind::Float);
}

#[test]
fn a_state_that_does_not_fit_is_rejected_and_the_optimizer_is_unchanged() {
    type Spoil = fn(&mut serde_json::Value);
    let cases: [(Spoil, &str); 9] = [
        (|state| state["data"]["optimizer"] = "Adam".into(), "state of Adam, and the optimizer is AdamW"),
        (|state| remove(&mut state["data"], "beta2"), "no `beta2`"),
        (|state| remove(&mut state["data"], "eps"), "no `eps`"),
        (|state| remove(&mut state["data"], "hypers"), "no `hypers`"),
        (|state| remove(&mut state["tensors"], "bias/exp_avg"), "no tensor `bias/exp_avg`"),
        (|state| remove(&mut state["data"]["steps"], "bias"), "no `steps/bias`"),
        (
            |state| state["tensors"]["weight/exp_avg"] = state["tensors"]["bias/exp_avg"].clone(),
            "`weight/exp_avg` has the shape [2] in the state, and its parameter is [2, 3]",
        ),
        (
            |state| state["tensors"]["2.weight/exp_avg"] = state["tensors"]["bias/exp_avg"].clone(),
            "`2.weight/exp_avg`, and the model has no such parameter",
        ),
        (
            |state| state["data"]["steps"]["2.weight"] = 3.into(),
            "`2.weight/steps`, and the model has no such parameter",
        ),
    ];
    for (spoil, says) in cases {
        let (mut learn, state) = trained(AdamW::default().wd(0.3));
        let mut spoilt = serde_json::to_value(&state).expect("numbers and bytes");
        spoilt["data"]["hypers"]["data"][0][1]["weight_decay"] = 0.7.into();
        let fits: State = serde_json::from_value(spoilt.clone()).expect("a state");
        spoil(&mut spoilt);
        let spoilt: State = serde_json::from_value(spoilt).expect("a state");
        let error = spoilt.load_into(&mut learn.opt_mut().stateful()).expect_err(says).to_string();
        assert!(error.contains(says), "{error}");
        assert!(saved(&mut learn) == state, "{says}");
        fits.load_into(&mut learn.opt_mut().stateful()).expect("only another weight decay");
        assert_eq!(learn.opt().hypers().last().weight_decay, 0.7);
    }
}

fn remove(map: &mut serde_json::Value, key: &str) {
    map.as_object_mut().expect("a map").remove(key).expect("it was there");
}

#[track_caller]
fn assert_leaves_frozen_alone(opt: impl Optimizer) {
    let (mut learn, _) = trained(opt);
    let what = learn.opt().describe();
    let of = |learn: &Learner, wanted: &str| {
        learn.params().iter().find(|(name, _)| *name == wanted).map(|(_, tensor)| f64s(tensor)).expect("there is one")
    };
    let freeze = |learn: &Learner, frozen: bool| {
        let bias = learn.params().iter().find(|(name, _)| *name == "bias").expect("there is one").1;
        let _ = bias.set_requires_grad(!frozen);
    };
    freeze(&learn, true);
    let (weight, bias) = (of(&learn, "weight"), of(&learn, "bias"));
    learn.fit(2, 0.02).expect("a training");
    assert_eq!(of(&learn, "bias"), bias, "{what}: a frozen parameter");
    assert_ne!(of(&learn, "weight"), weight, "{what}: the other one");
    freeze(&learn, false);
    learn.fit(1, 0.02).expect("a training");
    assert_ne!(of(&learn, "bias"), bias, "{what}: free again");
    assert_eq!(of(&learn, "idle"), f64s(&random(&[4], Kind::Double, 92).to_kind(Kind::Float)), "{what}: no gradient");
}

#[test]
fn a_parameter_that_is_frozen_or_never_had_a_gradient_is_left_alone() {
    assert_leaves_frozen_alone(AdamW::default().wd(0.3));
    assert_leaves_frozen_alone(Adam::default().wd(0.3));
    assert_leaves_frozen_alone(Sgd::default().momentum(0.9).wd(0.3));
    assert_leaves_frozen_alone(RmsProp::default().momentum(0.9).wd(0.3));
}

#[test]
fn settings_out_of_range_are_rejected_when_the_learner_is_built() {
    #[track_caller]
    fn refused(opt: impl Optimizer, name: &str, value: f64) {
        let data = prepared(&[(Tensor::from_slice(&[1.0]), Target::Dense(Tensor::from_slice(&[1.0])))]);
        let builder = Learner::builder(data.expect("one item"), |vars| Layer::new(vars.path())).optimizer(opt);
        let Err(error) = builder.quiet().build() else { panic!("{name} = {value} was taken") };
        let message = error.to_string();
        assert!(
            matches!(error, Error::Build(BuildError::Setting(SettingError { name: found, .. })) if found == name),
            "{message}"
        );
        assert!(message.contains(&format!("{name} is {value}: it must be")), "{message}");
    }
    for value in [-0.1, 1.0, 1.5, f64::NAN, f64::INFINITY] {
        refused(AdamW::default().betas(value, 0.99), "momentum", value);
        refused(Adam::default().betas(0.9, value), "beta2", value);
        refused(Sgd::default().momentum(value), "momentum", value);
        refused(RmsProp::default().momentum(value), "momentum", value);
        refused(RmsProp::default().alpha(value), "alpha", value);
    }
    for value in [-0.1, f64::NAN, f64::INFINITY] {
        refused(AdamW::default().wd(value), "weight_decay", value);
        refused(Adam::default().wd(value), "weight_decay", value);
        refused(Sgd::default().wd(value), "weight_decay", value);
        refused(RmsProp::default().wd(value), "weight_decay", value);
    }
    for value in [0.0, -1e-8, f64::NAN, f64::INFINITY] {
        refused(AdamW::default().eps(value), "eps", value);
        refused(RmsProp::default().eps(value), "eps", value);
    }
}

#[test]
fn a_learning_rate_out_of_range_and_a_setting_spoilt_later_are_rejected_before_a_training() {
    let mut learn = learner(Sgd::default());
    let before = parameters(&learn);
    for lr in [-0.1, f64::NAN, f64::INFINITY] {
        let error = learn.fit(1, lr).expect_err("no such learning rate");
        assert!(matches!(error, Error::Build(BuildError::LearningRate { .. })), "{error}");
        assert!(error.to_string().contains(&format!("the learning rate is {lr}")), "{error}");
    }
    learn.opt_mut().hypers_mut().set_momentum(2.0);
    assert!(matches!(learn.fit(1, 0.1), Err(Error::Build(BuildError::Setting(SettingError { name: "momentum", .. })))));
    assert_eq!(parameters(&learn), before);
    learn.opt_mut().hypers_mut().set_momentum(0.0);
    learn.fit(1, 0.0).expect("a learning rate of 0 trains nothing, and is no mistake");
    assert_eq!(parameters(&learn), before);
}

#[test]
fn nesterov_without_momentum_is_rejected() {
    let data = Data::from_batches(
        vec![Batch {
            input: Tensor::zeros([1, 1], (tch::Kind::Float, tch::Device::Cpu)).into(),
            target: Tensor::from_slice(&[0_i64]).into(),
        }],
        vec![],
    )
    .expect("a batch");
    let model = |vs: &mixup::model::Vars<'_>| tch::nn::linear(vs, 1, 2, tch::nn::LinearConfig::default());
    let built = Learner::builder(data, model).optimizer(Sgd::default().nesterov(true)).build();
    let text = built.err().map(|error| error.to_string());
    assert_eq!(text.as_deref(), Some("the optimizer's momentum is 0: it must be above 0 for Nesterov momentum"));
}
