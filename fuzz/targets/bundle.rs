//! Arbitrary bytes as a bundle, with the digest made right: nothing panics, and what is loaded predicts or says why not.
#![no_main]
#![forbid(unsafe_code)]

mod support;

use std::{fs, path::Path, sync::OnceLock};

use mixup::{learner::Predictor, model::Vars, prelude::*};
use tch::{Device, Kind, Tensor, nn};

fn model(vars: &Vars<'_>) -> nn::Sequential {
    tch::set_num_threads(1);
    nn::seq().add(nn::linear(vars.path(), 2, 2, nn::LinearConfig::default()))
}

fn folder() -> &'static Path {
    static FOLDER: OnceLock<std::path::PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // `MIXUP_FUZZ_SEEDS=DIR` writes a bundle to begin with.
        if let Some(seeds) = std::env::var_os("MIXUP_FUZZ_SEEDS") {
            let numbers = Tensor::arange(4, (Kind::Float, Device::Cpu)).reshape([2, 2]);
            let items = TensorDataset::new(numbers, Tensor::from_slice(&[0_i64, 1])).expect("as many of both");
            let data = Data::builder(items).classes(["no", "yes"]).batch_size(2).build().expect("there are items");
            let mut learn = Learner::builder(data, model).quiet().build().expect("nothing is wrong with it");
            learn.save_bundle(Path::new(&seeds).join("bundle")).expect("it can be written");
        }
        support::folder()
    })
}

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let path = folder().join("input.safetensors");
    fs::write(&path, support::sealed(file)).expect("it can be written");
    let Ok(predictor) = Predictor::load(&path, model) else { return };
    if let Ok(found) = predictor.predict(Tensor::ones([3, 2], (Kind::Float, Device::Cpu))) {
        let _ = found.best().map(|best| best.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
});
