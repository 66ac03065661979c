//! Everything random is a function of the seed, of who draws, and of the place in the learner's life.
//!
//! The model here has dropout, which draws from libtorch's generator. The process has only one, so the tests of this file take turns.

mod support;

use mixup::{
    callback::{BatchBegin, Handler, Hook, HookResult, Requests},
    error::BoxError,
    model::Vars,
    prelude::*,
};
use rand::Rng as _;
use support::{
    Log, bits,
    dropout::{ITEMS, alone, data, model},
};
use tch::{Device, Kind, Tensor, nn};

fn learner(with: impl FnOnce(&mut Learner)) -> Learner {
    let mut learn = Learner::builder(data(), model).seed(3).quiet().build().expect("nothing is wrong with it");
    with(&mut learn);
    learn
}

/// Records the classes of each training batch, before they are mixed.
struct Batches(Log);

#[callback(order = -1000)]
impl Batches {
    #[on(batch_begin, train)]
    fn write(&self, last_target: &Target) {
        self.0.add(format!("{:?}", Vec::<i64>::try_from(last_target.tensor()).expect("classes")));
    }
}

/// Draws in each hook, and records the draws.
struct Draws(Log);

#[callback]
impl Draws {
    #[on(train_begin, epoch_begin, batch_begin, loss_begin, backward_begin, backward_end, step_end, batch_end)]
    #[on(validate_begin, validate_end, epoch_end, train_end)]
    #[on(predict_begin, predict_batch_begin, predict_batch_end, predict_end)]
    fn draw(&self, rng: &mut Rng) {
        self.0.add(rng.next_u64().to_string());
    }
}

/// The batches of the trainings, in each epoch's order.
fn batches_of(trainings: &[usize], with: impl FnOnce(&mut Learner)) -> Vec<String> {
    let log = Log::default();
    let mut learn = learner(with);
    learn.callback(Batches(log.clone()));
    for &epochs in trainings {
        learn.fit(epochs, 0.01).expect("it trains");
    }
    log.take()
}

#[test]
fn adding_mixup_does_not_change_the_shuffle() {
    let _alone = alone();
    let plain = batches_of(&[3], |_| {});
    assert_eq!(plain.len(), 15);
    assert!(plain[..5] != plain[5..10] && plain[5..10] != plain[10..], "each epoch has an order of its own");
    for (what, mixing) in [("MixUp", MixUp::default()), ("half of it", MixUp::default().prob(0.5).expect("0.5"))] {
        let mixed = batches_of(&[3], |learn| {
            learn.callback(mixing);
        });
        assert_eq!(mixed, plain, "{what}");
    }
}

#[test]
fn another_callback_that_draws_changes_nothing_for_the_others() {
    let _alone = alone();
    let drawn = |others: usize| {
        let log = Log::default();
        let mut learn = learner(|learn| {
            for other in 0..others {
                learn.callback_named(format!("other {other}"), Draws(Log::default()));
            }
            learn.mixup().callback_named("ours", Draws(log.clone()));
        });
        learn.fit(2, 0.01).expect("it trains");
        (log.take(), bits(&learn))
    };
    let alone = drawn(0);
    assert_eq!(drawn(1), alone);
    assert_eq!(drawn(3), alone);
}

#[test]
fn a_callback_draws_other_numbers_in_each_hook_batch_epoch_and_training() {
    let _alone = alone();
    let log = Log::default();
    let mut learn = learner(|learn| {
        learn.callback(Draws(log.clone()));
    });
    learn.fit(2, 0.01).expect("it trains");
    learn.fit(1, 0.01).expect("it trains");
    learn.validate().expect("there is validation data");
    learn.validate().expect("there is validation data");
    learn.predictions().expect("there is validation data");
    learn.predictions().expect("there is validation data");
    let mut drawn = log.take();
    let all = drawn.len();
    // An epoch has five training batches with six hooks, two validation batches with three, and four hooks of its own. A validation alone
    // has two of its own, and so have predictions, whose batches have two.
    assert_eq!(all, 3 * (5 * 6 + 2 * 3 + 4) + 2 * 2 + 2 * (2 * 3 + 2) + 2 * (2 * 2 + 2));
    drawn.sort();
    drawn.dedup();
    assert_eq!(drawn.len(), all, "no number comes twice");
}

