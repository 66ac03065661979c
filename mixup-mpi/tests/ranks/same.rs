//! Two ranks with batches of b train as one process with batches of 2 b.

use std::{
    collections::HashSet,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use mixup::{model::Vars, prelude::*};
use mixup_mpi::{Mpi, Parallel as _};
use tch::{Device, Kind, Tensor, nn, nn::Module as _};

use crate::{
    parts::{data, difference, leave, left, numbers, on},
    run::on_ranks,
};

/// How a training is set up.
#[derive(Clone, Copy, Debug)]
struct Case {
    items: i64,
    batch: usize,
    adam: bool,
    accumulate: usize,
    clip: bool,
}

const PLAIN: Case = Case { items: 48, batch: 4, adam: false, accumulate: 1, clip: false };

/// Even and uneven ends: 45 items are five batches of 8 and one of 5, of which one rank has 3 and the other 2.
const CASES: [Case; 7] = [
    PLAIN,
    Case { items: 45, ..PLAIN },
    Case { items: 45, adam: true, ..PLAIN },
    Case { items: 48, adam: true, accumulate: 2, clip: true, ..PLAIN },
    Case { items: 45, accumulate: 4, clip: true, ..PLAIN },
    Case { items: 45, clip: true, batch: 3, ..PLAIN },
    Case { items: 46, adam: true, batch: 7, ..PLAIN },
];

/// The weights and the training losses of two epochs, with batches of `batch`.
fn trained(case: Case, batch: usize, mpi: Option<&Mpi>) -> (Vec<f32>, Vec<f32>) {
    let mut builder = on(data(case.items, 0, batch));
    builder =
        if case.adam { builder.optimizer(AdamW::default()) } else { builder.optimizer(Sgd::default().momentum(0.9)) };
    if case.accumulate > 1 {
        builder = builder.callback(Accumulate::batches(case.accumulate));
    }
    if case.clip {
        builder = builder.callback(GradientClip::norm(0.05));
    }
    let builder = match mpi {
        Some(mpi) => builder.data_parallel(mpi),
        None => builder,
    };
    let mut learn = builder.build().expect("it fits");
    let report = learn.fit(2, 1e-2).expect("nothing is wrong");
    (numbers(&learn), report.epochs.iter().map(|epoch| epoch.train_loss as f32).collect())
}

fn as_one_process(test: &str, ranks: usize) {
    let train = |mpi: &Mpi, folder: &Path| {
        for (at, case) in CASES.into_iter().enumerate() {
            let (weights, losses) = trained(case, case.batch, Some(mpi));
            leave(folder, &format!("{at}.rank{}", mpi.rank()), &weights);
            leave(folder, &format!("{at}.losses{}", mpi.rank()), &losses);
        }
    };
    let Some(ran) = on_ranks(test, ranks, train) else { return };
    let ran = ran.succeeded();
    for (at, case) in CASES.into_iter().enumerate() {
        let (weights, losses) = trained(case, case.batch * ranks, None);
        // The ranks average the losses of a step by its items, and one process those of its batches.
        let most = if case.accumulate > 1 && case.items % (case.batch * ranks) as i64 > 0 { 1e-3 } else { 1e-5 };
        for (what, alone, most) in [("rank", weights, 1e-5), ("losses", losses, most)] {
            let of_rank = |rank: usize| left(&ran.read(&format!("{at}.{what}{rank}")));
            let first = of_rank(0);
            (1..ranks).for_each(|rank| assert_eq!(first, of_rank(rank), "{case:?}: {what} is the same on all"));
            let difference = difference(&first, &alone);
            assert!(difference < most, "{case:?}: {what}: {difference}");
        }
    }
}

#[test]
fn two_ranks_train_as_one_process_with_the_joint_batch() {
    as_one_process("same::two_ranks_train_as_one_process_with_the_joint_batch", 2);
}

#[test]
fn three_ranks_train_as_one_process_with_the_joint_batch() {
    as_one_process("same::three_ranks_train_as_one_process_with_the_joint_batch", 3);
}

#[test]
fn the_sweep_over_learning_rates_is_that_of_one_process_on_all_ranks() {
    const NAME: &str = "same::the_sweep_over_learning_rates_is_that_of_one_process_on_all_ranks";
    let find = |batch, mpi: Option<&Mpi>| {
        let builder = on(data(48, 0, batch)).optimizer(Sgd::default());
        let mut learn = match mpi {
            Some(mpi) => builder.data_parallel(mpi),
            None => builder,
        }
        .build()
        .expect("it fits");
        let curve = learn.lr_find().expect("nothing is wrong");
        curve.losses.iter().map(|loss| *loss as f32).collect::<Vec<_>>()
    };
    let train = |mpi: &Mpi, folder: &Path| leave(folder, &format!("rank{}", mpi.rank()), &find(4, Some(mpi)));
    let Some(ran) = on_ranks(NAME, 2, train) else { return };
    let ran = ran.succeeded();
    let (one, other) = (left(&ran.read("rank0")), left(&ran.read("rank1")));
    assert_eq!(one, other);
    let alone = find(8, None);
    // Where the loss explodes, so does what rounding makes of it.
    assert!(difference(&one[..60], &alone[..60]) < 1e-5);
}

/// Two heads, of which a batch uses the one that its first item's class chooses.
struct Heads {
    heads: [nn::Linear; 2],
}

impl Model for Heads {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, _: bool) -> Result<Tensor, BoxError> {
        let input = input.one()?.f_flatten(1, -1)?;
        let head = usize::from(input.f_double_value(&[0, 0])? > 0.0);
        Ok(self.heads[head].forward(&input))
    }
}

