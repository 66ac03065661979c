//! What does not resume is found.

use mixup::prelude::*;

use super::{
    difference,
    support::{data, on},
};

/// Remembers the number of batches, and says nothing of it.
#[derive(Default)]
struct Forgetful {
    seen: usize,
}

#[callback]
impl Forgetful {
    #[on(batch_begin, train)]
    fn scale(&mut self, opt: &mut dyn Optimizer) {
        self.seen += 1;
        opt.set_lr(0.1 / self.seen as f64);
    }
}

#[test]
fn a_callback_that_forgets_is_found_with_the_first_position_and_what_differs() {
    let build = || Ok(on(data(16, 0)).callback(Forgetful::default()).build()?);
    let error = difference(build, 1);
    assert!(
        error.starts_with("the training that was cut in epoch 0, before training batch 1, went on differently: "),
        "{error}"
    );
    assert!(error.contains("the state of `optimizer`") && error.contains("`model/weight`"), "{error}");
}

/// Replaces the loss function in the second epoch.
struct Later;

#[callback]
impl Later {
    #[on(epoch_begin, if = epoch == 1)]
    fn replace(loss_func: &mut LossFunc) {
        *loss_func = LossFunc::new(Nll::default());
    }
}

#[test]
fn a_loss_function_that_is_replaced_later_is_an_error_that_says_what_to_do() {
    let build = || Ok(on(data(8, 0)).loss(CrossEntropy::default()).callback(Later).build()?);
    let error = difference(build, 2);
    assert!(error.contains("must replace it in `on_train_begin` when `resumed` is true"), "{error}");
}

#[test]
fn a_program_that_builds_another_learner_each_time_is_found() {
    let seed = std::cell::Cell::new(0);
    let build = || {
        seed.set(seed.get() + 1);
        Ok(on(data(8, 0)).seed(seed.get()).mixup().build()?)
    };
    let error = difference(build, 1);
    assert!(error.starts_with("two trainings without a break differ in"), "{error}");
    assert!(error.ends_with("`build` must build the same learner each time"), "{error}");
}
