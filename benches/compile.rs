//! What `#[callback]` costs the compiler: checks and builds crates of 1, 10 and 100 callbacks with six hooks each, and compares them
//! with the same callbacks written by hand as `impl Callback`.
//!
//! This times `rustc` itself, with the `mixup` that this bench was built with: without cargo and without building dependencies.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use mixup as _;

mod support;
use support::{Timed, compare};

const ROUNDS: usize = 11;

const BY_MACRO: &str = "
pub struct Watch0 { pub seen: usize, pub loss: f64, pub finished: bool }

#[callback]
impl Watch0 {
    fn on_train_begin(&mut self, epochs: usize) {
        self.seen = epochs;
    }

    fn on_epoch_begin(&mut self, epoch: usize, train: bool) {
        self.seen += if train { epoch } else { 0 };
    }

    fn on_batch_begin(&mut self, last_input: &mut Input, last_target: &Target) -> Option<SkipBatch> {
        (last_input.items() < last_target.items()).then_some(SkipBatch)
    }

    fn on_batch_end(&mut self, smooth_loss: f64) -> Result<(), std::fmt::Error> {
        self.loss = smooth_loss;
        if smooth_loss.is_finite() { Ok(()) } else { Err(std::fmt::Error) }
    }

    fn on_epoch_end(&mut self, last_metrics: &[f64], valid_loss: Option<f64>) -> Option<StopTraining> {
        (last_metrics.is_empty() && valid_loss < Some(self.loss)).then(|| StopTraining::because(\"good enough\"))
    }

    fn on_train_end(&mut self, outcome: &Outcome) {
        self.finished = *outcome == Outcome::Finished;
    }
}
";

const BY_HAND: &str = "
pub struct Watch0 { pub seen: usize, pub loss: f64, pub finished: bool }

impl Callback for Watch0 {
    const NAME: &'static str = \"Watch0\";
    
    fn handlers(&self) -> Vec<Handler> {
        vec![
            Handler::new(Hook::TrainBegin).names(&[\"epochs\"]),
            Handler::new(Hook::EpochBegin).names(&[\"epoch\", \"train\"]),
            Handler::new(Hook::BatchBegin).names(&[\"last_input\", \"last_target\"]),
            Handler::new(Hook::BatchEnd).names(&[\"smooth_loss\"]),
            Handler::new(Hook::EpochEnd).names(&[\"last_metrics\", \"valid_loss\"]),
            Handler::new(Hook::TrainEnd).names(&[\"outcome\"]),
        ]
    }

    fn on_train_begin(&mut self, event: &mut TrainBegin<'_>) -> HookResult {
        self.seen = event.epochs;
        Ok(Requests::none())
    }

    fn on_epoch_begin(&mut self, event: &mut EpochBegin<'_>) -> HookResult {
        self.seen += if event.train { event.epoch } else { 0 };
        Ok(Requests::none())
    }

    fn on_batch_begin(&mut self, event: &mut BatchBegin<'_>) -> HookResult {
        let skip = event.last_input.items() < event.last_target.items();
        Ok(if skip { SkipBatch.into() } else { Requests::none() })
    }

    fn on_batch_end(&mut self, event: &mut BatchEnd<'_>) -> HookResult {
        event.read_smooth_loss()?;
        self.loss = event.smooth_loss;
        if event.smooth_loss.is_finite() { Ok(Requests::none()) } else { Err(std::fmt::Error.into()) }
    }

    fn on_epoch_end(&mut self, event: &mut EpochEnd<'_>) -> HookResult {
        event.read_last_metrics()?;
        event.read_valid_loss()?;
        if event.last_metrics.is_empty() && event.valid_loss < Some(self.loss) {
            return Ok(StopTraining::because(\"good enough\").into());
        }
        Ok(Requests::none())
    }

    fn on_train_end(&mut self, event: &mut TrainEnd<'_>) -> HookResult {
        self.finished = *event.outcome == Outcome::Finished;
        Ok(Requests::none())
    }
}
";

const USES: [&str; 2] = [
    "use mixup::prelude::*;\n",
    "use mixup::{callback::{BatchBegin, BatchEnd, EpochBegin, EpochEnd, Handler, Hook, HookResult, Requests, TrainBegin, TrainEnd}, \
     prelude::*};\n",
];

/// The folder to which cargo builds: it has the bench itself, and the crates that the bench was built with.
fn built() -> PathBuf {
    let bench = env::current_exe().expect("the bench has a path");
    bench.parent().expect("it is in a folder").to_owned()
}

/// The newest `mixup` there: the one that cargo built, or found up to date, for this bench.
fn facade(built: &Path) -> PathBuf {
    let files = fs::read_dir(built).expect("the folder exists").flatten().map(|entry| entry.path());
    let ours = files.filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("libmixup-") && path.extension().is_some_and(|extension| extension == "rlib")
    });
    let changed = |path: &PathBuf| fs::metadata(path).and_then(|file| file.modified()).ok();
    ours.max_by_key(changed).expect("the bench was built with it")
}

fn main() {
    let built = built();
    let facade = facade(&built);
    let folder = tempfile::tempdir().expect("the disk has room for a few files");
    let compile = |source: &Path, emit: &str| {
        let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.args(["--crate-type=lib", "--edition=2024", &format!("--emit={emit}"), "--out-dir"]).arg(folder.path());
        rustc.arg("--extern").arg(format!("mixup={}", facade.display()));
        rustc.arg("-L").arg(format!("dependency={}", built.display())).arg(source);
        let status = rustc.status().expect("the compiler starts");
        assert!(status.success(), "{} does not compile", source.display());
    };
    for count in [1, 10, 100] {
        let sources = [(BY_MACRO, USES[0], "by_macro"), (BY_HAND, USES[1], "by_hand")].map(|(one, uses, name)| {
            let all = (0..count).map(|index| one.replace("Watch0", &format!("Watch{index}")));
            let text = uses.to_owned() + &all.collect::<String>();
            let path = folder.path().join(format!("{name}_{count}.rs"));
            fs::write(&path, text).expect("the disk has room");
            path
        });
        for (case, emit) in [("checked", "metadata"), ("built", "link")] {
            let [mut ours, mut theirs] = [0, 1].map(|side: usize| {
                let (source, compile) = (&sources[side], &compile);
                move || compile(source, emit)
            });
            let case = format!("{count} × six hooks, {case}");
            let (ours, theirs) = (Timed { run: &mut ours, units: 1 }, Timed { run: &mut theirs, units: 1 });
            compare("compile", &case, "by hand", ROUNDS, ours, theirs);
        }
    }
}
