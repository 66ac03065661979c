//! How a training uses the process's memory. Each test runs in its own process, because it measures the whole process.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod support;

use mixup::{data::ImageDataset, prelude::*};
use support::process;
use tch::{Device, Kind, Tensor};

/// Runs `test`, a test of the given name, in its own process.
fn alone(name: &str, test: impl FnOnce()) {
    if process::alone(name) {
        test();
    }
}

/// How often the process has touched a page that it did not have before.
fn page_faults() -> usize {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has it");
    let behind_the_name = stat.rsplit_once(')').expect("the name is in parentheses").1;
    behind_the_name.split_whitespace().nth(7).and_then(|minflt| minflt.parse().ok()).expect("a number")
}

/// How many KiB of memory the process uses.
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is told");
    line.trim_end_matches("kB").trim().parse().expect("a number")
}

#[derive(Default)]
struct Faults {
    at: Vec<usize>,
}

#[callback]
impl Faults {
    #[on(batch_end, train)]
    fn count(&mut self) {
        self.at.push(page_faults());
    }
}

/// Batches of 2.4 MB, which glibc would map anew and unmap each time. Each of their pages would then be a fault: 590 for the
/// batch alone.
#[test]
fn a_batch_uses_the_memory_that_the_last_one_freed() {
    alone("a_batch_uses_the_memory_that_the_last_one_freed", || {
        let pixels = Tensor::randint(256, [512, 3, 56, 56], (Kind::Uint8, Device::Cpu));
        let labels = Tensor::zeros([512], (Kind::Int64, Device::Cpu));
        let set = ImageDataset::new(pixels, labels).expect("as many labels as images");
        let data = Data::builder(set).classes(["3", "7"]).batch_size(64).build().expect("there are images");
        let builder = Learner::builder(data, |vs| simple_cnn(vs, &[3, 16, 16, 2])).mixup().callback(Faults::default());
        let mut learn = builder.quiet().build().expect("nothing is wrong with it");
        learn.fit(4, 1e-3).expect("it trains");
        let at = &learn.get::<Faults>().expect("it was added").at;
        let of_each: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let later = &of_each[of_each.len() / 2..];
        let mean = later.iter().sum::<usize>() / later.len();
        assert!(mean < 100, "{mean} page faults a batch: {of_each:?}");
    });
}

/// How many KiB of a freed block of 20 MiB stay with the process after a learner is built.
fn kept(keep: Option<bool>) -> i64 {
    let builder = support::on(support::data(8, 0));
    let builder = match keep {
        Some(keep) => builder.keep_freed_memory(keep),
        None => builder,
    };
    let _learn = builder.build().expect("nothing is wrong with it");
    let before = resident();
    let block = Tensor::ones([20 << 20], (Kind::Uint8, Device::Cpu));
    let with_it = resident() - before;
    assert!(with_it > 19 << 10, "the block itself takes {with_it} KiB");
    drop(block);
    resident() - before
}

#[test]
fn freed_memory_is_kept_by_default() {
    alone("freed_memory_is_kept_by_default", || {
        let kept = kept(None);
        assert!(kept > 19 << 10, "{kept} KiB of a block of 20 MiB");
    });
}

#[test]
fn a_learner_returns_freed_memory_if_keep_freed_memory_is_false() {
    alone("a_learner_returns_freed_memory_if_keep_freed_memory_is_false", || {
        let kept = kept(Some(false));
        assert!(kept < 2 << 10, "{kept} KiB of a block of 20 MiB");
    });
}

#[test]
fn one_learner_that_keeps_freed_memory_is_enough() {
    alone("one_learner_that_keeps_freed_memory_is_enough", || {
        let first = support::on(support::data(8, 0)).keep_freed_memory(true).build();
        first.expect("nothing is wrong with it");
        let kept = kept(Some(false));
        assert!(kept > 19 << 10, "{kept} KiB of a block of 20 MiB");
    });
}

/// The most memory that the process has used so far, in KiB.
fn most_resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it is told");
    line.trim_end_matches("kB").trim().parse().expect("a number")
}

/// Three layers of 4 MB, and a checkpoint of 36 MB.
fn large(folder: &std::path::Path) -> Learner {
    let batch = || Batch {
        input: support::series(4 * 1000, 0.1).reshape([4, 1000]).into(),
        target: Tensor::from_slice(&[0_i64, 1, 2, 3]).into(),
    };
    let data = Data::from_batches(vec![batch(), batch()], vec![]).expect("they are valid");
    let model = |vars: &mixup::model::Vars<'_>| {
        tch::set_num_threads(1);
        let layer = |name| tch::nn::linear(vars / name, 1000, 1000, tch::nn::LinearConfig::default());
        tch::nn::seq().add(layer("first")).add(layer("second")).add(layer("third"))
    };
    Learner::builder(data, model)
        .checkpoints(Checkpoints::in_dir(folder))
        .quiet()
        .build()
        .expect("nothing is wrong with it")
}

#[test]
fn going_on_needs_little_more_memory_than_the_file_and_the_learner() {
    const NAME: &str = "going_on_needs_little_more_memory_than_the_file_and_the_learner";
    const FOLDER: &str = "MIXUP_MEMORY_FOLDER";
    if process::is_own() {
        let folder = std::env::var_os(FOLDER).expect("the parent sets it");
        let folder = std::path::Path::new(&folder);
        let file = std::fs::read_dir(folder)
            .expect("it exists")
            .flatten()
            .find(|file| file.file_name().to_string_lossy().starts_with("checkpoint-"));
        let size = file.and_then(|file| file.metadata().ok()).expect("there is a checkpoint").len() as i64 / 1024;
        let mut learn = large(folder);
        let before = most_resident();
        let report = learn.resume().expect("there is a checkpoint");
        assert_eq!(report.epochs.len(), 1);
        let needed = most_resident() - before;
        // The file itself, and three times its moments: the loaded ones, those that they replace, and those to undo it with.
        assert!(needed < 4 * size, "{needed} KiB for a file of {size} KiB");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    large(folder.path()).fit(1, 1e-3).expect("it trains");
    let output = process::own(NAME).env(FOLDER, folder.path()).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
