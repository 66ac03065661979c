//! The program that is killed: a small training with everything that a checkpoint must have.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use mixup::{model::Vars, prelude::*};
use tch::{Kind, Tensor, nn};

use super::{
    kill::Kill,
    support::{GradNorm, fuse::Saboteur, series},
};

const EPOCHS: usize = 3;
const BATCHES: usize = 6;
const BATCH_SIZE: usize = 8;
const RATE: f64 = 3e-3;

/// The files that a training leaves when it has ended.
pub const ENDED: [&str; 3] = ["weights.safetensors", "state.cbor", "report.txt"];

/// A process that has gone on from a checkpoint leaves this file.
pub const LOG: &str = "gone-on";

/// Trains to the end: goes on if there is a checkpoint, and begins otherwise.
pub fn program(folder: &Path, kill: Option<&Kill>) {
    let mut learn = learner(folder, kill);
    let report = match learn.resume() {
        Err(Error::NoCheckpoint { skipped, .. }) if skipped.is_empty() => learn.fit(EPOCHS, RATE),
        resumed => resumed,
    };
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    let [weights, state, rows] = ENDED.map(|name| folder.join(name));
    learn.save(weights).expect("it can be written");
    let file = File::create(state).expect("it can be created");
    ciborium::into_writer(&learn.state().expect("it has one"), file).expect("it can be written");
    let numbers = report.epochs.iter().map(|row| {
        let valid_loss = row.valid_loss.unwrap_or(f64::NAN);
        let all = [&[row.train_loss, valid_loss], &row.metrics[..], &row.values[..]].concat();
        all.into_iter().map(|number| format!("{:016x}", number.to_bits())).collect::<Vec<_>>().join(" ")
    });
    fs::write(rows, numbers.collect::<Vec<_>>().join("\n")).expect("it can be written");
}

/// The files of a training that has ended, each with its name.
pub fn ended(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |name: &str| {
        let bytes = fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name.to_owned(), bytes)
    };
    ENDED.map(read).into()
}

/// Whether the last process has gone on from a checkpoint.
pub fn has_gone_on(folder: &Path) -> bool {
    folder.join(LOG).exists()
}

/// Whether a process is, or was, in the middle of a save: the name of its temporary file has its number.
pub fn is_saving(folder: &Path, process: u32) -> bool {
    let number = format!(".{process}-");
    names(folder).any(|name| name.ends_with(".mixup-tmp") && name.contains(&number))
}

/// Whether there is a checkpoint.
pub fn has_saved(folder: &Path) -> bool {
    names(folder).any(|name| name.starts_with("checkpoint-"))
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(checkpoints(folder)).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

fn checkpoints(folder: &Path) -> PathBuf {
    folder.join("checkpoints")
}

/// A learner with MixUp, accumulation, a schedule, averaged weights, values and validations between batches, on a model with dropout
/// and batch norm.
fn learner(folder: &Path, kill: Option<&Kill>) -> Learner {
    let data = Data::builder(items(BATCHES * BATCH_SIZE)).valid(items(2 * BATCH_SIZE)).batch_size(BATCH_SIZE);
    let saved = Checkpoints::in_dir(checkpoints(folder)).every_batches(1).keep_last(2).keep_best(accuracy);
    let builder = Learner::builder(data.build().expect("there are items"), model)
        .metric(accuracy)
        .mixup()
        .callback(GoneOn(folder.join(LOG)))
        .callback(Accumulate::batches(2))
        .callback(Cosine::default())
        .callback(Average::default())
        .callback(GradNorm)
        .validate_every(4)
        .checkpoints(saved)
        .quiet();
    let builder = match kill.and_then(Kill::fuse) {
        Some(fuse) => builder.callback(Saboteur(fuse)),
        None => builder,
    };
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

fn items(items: usize) -> TensorDataset {
    let classes = Tensor::arange(items as i64, (Kind::Int64, tch::Device::Cpu)).remainder(4);
    TensorDataset::new(series(items as i64 * 12, 0.37).reshape([items as i64, 12]), classes).expect("as many")
}

/// So large that writing it takes some milliseconds.
fn model(vars: &Vars<'_>) -> impl nn::ModuleT + use<> {
    tch::set_num_threads(1);
    nn::seq_t()
        .add(nn::linear(vars / "first", 12, 256, nn::LinearConfig::default()))
        .add(nn::batch_norm1d(vars / "norm", 256, nn::BatchNormConfig::default()))
        .add_fn_t(|x, train| x.relu().dropout(0.3, train))
        .add(nn::linear(vars / "middle", 256, 256, nn::LinearConfig::default()))
        .add_fn(Tensor::relu)
        .add(nn::linear(vars / "last", 256, 4, nn::LinearConfig::default()))
}

/// Leaves a file if the training goes on from a checkpoint.
struct GoneOn(PathBuf);

#[callback]
impl GoneOn {
    fn on_train_begin(&self, resumed: bool) -> Result<(), std::io::Error> {
        if resumed { File::create(&self.0)?.write_all(b"yes") } else { Ok(()) }
    }
}

/// Half a cosine from the first rate to none, in which the batches are counted by the callback itself.
#[derive(Default)]
struct Cosine {
    batches: usize,
}

#[callback(state(batches))]
impl Cosine {
    #[on(batch_begin, train)]
    fn anneal(&mut self, opt: &mut dyn Optimizer) {
        let share = self.batches as f64 / (EPOCHS * BATCHES) as f64;
        opt.set_lr(RATE * (1.0 + (std::f64::consts::PI * share).cos()) / 2.0);
        self.batches += 1;
    }
}

/// Averages the weights, and validates with the averages.
#[derive(Default)]
struct Average {
    average: Vec<Tensor>,
    trained: Vec<Tensor>,
}

fn copies(params: &Params) -> Vec<Tensor> {
    params.iter().map(|(_, tensor)| tensor.detach().copy()).collect()
}

fn put(params: &Params, values: &[Tensor]) {
    tch::no_grad(|| params.iter().zip(values).for_each(|((_, to), from)| to.shallow_clone().copy_(from)));
}

#[callback(state(average, trained))]
impl Average {
    fn on_train_begin(&mut self, params: &Params, resumed: bool) {
        if !resumed {
            self.average = copies(params);
        }
    }

    #[on(step_end, if = stepped)]
    fn average(&mut self, params: &Params) {
        for (average, now) in self.average.iter_mut().zip(copies(params)) {
            *average = &*average * 0.9 + now * 0.1;
        }
    }

    fn on_validate_begin(&mut self, params: &Params) {
        self.trained = copies(params);
        put(params, &self.average);
    }

    #[on(validate_end, always)]
    fn give_back(&mut self, params: &Params) {
        put(params, &std::mem::take(&mut self.trained));
    }
}
