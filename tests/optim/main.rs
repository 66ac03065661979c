//! The optimizers' steps on single parameters of every kind and layout, compared with the formula in `f64` and with libtorch's own optimizers.

#[path = "../formula/mod.rs"]
mod formula;
#[path = "../numbers/mod.rs"]
mod numbers;

mod accuracy;
mod layouts;
mod missing;

use formula::{Formula, Memory};
use mixup::prelude::*;
use numbers::{f64s, prepared, random};
use tch::{Kind, Tensor, nn};

/// A model that only has its parameters.
#[derive(Debug)]
struct Idle;

impl nn::Module for Idle {
    fn forward(&self, x: &Tensor) -> Tensor {
        x.shallow_clone()
    }
}

/// A learner whose model has these parameters, in their kinds and layouts. They are named `p0`, `p1`, …
fn learner(params: &[Tensor]) -> Learner {
    let shapes: Vec<_> = params.iter().map(Tensor::size).collect();
    let data = prepared(&[(random(&[1, 1], Kind::Float, 0), Target::Dense(random(&[1], Kind::Float, 1)))]);
    let learn = Learner::builder(data.expect("a batch"), move |vars| {
        for (index, shape) in shapes.iter().enumerate() {
            let _ = vars.path().zeros(&format!("p{index}"), shape);
        }
        Idle
    });
    let learn = learn.loss(Mse).quiet().build().expect("a learner");
    for ((_, own), given) in learn.params().iter().zip(params) {
        own.shallow_clone().set_data(given);
    }
    learn
}

/// Gives each parameter this gradient, by a backward pass, or none.
fn backward<'a>(params: impl IntoIterator<Item = &'a Tensor>, grads: &[Option<Tensor>]) {
    for (param, grad) in params.into_iter().zip(grads) {
        if let Some(grad) = grad {
            (param * grad).sum(param.kind()).backward();
        }
    }
}

fn tensors(learn: &Learner) -> Vec<Tensor> {
    learn.params().iter().map(|(_, tensor)| tensor.shallow_clone()).collect()
}

/// Takes a step by these gradients.
fn step(learn: &Learner, opt: &mut dyn Optimizer, grads: &[Option<Tensor>]) {
    backward(&tensors(learn), grads);
    opt.step(learn.params()).expect("a step");
    learn.params().zero_grad().expect("gradients can be dropped");
}

/// The numbers of one parameter, as the formula steps them.
struct Reference {
    formula: Formula,
    hyper: Hyper,
    numbers: Vec<f64>,
    memory: Vec<Memory>,
}

impl Reference {
    fn new(formula: Formula, hyper: Hyper, param: &Tensor) -> Self {
        let numbers = f64s(param);
        Self { formula, hyper, memory: vec![Memory::default(); numbers.len()], numbers }
    }

    fn step(&mut self, grad: &Tensor) {
        for ((number, memory), grad) in self.numbers.iter_mut().zip(&mut self.memory).zip(f64s(grad)) {
            *number = self.formula.step(*number, grad, self.hyper, memory);
        }
    }

    /// The root of the mean square of the distances.
    fn distance(&self, param: &Tensor) -> f64 {
        let squares = f64s(param).iter().zip(&self.numbers).map(|(got, want)| (got - want) * (got - want)).sum::<f64>();
        (squares / self.numbers.len() as f64).sqrt()
    }
}
