//! Same seed, same bits: of the parameters and of the losses. The draws of libtorch's generator are tested in another file,
//! because the process has only one such generator and these tests run at the same time.
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod support;

use mixup::prelude::*;
use support::{bits, items, linear};
use tch::{Device, Kind, Tensor};

type Bits = (Vec<u32>, Vec<(u64, Option<u64>)>);

/// Trains for two epochs, and returns the result to the bit.
fn trained(learn: &mut Learner) -> Bits {
    let report = learn.fit(2, 0.1).expect("it trains");
    let rows = report.epochs.iter();
    let losses = rows.map(|row| (row.train_loss.to_bits(), row.valid_loss.map(f64::to_bits))).collect();
    (bits(learn), losses)
}

fn shuffled(seed: u64) -> Learner {
    let data = Data::builder(items(20)).valid(items(6)).batch_size(4).build().expect("there are items");
    let builder = Learner::builder(data, |vars| linear(vars, 3, 2)).seed(seed).quiet();
    builder.build().expect("nothing is wrong with it")
}

fn mixed(seed: u64) -> Learner {
    let data = Data::builder(items(20)).valid(items(6)).batch_size(4).shuffle(false).build();
    let builder = Learner::builder(data.expect("there are items"), |vars| linear(vars, 3, 2)).seed(seed).quiet();
    builder.mixup().build().expect("nothing is wrong with it")
}

fn images(seed: u64) -> Learner {
    let images = Tensor::arange(16 * 64, (Kind::Float, Device::Cpu)).sin().reshape([16, 1, 8, 8]);
    let classes = Tensor::arange(16, (Kind::Int64, Device::Cpu)).remainder(3);
    let set = TensorDataset::new(images, classes).expect("as many");
    let data = Data::builder(set).batch_size(8).shuffle(false).build().expect("there are items");
    let builder = Learner::builder(data, |vars| simple_cnn(vars, &[1, 4, 3])).seed(seed).quiet();
    builder.build().expect("nothing is wrong with it")
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_gives_others() {
    for (what, build) in [("shuffle", shuffled as fn(u64) -> Learner), ("MixUp", mixed), ("simple_cnn", images)] {
        let first = trained(&mut build(1));
        assert_eq!(trained(&mut build(1)), first, "{what}");
        let other = trained(&mut build(2));
        assert_ne!(other.0, first.0, "{what}");
        assert_ne!(other.1, first.1, "{what}");
    }
}

#[test]
fn simple_cnn_draws_its_initial_weights_from_the_seed() {
    assert_eq!(bits(&images(1)), bits(&images(1)));
    assert_ne!(bits(&images(1)), bits(&images(2)));
}

#[test]
fn each_epoch_and_each_training_has_its_own_order() {
    struct Orders(Vec<Vec<i64>>);

    #[callback]
    impl Orders {
        fn on_epoch_begin(&mut self) {
            self.0.push(Vec::new());
        }

        fn on_batch_begin(&mut self, last_target: &Target, train: bool) {
            if let Some(order) = self.0.last_mut().filter(|_| train) {
                order.extend(Vec::<i64>::try_from(last_target.tensor()).expect("indices"));
            }
        }
    }

    let numbers = Tensor::arange(20, (Kind::Int64, Device::Cpu));
    let set = TensorDataset::new(support::series(60, 0.3).reshape([20, 3]), numbers.shallow_clone()).expect("as many");
    let data = Data::builder(set).batch_size(6).build().expect("there are items");
    let builder = Learner::builder(data, |vars| linear(vars, 3, 20)).callback(Orders(Vec::new())).quiet();
    let mut learn = builder.build().expect("nothing is wrong with it");
    learn.fit(2, 0.1).expect("it trains");
    learn.fit(1, 0.1).expect("it trains");
    let orders = &learn.get::<Orders>().expect("it is there").0;
    assert!(orders[0] != orders[1] && orders[1] != orders[2] && orders[0] != orders[2]);
    for order in orders {
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>(), "each item once");
    }
}

#[test]
fn validation_and_predictions_in_between_change_no_bit_of_the_training() {
    let build = || {
        let mut learn = shuffled(5);
        learn.mixup();
        learn
    };
    let (mut looked, mut not) = (build(), build());
    for _ in 0..2 {
        looked.validate().expect("there is validation data");
        looked.predictions().expect("there is validation data");
        assert_eq!(trained(&mut looked), trained(&mut not));
    }
}

#[test]
fn observing_callbacks_change_no_bit_of_the_training() {
    struct Looks;

    #[callback]
    impl Looks {
        fn on_backward_end(&mut self, smooth_loss: f64, gradients: &Gradients) {
            assert!(smooth_loss.is_finite() && gradients.norm().is_ok_and(f64::is_finite));
        }

        fn on_batch_end(&mut self, smooth_loss: f64) {
            assert!(smooth_loss.is_finite());
        }
    }

    let mut watched = mixed(1);
    watched.callback(Looks).callback(Recorder::default());
    assert_eq!(trained(&mut watched), trained(&mut mixed(1)));
}

#[test]
fn two_trainings_side_by_side_do_not_disturb_each_other() {
    let alone = trained(&mut mixed(9));
    let threads: Vec<_> = (0..3).map(|_| std::thread::spawn(|| trained(&mut mixed(9)))).collect();
    for thread in threads {
        assert_eq!(thread.join().expect("no panic"), alone);
    }
}