#[test]
fn a_parameter_with_a_gradient_on_one_rank_only_counts_as_zero_on_the_others() {
    const NAME: &str = "same::a_parameter_with_a_gradient_on_one_rank_only_counts_as_zero_on_the_others";
    let train = |mpi: &Mpi, folder: &Path| {
        let heads = |vs: &Vars<'_>| {
            let head = |name: &str| nn::linear(vs / name, 36, 3, nn::LinearConfig::default());
            Heads { heads: [head("one"), head("other")] }
        };
        let builder = Learner::builder(data(16, 0, 1), heads).optimizer(Sgd::default()).quiet();
        let mut learn = builder.data_parallel(mpi).build().expect("it fits");
        learn.fit(1, 1e-2).expect("both ranks have the same parameters to step");
        leave(folder, &format!("rank{}", mpi.rank()), &numbers(&learn));
    };
    let Some(ran) = on_ranks(NAME, 2, train) else { return };
    let ran = ran.succeeded();
    assert_eq!(ran.read("rank0"), ran.read("rank1"));
}

/// Notes which items each rank has in an epoch, and which partners `MixUp` draws for a batch.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

#[callback(order = -5, stateless)]
impl Seen {
    #[on(batch_begin, train)]
    fn note(&self, last_input: &Input) -> Result<(), BoxError> {
        let first = last_input.one()?.f_flatten(1, -1)?.f_select(1, 0)?;
        let items: Vec<f32> = Vec::try_from(first)?;
        self.0.lock().map_err(|_| "a panic")?.extend(items.iter().map(|item| item.to_bits().to_string()));
        Ok(())
    }
}

#[test]
fn no_item_is_on_two_ranks_and_all_but_the_uneven_end_are_on_one() {
    const NAME: &str = "same::no_item_is_on_two_ranks_and_all_but_the_uneven_end_are_on_one";
    let train = |mpi: &Mpi, folder: &Path| {
        let seen = Seen::default();
        let mut learn = on(data(33, 0, 4)).callback(seen.clone()).data_parallel(mpi).build().expect("it fits");
        learn.fit(1, 1e-2).expect("nothing is wrong");
        let items = seen.0.lock().expect("no panic").join("\n");
        fs::write(folder.join(format!("rank{}", mpi.rank())), items).expect("it can be written");
    };
    let Some(ran) = on_ranks(NAME, 2, train) else { return };
    let ran = ran.succeeded();
    let [one, other] = [0, 1].map(|rank| ran.read(&format!("rank{rank}")));
    assert_eq!((one.lines().count(), other.lines().count()), (16, 16), "33 items are 32 and one that is left over");
    let all: HashSet<_> = one.lines().chain(other.lines()).collect();
    assert_eq!(all.len(), 32, "no item twice");
}

#[test]
fn callbacks_and_dropout_draw_for_themselves_on_each_rank_and_weights_begin_the_same() {
    const NAME: &str = "same::callbacks_and_dropout_draw_for_themselves_on_each_rank_and_weights_begin_the_same";
    let train = |mpi: &Mpi, folder: &Path| {
        let drawn = Arc::new(Mutex::new(Vec::new()));
        let pen = drawn.clone();
        let draw = hook!(on_batch_begin, move |rng: &mut Rng| {
            let noise = Tensor::rand([1], (Kind::Double, Device::Cpu)).double_value(&[0]); // as dropout does
            pen.lock().expect("no panic").push(format!("{} {noise}", rng.random::<u64>()));
        });
        let mut learn = on(data(32, 0, 4)).mixup().callback(draw).data_parallel(mpi).build().expect("it fits");
        let begin = numbers(&learn);
        learn.fit(1, 1e-2).expect("nothing is wrong");
        let rank = mpi.rank();
        leave(folder, &format!("begin{rank}"), &begin);
        leave(folder, &format!("end{rank}"), &numbers(&learn));
        fs::write(folder.join(format!("draws{rank}")), drawn.lock().expect("no panic").join("\n")).expect("written");
    };
    let Some(ran) = on_ranks(NAME, 2, train) else { return };
    let ran = ran.succeeded();
    assert_eq!(ran.read("begin0"), ran.read("begin1"));
    assert_eq!(ran.read("end0"), ran.read("end1"));
    let [one, other] = [0, 1].map(|rank| ran.read(&format!("draws{rank}")));
    let numbers = |text: &str| text.split_whitespace().map(str::to_owned).collect::<HashSet<_>>();
    assert_eq!(numbers(&one).len(), 2 * 4);
    assert!(numbers(&one).is_disjoint(&numbers(&other)), "{one}\n{other}");
}
