//! A learner's data and model with something random in each: a shuffle, and dropout, which draws from libtorch's generator. The process has only
//! one, so tests of such a model take turns.

use std::sync::{Mutex, MutexGuard, PoisonError};

use mixup::{data::Shuffled, model::Vars, prelude::*};
use tch::{Device, Kind, Tensor, nn};

use super::series;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Waits until no other test uses libtorch's generator.
pub fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

pub const ITEMS: i64 = 20;

/// `ITEMS` items of three features, each with its own class, in shuffled batches of four: five in an epoch.
pub fn data() -> Data {
    data_sampled(Sampling::new(Shuffled))
}

pub fn data_sampled(sampler: Sampling) -> Data {
    let set = |items: i64| {
        let classes = Tensor::arange(items, (Kind::Int64, Device::Cpu));
        TensorDataset::new(series(items * 3, 0.37).reshape([items, 3]), classes).expect("as many")
    };
    Data::builder(set(ITEMS)).valid(set(6)).batch_size(4).sampler(sampler).build().expect("there are items")
}

/// `tch`'s layers, with dropout between them.
pub fn model(vars: &Vars<'_>) -> impl nn::ModuleT + use<> {
    tch::set_num_threads(1);
    let first = nn::linear(vars / "first", 3, 16, nn::LinearConfig::default());
    let second = nn::linear(vars / "second", 16, ITEMS, nn::LinearConfig::default());
    nn::seq_t().add(first).add_fn_t(|x, train| x.relu().dropout(0.5, train)).add(second)
}
