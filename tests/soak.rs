//! A process that trains for a long time does not grow: learners are built, train, fail, go on from their checkpoints, validate and predict, over
//! and over.
//!
//! `cargo xtask soak --minutes 30` runs it; among the other tests it is left out.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod support;

use std::{
    env, fs,
    path::Path,
    time::{Duration, Instant},
};

use mixup::prelude::*;
use serde_json::json;

/// The variable that says how long it runs.
const MINUTES: &str = "MIXUP_SOAK_MINUTES";

/// How much more the process may have at the end than in the middle, in MiB.
const MAY_GROW: f64 = 8.0;

/// How often the figures are printed.
const PRINT: Duration = Duration::from_secs(20);

#[test]
#[ignore = "it runs for minutes: `cargo xtask soak --minutes 30`"]
fn the_memory_of_a_long_run_stays_flat() {
    tch::set_num_threads(1);
    let minutes: f64 = env::var(MINUTES).map_or(1.0, |minutes| minutes.parse().expect("a number of minutes"));
    let span = Duration::from_secs_f64(minutes * 60.0);
    let (began, mut printed, mut rounds, mut batches) = (Instant::now(), Instant::now(), 0, 0);
    let mut sizes: Vec<(f64, f64)> = Vec::new();
    while began.elapsed() < span || rounds < 4 {
        batches += round(rounds);
        rounds += 1;
        sizes.push((began.elapsed().as_secs_f64(), resident()));
        if printed.elapsed() >= PRINT {
            printed = Instant::now();
            println!(
                "{:.1} min: {rounds} trainings, {batches} batches, {:.1} MiB",
                began.elapsed().as_secs_f64() / 60.0,
                resident()
            );
        }
    }
    let all = began.elapsed().as_secs_f64();
    // What is kept for later, such as memory that the allocator holds, is there after a quarter of the time.
    let most = |from: f64, to: f64| {
        let part = sizes.iter().filter(|(at, _)| (from * all..=to * all).contains(at));
        part.map(|(_, size)| *size).fold(0.0, f64::max)
    };
    let (middle, end) = (most(0.25, 0.5), most(0.75, 1.0));
    let rounded = |size: f64| (size * 10.0).round() / 10.0;
    println!(
        "{}",
        json!({
            "minutes": rounded(all / 60.0),
            "trainings": rounds,
            "batches": batches,
            "second_quarter_mib": rounded(middle),
            "last_quarter_mib": rounded(end),
            "open_files": open_files(),
        })
    );
    assert!(end - middle <= MAY_GROW, "it has grown from {middle:.1} MiB to {end:.1} MiB");
    assert!(open_files() < 64, "{} files are open", open_files());
}

/// Fails at a training batch.
struct FailAt(usize);

#[callback]
impl FailAt {
    #[on(batch_begin, train)]
    fn fail(&self, iteration: usize) -> Result<(), BoxError> {
        if iteration == self.0 { Err("as planned".into()) } else { Ok(()) }
    }
}

fn learner(folder: &Path, fails: usize) -> Learner {
    let data = ImageData::digits().expect("they are bundled").batch_size(128).build().expect("they fit");
    Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 32, 10]))
        .metric(accuracy)
        .mixup()
        .callback(Recorder::default())
        .callback(Accumulate::batches(2))
        .callback(Ema::new(0.99))
        .callback(FailAt(fails))
        .validate_every(5)
        .checkpoints(Checkpoints::in_dir(folder).every_batches(4).keep_best(accuracy))
        .quiet()
        .build()
        .expect("nothing is wrong with it")
}

/// A training that fails once and goes on; and predictions. Returns the number of its batches.
fn round(number: usize) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    learner(folder.path(), 6 + number % 17).fit(3, 1e-2).expect_err("it fails as planned");
    let mut learn = learner(folder.path(), usize::MAX);
    let report = learn.resume().expect("there is a checkpoint");
    assert_eq!(report.epochs.len(), 3);
    let found = learn.predictions().expect("there is validation data");
    assert!(found.outputs.size()[0] > 0);
    learn.get_mut::<Recorder>().expect("it was added").losses().expect("they can be read").len()
}

/// The memory of the process in MiB.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is told");
    line.trim_end_matches("kB").trim().parse::<f64>().expect("a number") / 1024.0
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").expect("Linux has it").count()
}
