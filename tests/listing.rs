//! A learner's listings: its loop with the callbacks of each hook, and its parts.
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod support;

use mixup::prelude::*;
use support::{data, on, process};

struct First;

#[callback(name = "the first")]
impl First {
    fn on_train_begin(&mut self) {}

    fn on_backward_begin(&mut self, _smooth_loss: f64, last_loss: &tch::Tensor) {
        let _ = last_loss;
    }

    fn on_batch_end(&mut self, num_batch: usize) {
        let _ = num_batch;
    }
}

struct Second;

#[callback(order = -1)]
impl Second {
    fn on_train_begin(&mut self, epochs: usize, loss_func: &LossFunc) {
        let _ = (epochs, loss_func);
    }

    fn on_batch_end(&mut self) {}
}

#[test]
fn the_training_loop_lists_each_hooks_callbacks_as_they_run_with_what_they_ask_for() {
    let learn = on(data(8, 4)).callback(First).callback(Second).mixup().build().expect("nothing is wrong with it");
    let expected = "\
on_train_begin: Second(epochs, loss_func), the first(), MixUp(loss_func!)
for each epoch:
    on_epoch_begin
    for each training batch:
        on_batch_begin: MixUp(last_input!, last_target!, epoch, rng!) [train]
        output = model(input)
        on_loss_begin: MixUp::wrap_replacement(loss_func!) [train]
        loss = loss_func(output, target)
        on_backward_begin: the first(smooth_loss?, last_loss)
        loss.backward()
        on_backward_end
        opt.step()
        on_step_end
        opt.zero_grad()
        on_batch_end: the first(num_batch), Second()
    on_validate_begin
    for each validation batch:
        on_batch_begin
        output = model(input)
        on_loss_begin
        loss = loss_func(output, target)
        on_batch_end: the first(num_batch), Second()
    on_validate_end
    on_epoch_end
on_train_end: MixUp(loss_func!)";
    assert_eq!(learn.training_loop().to_string(), expected);
}

struct Both;

#[callback]
impl Both {
    #[on(batch_begin, predict_batch_begin)]
    fn scale(last_input: &mut Input) {
        let _ = last_input;
    }
}

#[test]
fn the_training_loop_lists_the_hooks_of_predictions_after_it_if_a_callback_has_one() {
    let learn = on(data(8, 4)).callback(Both).build().expect("nothing is wrong with it");
    let text = learn.training_loop().to_string();
    let expected = "
on_train_end
on_predict_begin
for each batch of predictions:
    on_predict_batch_begin: Both::scale(last_input!)
    output = model(input)
    on_predict_batch_end
on_predict_end";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn the_training_loop_shows_callbacks_that_are_added_and_removed() {
    let mut learn = on(data(8, 4)).build().expect("nothing is wrong with it");
    let bare = learn.training_loop();
    assert!(!bare.to_string().contains("the first"));
    learn.callback(First);
    assert!(learn.training_loop().to_string().contains("on_batch_end: the first(num_batch)"));
    learn.remove::<First>();
    assert_eq!(learn.training_loop(), bare);
}

#[test]
fn the_summary_describes_data_parameters_loss_optimizer_metrics_callbacks_and_seed() {
    let builder = on(data(8, 4)).metric(accuracy).metric_named("wrong", error_rate).callback(First).mixup().seed(42);
    let mut learn = builder.optimizer(Sgd::default().momentum(0.9)).build().expect("nothing is wrong with it");
    let summary = learn.summary().to_string();
    let has = |line: &str| assert!(summary.lines().any(|other| other == line), "no line {line:?} in\n{summary}");
    has("data       8 training and 4 validation items of 3");
    has("parameters 8 in 2 tensors, on Cpu");
    has("  weight  [3, 2]                      6");
    has("  bias    [2]                         2");
    has("loss       CrossEntropy");
    has("optimizer  Sgd(momentum 0.9, weight decay 0), lr 0.001");
    has("metrics    accuracy, wrong");
    has("callbacks  the first, MixUp");
    has("seed       42");

    learn.params_mut().var_store_mut().freeze();
    assert_eq!(learn.summary().to_string().lines().filter(|line| line.ends_with("  frozen")).count(), 2);
}

#[test]
fn the_training_loop_is_printed() {
    const NAME: &str = "the_training_loop_is_printed";
    let learn = on(data(8, 4)).callback(First).build().expect("nothing is wrong with it");
    if process::is_own() {
        return learn.show_training_loop();
    }
    let output = process::run(NAME);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains(&format!("{}\n", learn.training_loop())), "{printed}");
}

#[test]
fn the_summary_of_a_bare_learner_says_none() {
    let summary = on(data(8, 0)).build().expect("nothing is wrong with it").summary().to_string();
    assert!(summary.contains("8 training items of 3, no validation"), "{summary}");
    assert!(summary.contains("metrics    none") && summary.contains("callbacks  none"), "{summary}");
}

#[test]
fn a_learner_that_is_not_quiet_has_progress_as_its_last_callback() {
    let builder = Learner::builder(data(8, 4), |vars| support::linear(vars, 3, 2)).mixup();
    let learn = builder.build().expect("nothing is wrong with it");
    let text = learn.training_loop().to_string();
    let begin = "on_train_begin: MixUp(loss_func!), Progress(epochs, metric_names, values, &LrFinder)";
    assert!(text.starts_with(begin), "{text}");
    assert!(text.contains("\non_train_end: Progress(), MixUp(loss_func!)\n"), "{text}");
}
