//! Arbitrary bytes as a checkpoint, with the digest made right: nothing panics, and a learner that rejects it is as before.
#![no_main]
#![forbid(unsafe_code)]

mod support;

use std::{fs, path::Path, sync::OnceLock};

use mixup::prelude::*;
use tch::{Device, Kind, Tensor, nn};

/// Ends a training that goes on at its first batch.
struct Stop;

#[callback]
impl Stop {
    #[on(epoch_begin, batch_begin, validate_begin)]
    fn stop(&self) -> StopTraining {
        StopTraining::because("it goes on")
    }
}

/// Counts the batches.
#[derive(Default)]
struct Counter {
    batches: u64,
}

#[callback(state(batches))]
impl Counter {
    #[on(batch_end, train)]
    fn count(&mut self) {
        self.batches = self.batches.wrapping_add(1);
    }
}

/// The learner whose checkpoint `corpus/checkpoint` has.
pub fn learner(folder: &Path, stops: bool) -> Learner {
    let items = |items: i64| {
        let numbers = Tensor::arange(items * 2, (Kind::Float, Device::Cpu)).reshape([items, 2]);
        TensorDataset::new(numbers, Tensor::zeros([items], (Kind::Int64, Device::Cpu))).expect("as many of both")
    };
    let data = Data::builder(items(4)).valid(items(2)).batch_size(2).build().expect("there are items");
    let model = |vars: &mixup::model::Vars<'_>| {
        tch::set_num_threads(1);
        nn::linear(vars.path(), 2, 2, nn::LinearConfig::default())
    };
    let builder = Learner::builder(data, model)
        .metric(accuracy)
        .mixup()
        .callback(Recorder::default())
        .callback(Counter::default())
        .callback(Accumulate::batches(3))
        .checkpoints(Checkpoints::in_dir(folder).every_batches(1))
        .handle_signals(false)
        .quiet();
    let builder = if stops { builder.callback(Stop) } else { builder };
    builder.build().expect("nothing is wrong with it")
}

fn folder() -> &'static Path {
    static FOLDER: OnceLock<std::path::PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = support::folder();
        // `MIXUP_FUZZ_SEEDS=DIR` writes checkpoints to begin with.
        if let Some(seeds) = std::env::var_os("MIXUP_FUZZ_SEEDS") {
            learner(Path::new(&seeds), false).fit(2, 0.1).expect("it trains");
        }
        folder
    })
}

fn bits(learn: &Learner) -> Vec<Vec<f32>> {
    let numbers = |tensor: &Tensor| Vec::try_from(tensor.detach().flatten(0, -1)).expect("floats");
    learn.params().iter().map(|(_, tensor)| numbers(tensor)).collect()
}

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let path = folder().join("input.safetensors");
    fs::write(&path, support::sealed(file)).expect("it can be written");
    let mut learn = learner(folder(), true);
    let before = (bits(&learn), learn.state().expect("it has one"));
    // What does not fit is found before the training begins, except for what only a training can load.
    if let Err(error) = learn.resume_from(&path)
        && !matches!(error, Error::Resume { .. })
    {
        assert!(before == (bits(&learn), learn.state().expect("it has one")), "changed by `{error}`");
    }
});
