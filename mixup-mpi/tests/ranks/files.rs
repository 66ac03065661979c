//! What is printed and written once, and the programs of the guide.

use std::{fs, path::Path};

use mixup::prelude::*;
use mixup_mpi::{DataParallel, Mpi, Parallel as _};
use tch::{Kind, Tensor, vision::resnet};

use crate::{
    parts::{data, series},
    run::on_ranks,
};

#[path = "../../examples/notebook.rs"]
#[allow(dead_code, reason = "the test is the program's `main`")]
mod notebook;

#[test]
fn only_the_first_rank_prints_and_writes() {
    const NAME: &str = "files::only_the_first_rank_prints_and_writes";
    let train = |mpi: &Mpi, folder: &Path| {
        let own = folder.join(format!("rank{}", mpi.rank()));
        fs::create_dir(&own).expect("a folder");
        let mut learn = Learner::builder(data(32, 8, 4), |vs| simple_cnn(vs, &[1, 4, 3]))
            .metric(accuracy)
            .callback(CsvLogger::to(own.join("history.csv")))
            .callback(JsonLines::to(own.join("log.jsonl")).every_batches(1))
            .callback(TensorBoard::in_dir(own.join("events")).histograms(1))
            .callback(SaveBest::on(accuracy).to(own.join("best.safetensors")).restore())
            .checkpoints(Checkpoints::in_dir(own.join("checkpoints")))
            .data_parallel(mpi)
            .build()
            .expect("it fits");
        learn.fit(2, 1e-2).expect("nothing is wrong");
    };
    let Some(ran) = on_ranks(NAME, 2, train) else { return };
    let ran = ran.succeeded();
    assert_eq!(ran.stdout.matches("valid_loss").count(), 1, "one table: {}", ran.stdout);
    let names = |rank: usize| {
        let entries = fs::read_dir(ran.folder().join(format!("rank{rank}"))).expect("a folder");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(0), ["best.safetensors", "checkpoints", "events", "history.csv", "log.jsonl"]);
    assert!(names(1).is_empty(), "{:?}", names(1));
    assert_eq!(ran.read("rank0/history.csv").lines().count(), 3);
}

/// A callback of somebody else's that wants to know.
struct Asks;

#[callback]
impl Asks {
    fn on_train_begin(parallel: Option<&DataParallel>, world: World) {
        let parallel = parallel.expect("the learner has one");
        assert_eq!((parallel.rank(), parallel.size()), (world.rank(), world.size()));
    }
}

#[test]
fn others_ask_for_the_parallel_training_by_its_type() {
    const NAME: &str = "files::others_ask_for_the_parallel_training_by_its_type";
    let train = |mpi: &Mpi, _: &Path| {
        let builder = Learner::builder(data(16, 0, 4), |vs| simple_cnn(vs, &[1, 4, 3])).quiet().strict();
        let mut learn = builder.callback(Asks).data_parallel(mpi).build().expect("it fits");
        learn.fit(1, 1e-2).expect("nothing is wrong");
        let spent = learn.get::<DataParallel>().expect("it is there").spent();
        assert_eq!((spent.steps, spent.bytes), (2, 2 * 4 * learn.params().numel() as u64));
    };
    if let Some(ran) = on_ranks(NAME, 2, train) {
        ran.succeeded();
    }
}

#[test]
fn the_notebook_trains_on_two_ranks() {
    const NAME: &str = "files::the_notebook_trains_on_two_ranks";
    let train = |mpi: &Mpi, _: &Path| {
        let report = notebook::train(mpi, 4).expect("nothing is wrong");
        let accuracy = report.epochs.last().expect("an epoch").metrics[0];
        assert!(accuracy > 0.5, "{accuracy}"); // of ten digits
    };
    if let Some(ran) = on_ranks(NAME, 2, train) {
        ran.succeeded();
    }
}

#[test]
fn a_res_net_trains_with_mixup_on_two_ranks() {
    const NAME: &str = "files::a_res_net_trains_with_mixup_on_two_ranks";
    let train = |mpi: &Mpi, folder: &Path| {
        let classes = Tensor::arange(24, (Kind::Int64, tch::Device::Cpu)).remainder(4);
        let items =
            || TensorDataset::new(series(24 * 3 * 32 * 32, 0.37).reshape([24, 3, 32, 32]), classes.shallow_clone());
        let data = Data::builder(items().expect("as many")).valid(items().expect("as many")).batch_size(6).build();
        let mut learn = Learner::builder(data.expect("there are items"), |vs| resnet::resnet18(vs.path(), 4))
            .metric(accuracy)
            .mixup()
            .quiet()
            .data_parallel(mpi)
            .build()
            .expect("it fits");
        let report = learn.fit_one_cycle(2, 1e-3).expect("nothing is wrong");
        assert!(report.epochs.iter().all(|row| row.train_loss.is_finite()));
        let variables = learn.params().variables();
        let sums =
            variables.iter().map(|(name, tensor)| format!("{name} {:?}", tensor.sum(Kind::Double).double_value(&[])));
        fs::write(folder.join(format!("rank{}", mpi.rank())), sums.collect::<Vec<_>>().join("\n")).expect("written");
    };
    let Some(ran) = on_ranks(NAME, 2, train) else { return };
    let ran = ran.succeeded();
    assert_eq!(ran.read("rank0"), ran.read("rank1"), "weights and statistics");
}
