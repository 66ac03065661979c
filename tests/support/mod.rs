//! A small learner whose numbers can all be computed by hand, and helpers for its tests.
#![allow(dead_code, reason = "each file of tests takes what it needs")]

pub mod dropout;
pub mod fuse;
pub mod process;
pub mod warnings;

use std::sync::{Arc, Mutex, PoisonError};

use mixup::{callback::Hook, error::BoxError, learner::LearnerBuilder, model::Vars, prelude::*};
use tch::{Kind, Tensor};

/// A linear layer `[features, outputs]` whose initial weights are always the same: nothing here is random.
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

pub fn linear(vars: &Vars<'_>, features: i64, outputs: i64) -> Linear {
    // With so few numbers, a second thread would only cause waiting.
    tch::set_num_threads(1);
    let weight = series(features * outputs, 0.1).reshape([features, outputs]);
    Linear {
        weight: vars.path().var_copy("weight", &weight),
        bias: vars.path().var_copy("bias", &series(outputs, -0.2)),
    }
}

impl Model for Linear {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, _train: bool) -> Result<Tensor, BoxError> {
        Ok(input.one()?.f_matmul(&self.weight)?.f_add(&self.bias)?)
    }
}

/// `count` numbers that rise and fall, none of them round.
pub fn series(count: i64, step: f64) -> Tensor {
    ((Tensor::arange(count, (Kind::Float, tch::Device::Cpu)) + 1.0) * step).sin()
}

/// `items` items of three features in two classes.
pub fn items(items: i64) -> TensorDataset {
    let classes = Tensor::arange(items, (Kind::Int64, tch::Device::Cpu)).remainder(2);
    TensorDataset::new(series(items * 3, 0.37).reshape([items, 3]), classes).expect("as many classes as items")
}

/// Training and validation items in batches of four, in their own order.
pub fn data(train: i64, valid: i64) -> Data {
    let data = Data::builder(items(train)).batch_size(4).shuffle(false);
    if valid == 0 { data.build() } else { data.valid(items(valid)).build() }.expect("there are items")
}

/// A quiet learner on [`data`], with plain SGD.
pub fn on(data: Data) -> LearnerBuilder<Linear> {
    Learner::builder(data, |vars| linear(vars, 3, 2)).optimizer(Sgd::default()).quiet()
}

/// Every number of every parameter, to the bit.
pub fn bits(learn: &Learner) -> Vec<u32> {
    numbers(learn).into_iter().map(f32::to_bits).collect()
}

/// Every number of every parameter.
pub fn numbers(learn: &Learner) -> Vec<f32> {
    let flat = |(_, tensor): (&str, &Tensor)| Vec::<f32>::try_from(tensor.detach().flatten(0, -1)).expect("floats");
    learn.params().iter().flat_map(flat).collect()
}

/// Every number of every gradient that exists.
pub fn gradients(learn: &Learner) -> Vec<f32> {
    let grads = learn.params().iter().map(|(_, tensor)| tensor.grad()).filter(Tensor::defined);
    grads.flat_map(|grad| Vec::<f32>::try_from(grad.flatten(0, -1)).expect("floats")).collect()
}

/// Publishes the norm of the gradients.
pub struct GradNorm;

#[callback]
impl GradNorm {
    fn on_backward_end(gradients: &Gradients, grad_norm: &mut Value) -> Result<(), GradientError> {
        grad_norm.set(gradients.norm_tensor()?);
        Ok(())
    }
}

/// A log of what happened, line by line. Clones share it.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.into());
    }

    /// Takes all lines so far.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The text of a panic that was caught.
pub fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("another kind of panic").to_owned()
}

/// Whether a hook runs in predictions, and not in a training.
pub fn is_of_predictions(hook: Hook) -> bool {
    hook.name().starts_with("on_predict_")
}

/// The hooks that may return `flow`.
pub fn hooks_returning(flow: &str) -> impl Iterator<Item = Hook> {
    Hook::ALL.iter().copied().filter(move |hook| hook.flows().contains(&flow))
}

/// Makes a struct whose first field is a number stateful: the number is its state.
#[allow(unused_macros, reason = "each file of tests takes what it needs")]
macro_rules! number_is_state {
    ($name:ident) => {
        impl mixup::state::Stateful for $name {
            fn save(&self) -> Result<mixup::state::State, mixup::state::StateError> {
                mixup::state::State::of_data(&self.0)
            }

            fn load(&mut self, state: &mixup::state::State) -> Result<(), mixup::state::StateError> {
                self.0 = state.data()?;
                Ok(())
            }
        }
    };
}

#[allow(unused_imports, reason = "each file of tests takes what it needs")]
pub(crate) use number_is_state;
