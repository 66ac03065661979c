//! PyTorch's formulas for a step of one number, in `f64`.
//!
//! Source: the documentation of `torch.optim.SGD`, `Adam`, `AdamW` and `RMSprop`, each with its algorithm.

use mixup::prelude::*;

/// An optimizer's formula for one number.
#[derive(Clone, Copy, Debug)]
pub enum Formula {
    Sgd { nesterov: bool, dampening: f64 },
    Adam { decoupled: bool, beta2: f64, eps: f64 },
    RmsProp { alpha: f64, eps: f64 },
}

/// What is remembered of a number.
#[derive(Clone, Default)]
pub struct Memory {
    steps: i32,
    first: f64,
    second: f64,
}

impl Formula {
    /// The number after a step by this gradient.
    pub fn step(&self, p: f64, g: f64, Hyper { lr, momentum, weight_decay }: Hyper, memory: &mut Memory) -> f64 {
        memory.steps += 1;
        let decayed = g + weight_decay * p;
        match *self {
            Self::Sgd { nesterov, dampening } => {
                let taken = if memory.steps == 1 { decayed } else { (1.0 - dampening) * decayed };
                memory.first = momentum * memory.first + taken;
                p - lr * if nesterov { decayed + momentum * memory.first } else { memory.first }
            }
            Self::Adam { decoupled, beta2, eps } => {
                let (p, g) = if decoupled { (p - lr * weight_decay * p, g) } else { (p, decayed) };
                memory.first = momentum * memory.first + (1.0 - momentum) * g;
                memory.second = beta2 * memory.second + (1.0 - beta2) * g * g;
                let mean = memory.first / (1.0 - momentum.powi(memory.steps));
                let square = memory.second / (1.0 - beta2.powi(memory.steps));
                p - lr * mean / (square.sqrt() + eps)
            }
            Self::RmsProp { alpha, eps } => {
                memory.second = alpha * memory.second + (1.0 - alpha) * decayed * decayed;
                memory.first = momentum * memory.first + decayed / (memory.second.sqrt() + eps);
                p - lr * memory.first
            }
        }
    }
}