#[test]
fn two_instances_of_one_type_draw_different_numbers_and_a_name_keeps_its_own() {
    let _alone = alone();
    let drawn = |names: [Option<&str>; 2]| {
        let logs = [Log::default(), Log::default()];
        let mut learn = learner(|learn| {
            for (name, log) in names.iter().zip(&logs) {
                match name {
                    Some(name) => learn.callback_named(*name, Draws(log.clone())),
                    None => learn.callback(Draws(log.clone())),
                };
            }
        });
        learn.fit(1, 0.01).expect("it trains");
        logs.map(|log| log.take())
    };
    let [first, second] = drawn([None, None]);
    assert!(first.iter().all(|number| !second.contains(number)));
    let [a, b] = drawn([Some("a"), Some("b")]);
    let [b_too, a_too] = drawn([Some("b"), Some("a")]);
    assert_eq!((a, b), (a_too, b_too), "the name decides, and not the order");
}

/// Asks for a validation after some of the training batches.
struct Often;

#[callback]
impl Often {
    #[on(batch_end, train, every = 2)]
    fn validate() -> Validate {
        Validate
    }
}

/// Draws from libtorch's generator wherever it can.
struct Noisy;

#[callback]
impl Noisy {
    #[on(train_begin, epoch_begin, batch_begin, loss_begin, backward_begin, backward_end, step_end, batch_end)]
    #[on(validate_begin, validate_end, epoch_end, train_end)]
    fn draw() {
        let _ = Tensor::rand([3], (Kind::Float, Device::Cpu));
    }
}

#[test]
fn a_validation_changes_nothing_for_the_training() {
    let _alone = alone();
    let trained = |with: fn(&mut Learner), between: fn(&mut Learner)| {
        let log = Log::default();
        let mut learn = learner(with);
        learn.mixup().callback(Batches(log.clone()));
        for _ in 0..2 {
            between(&mut learn);
            learn.fit(2, 0.01).expect("it trains");
        }
        (log.take(), bits(&learn))
    };
    let expected = trained(|_| {}, |_| {});
    let validated = trained(
        |_| {},
        |learn| {
            learn.validate().expect("there is validation data");
            learn.predictions().expect("there is validation data");
        },
    );
    assert!(validated == expected, "between the trainings");
    let often = trained(
        |learn| {
            learn.callback(Often);
        },
        |_| {},
    );
    assert!(often == expected, "in the middle of an epoch");
    let never = trained(
        |learn| {
            learn.callback(hook!(on_validate_begin, || SkipValidation));
        },
        |_| {},
    );
    assert!(never == expected, "no validation at all");
}

#[test]
fn draws_from_libtorch_in_a_batch_change_nothing_after_it() {
    let _alone = alone();
    let trained = |with: fn(&mut Learner)| {
        let mut learn = learner(with);
        learn.fit(2, 0.01).expect("it trains");
        bits(&learn)
    };
    // It draws at the end of a batch, so that only the next batch could notice.
    let at_the_end = trained(|learn| {
        learn.callback(hook!(on_batch_end, || {
            let _ = Tensor::rand([3], (Kind::Float, Device::Cpu));
        }));
    });
    assert_eq!(at_the_end, trained(|_| {}));
    assert_ne!(
        trained(|learn| {
            learn.callback(Noisy);
        }),
        at_the_end,
        "within a batch dropout notices"
    );
}

#[test]
fn two_trainings_of_two_epochs_draw_what_one_of_four_draws() {
    let _alone = alone();
    let trained = |trainings: &[usize]| {
        let (batches, draws) = (Log::default(), Log::default());
        let mut learn = learner(|learn| {
            learn.mixup().callback(Batches(batches.clone()));
            let draws = draws.clone();
            learn.callback(hook!(on_epoch_begin, move |rng: &mut Rng| draws.add(rng.next_u64().to_string())));
        });
        for &epochs in trainings {
            learn.fit(epochs, 0.01).expect("it trains");
        }
        (batches.take(), draws.take(), bits(&learn))
    };
    let whole = trained(&[4]);
    assert!(trained(&[2, 2]) == whole);
    assert!(trained(&[1, 0, 3]) == whole);
    assert!(trained(&[3, 2]) != whole);
}

