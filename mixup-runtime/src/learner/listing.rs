//! What a learner is made of, and who hooks into its loop where: to be read before a run.

use std::fmt;

use super::Learner;
use crate::{callback::Hook, loss::Loss};

/// A learner in words: data, model, loss, optimizer, metrics, callbacks. Made by [`Learner::summary`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary(String);

/// The training loop with each hook's callbacks. Made by [`Learner::training_loop`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingLoop(String);

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TrainingLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A line of the loop: how deep it stands, and what is there.
enum Line {
    Hook(usize, Hook),
    Text(usize, &'static str),
}

/// The loop of `fit`, as it reads.
const LOOP: &[Line] = &[
    Line::Hook(0, Hook::TrainBegin),
    Line::Text(0, "for each epoch:"),
    Line::Hook(1, Hook::EpochBegin),
    Line::Text(1, "for each training batch:"),
    Line::Hook(2, Hook::BatchBegin),
    Line::Text(2, "output = model(input)"),
    Line::Hook(2, Hook::LossBegin),
    Line::Text(2, "loss = loss_func(output, target)"),
    Line::Hook(2, Hook::BackwardBegin),
    Line::Text(2, "loss.backward()"),
    Line::Hook(2, Hook::BackwardEnd),
    Line::Text(2, "opt.step()"),
    Line::Hook(2, Hook::StepEnd),
    Line::Text(2, "opt.zero_grad()"),
    Line::Hook(2, Hook::BatchEnd),
    Line::Hook(1, Hook::ValidateBegin),
    Line::Text(1, "for each validation batch:"),
    Line::Hook(2, Hook::BatchBegin),
    Line::Text(2, "output = model(input)"),
    Line::Hook(2, Hook::LossBegin),
    Line::Text(2, "loss = loss_func(output, target)"),
    Line::Hook(2, Hook::BatchEnd),
    Line::Hook(1, Hook::ValidateEnd),
    Line::Hook(1, Hook::EpochEnd),
    Line::Hook(0, Hook::TrainEnd),
];

impl Learner {
    /// The loop as an indented listing, with each hook's callbacks in the order in which they run, and what they ask for.
    #[must_use]
    pub fn training_loop(&self) -> TrainingLoop {
        let lines = LOOP.iter().map(|line| match line {
            Line::Text(depth, text) => format!("{:indent$}{text}\n", "", indent = 4 * depth),
            Line::Hook(depth, hook) => {
                let callbacks =
                    self.callbacks.listing(*hook).map(|(name, asked)| format!("{name}({})", asked.join(", ")));
                let callbacks = callbacks.collect::<Vec<_>>().join(", ");
                let colon = if callbacks.is_empty() { "" } else { ": " };
                format!("{:indent$}{hook}{colon}{callbacks}\n", "", indent = 4 * depth)
            }
        });
        TrainingLoop(lines.collect::<String>().trim_end().to_owned())
    }

    /// Prints [`training_loop`](Self::training_loop).
    pub fn show_training_loop(&self) {
        println!("{}", self.training_loop());
    }

    /// Data, parameters with their shapes, loss function, optimizer, metrics, callbacks.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let state = &self.state;
        let names: Vec<_> = state.params.iter().map(|(name, _)| name.len()).collect();
        let width = names.into_iter().max().unwrap_or(0);
        let params = state.params.iter().map(|(name, tensor)| {
            let frozen = if tensor.requires_grad() { "" } else { "  frozen" };
            format!("  {name:width$}  {:<18} {:>10}{frozen}\n", format!("{:?}", tensor.size()), tensor.numel())
        });
        let list = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let metrics = list(state.metric_names.iter().map(String::as_str).collect());
        let callbacks = list(self.callbacks.names().collect());
        Summary(format!(
            "data       {}\nparameters {} in {} tensors, on {:?}\n{}loss       {}\noptimizer  {}, lr {}\nmetrics    \
             {metrics}\ncallbacks  {callbacks}\nseed       {}",
            state.data,
            state.params.numel(),
            state.params.len(),
            state.device,
            params.collect::<String>(),
            state.loss_func.name(),
            state.opt.describe(),
            state.opt.hyper().lr,
            self.seed,
        ))
    }
}