#[test]
fn the_epoch_of_a_stopped_training_counts_as_begun() {
    let _alone = alone();
    let whole = batches_of(&[3], |_| {});
    let stopped = batches_of(&[2, 1], |learn| {
        // It stops once, in the second epoch, after its second batch.
        let mut batches = 0;
        learn.callback(hook!(on_batch_end, train, move || {
            batches += 1;
            (batches == 7).then(|| StopTraining::because("enough"))
        }));
    });
    assert_eq!(stopped[..7], whole[..7]);
    assert_eq!(stopped[7..], whole[10..], "the next training draws what the third epoch would have");
}

#[test]
fn another_seed_changes_all_draws() {
    let _alone = alone();
    let drawn = |seed| {
        let (batches, draws) = (Log::default(), Log::default());
        let builder = Learner::builder(data(), model).seed(seed).quiet();
        let builder = builder.callback(Batches(batches.clone())).callback(Draws(draws.clone()));
        let mut learn = builder.build().expect("nothing is wrong with it");
        let first_values = bits(&learn);
        learn.fit(1, 0.01).expect("it trains");
        (first_values, batches.take(), draws.take())
    };
    let (first, same, other) = (drawn(1), drawn(1), drawn(2));
    assert!(first == same);
    assert!(first.0 != other.0 && first.1 != other.1 && first.2 != other.2);
}

/// A model that always draws, whether it is trained or not.
struct AlwaysNoisy(nn::Linear);

impl Model for AlwaysNoisy {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, _: bool) -> Result<Tensor, BoxError> {
        let output = nn::Module::forward(&self.0, input.one()?);
        Ok(output.f_add(&output.f_rand_like()?)?)
    }
}

#[test]
fn two_predictions_in_a_row_draw_differently_but_reproducibly() {
    let _alone = alone();
    let predicted = || {
        let model = |vars: &Vars<'_>| AlwaysNoisy(nn::linear(vars.path(), 3, ITEMS, nn::LinearConfig::default()));
        let mut learn = Learner::builder(data(), model).seed(3).quiet().build().expect("nothing is wrong with it");
        [(); 2].map(|()| learn.predictions().expect("there is validation data").outputs)
    };
    let ([first, second], [first_again, second_again]) = (predicted(), predicted());
    assert_ne!(first, second);
    assert_eq!((first, second), (first_again, second_again));
}

/// A hand-written callback that does not declare its draws.
struct Undeclared;

impl Callback for Undeclared {
    const NAME: &'static str = "Undeclared";

    fn handlers(&self) -> Vec<Handler> {
        vec![Handler::new(Hook::BatchBegin)]
    }

    fn on_batch_begin(&mut self, event: &mut BatchBegin<'_>) -> HookResult {
        let _: bool = event.rng.random();
        Ok(Requests::none())
    }
}

#[test]
#[cfg(debug_assertions)]
fn a_hand_written_callback_that_draws_must_declare_it() {
    let _alone = alone();
    let error = learner(|learn| {
        learn.callback(Undeclared);
    })
    .fit(1, 0.01)
    .expect_err("it is not declared");
    assert_eq!(
        error.to_string(),
        "the callback `Undeclared` draws from `rng` in `on_batch_begin` and does not declare it: add `.names(&[\"rng\"])` to its handler"
    );
}

/// Like `Draws` in one hook, but hand-written.
struct Declared(Log);

impl Callback for Declared {
    const NAME: &'static str = "Draws";

    fn handlers(&self) -> Vec<Handler> {
        vec![Handler::new(Hook::BatchBegin).names(&["rng"])]
    }

    fn on_batch_begin(&mut self, event: &mut BatchBegin<'_>) -> HookResult {
        self.0.add(event.rng.next_u64().to_string());
        Ok(Requests::none())
    }
}

#[test]
fn a_hand_written_callback_draws_what_another_of_its_name_draws() {
    let _alone = alone();
    let (by_hand, by_macro) = (Log::default(), Log::default());
    learner(|learn| {
        learn.callback(Declared(by_hand.clone()));
    })
    .fit(1, 0.01)
    .expect("it trains");
    learner(|learn| {
        learn.callback(Draws(by_macro.clone()));
    })
    .fit(1, 0.01)
    .expect("it trains");
    let (by_hand, by_macro) = (by_hand.take(), by_macro.take());
    assert_eq!(by_hand.len(), 7);
    assert!(by_hand.iter().all(|number| by_macro.contains(number)));
}
