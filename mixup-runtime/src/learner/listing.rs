//! The listing of the training loop, to read before a run: which callbacks hook into it where.

use std::fmt;

use super::{Learner, step::Supervised};
use crate::{
    callback::{Handler, Hook},
    training::Uses,
};

/// The training loop with each hook's callbacks. Returned by [`Learner::training_loop`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingLoop(String);

impl fmt::Display for TrainingLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A line of the loop, with its indentation.
enum Line {
    Hook(usize, Hook),
    /// A hook that runs for training batches and validation batches, and whether this line is for training.
    Batch(Hook, bool),
    Text(usize, &'static str),
}

/// The loop of `fit` up to the training step, as it reads.
const BEFORE: &[Line] = &[
    Line::Hook(0, Hook::TrainBegin),
    Line::Text(0, "for each epoch:"),
    Line::Hook(1, Hook::EpochBegin),
    Line::Text(1, "for each training batch:"),
    Line::Batch(Hook::BatchBegin, true),
];

/// The learner's own step.
const STEP: &[Line] = &[
    Line::Text(2, "output = model(input)"),
    Line::Batch(Hook::LossBegin, true),
    Line::Text(2, "loss = loss_func(output, target)"),
    Line::Hook(2, Hook::BackwardBegin),
    Line::Text(2, "loss.backward()"),
    Line::Hook(2, Hook::BackwardEnd),
    Line::Text(2, "opt.step()"),
    Line::Hook(2, Hook::StepEnd),
    Line::Text(2, "opt.zero_grad()"),
];

/// What happens in a step of the user's for each loss.
const OPTIMIZE: &[Line] = &[
    Line::Text(3, "for each loss that it optimizes:"),
    Line::Hook(4, Hook::BackwardBegin),
    Line::Text(4, "loss.backward()"),
    Line::Hook(4, Hook::BackwardEnd),
    Line::Text(4, "opt.step()"),
    Line::Hook(4, Hook::StepEnd),
    Line::Text(4, "opt.zero_grad()"),
];

/// The loop after the training step.
const AFTER: &[Line] = &[
    Line::Batch(Hook::BatchEnd, true),
    Line::Batch(Hook::BatchEndAlways, true),
    Line::Hook(1, Hook::ValidateBegin),
    Line::Text(1, "for each validation batch:"),
    Line::Batch(Hook::BatchBegin, false),
    Line::Text(2, "output = model(input)"),
    Line::Batch(Hook::LossBegin, false),
    Line::Text(2, "loss = loss_func(output, target)"),
    Line::Batch(Hook::BatchEnd, false),
    Line::Batch(Hook::BatchEndAlways, false),
    Line::Hook(1, Hook::ValidateTally),
    Line::Hook(1, Hook::ValidateEnd),
    Line::Hook(1, Hook::ValidateEndAlways),
    Line::Hook(1, Hook::EpochEnd),
    Line::Hook(1, Hook::EpochEndAlways),
    Line::Hook(0, Hook::TrainEnd),
];

/// The loop of predictions, as it reads.
const PREDICTIONS: &[Line] = &[
    Line::Hook(0, Hook::PredictBegin),
    Line::Text(0, "for each batch of predictions:"),
    Line::Hook(1, Hook::PredictBatchBegin),
    Line::Text(1, "output = model(input)"),
    Line::Hook(1, Hook::PredictBatchEnd),
    Line::Hook(1, Hook::PredictBatchEndAlways),
    Line::Hook(0, Hook::PredictEnd),
    Line::Hook(0, Hook::PredictEndAlways),
];

impl Learner {
    /// Returns the loop as an indented listing. Each hook has its callbacks in the order in which they run, with what they ask
    /// for in parentheses and, if they do not always run, with their filters in brackets. A method whose name is not that of its
    /// hook is shown after the name of the callback: `Watch::log(iteration, smooth_loss?) [train, every 50]`.
    ///
    /// A mark shows what a method does with what it asks for: `last_input!` may be changed, `smooth_loss?` waits for the device,
    /// `+grad_norm` is published, `&mut Recorder` is another callback that may be changed. After the loop come that of
    /// predictions, if a callback has a hook in it, then the values that callbacks publish, with their readers, and pairs of
    /// callbacks that change the same value in one hook without an order between them.
    #[must_use]
    pub fn training_loop(&self) -> TrainingLoop {
        let step = self.step.type_name();
        let of_step = if self.step_as::<Supervised>().is_some() {
            self.lines(STEP)
        } else {
            let title = format!("{:indent$}the step of {step}:\n", "", indent = 4 * 2);
            let forward =
                self.step.uses().contains(&Uses::Output).then(|| self.hook_line(3, Hook::LossBegin, Some("valid")));
            [title, forward.unwrap_or_default(), self.lines(OPTIMIZE)].concat()
        };
        let predicts =
            |line: &Line| matches!(line, Line::Hook(_, hook) if self.callbacks.serving(*hook).next().is_some());
        let predictions = if PREDICTIONS.iter().any(predicts) { self.lines(PREDICTIONS) } else { String::new() };
        let lines = [self.lines(BEFORE), of_step, self.lines(AFTER), predictions].into_iter();
        let (loss, parts) = (self.state.loss_func.name(), &self.state.loss_parts);
        let of_loss_or_step = |name: &str| if parts.iter().any(|part| part == name) { &*loss } else { &*step };
        let published = self.callbacks.published_and_read(of_loss_or_step);
        let published = published.map(|(name, by, readers)| {
            let readers = if readers.is_empty() {
                "read by nobody".to_owned()
            } else {
                format!("read by {}", readers.join(", "))
            };
            format!("{name}: published by {by}, {readers}\n")
        });
        let unordered = self.callbacks.unordered().into_iter().map(|pair| format!("{pair}\n"));
        let text = lines.chain(published).chain(unordered).collect::<String>();
        TrainingLoop(text.trim_end().to_owned())
    }

    fn lines(&self, lines: &[Line]) -> String {
        let text = |line: &Line| match line {
            Line::Text(depth, text) => format!("{:indent$}{text}\n", "", indent = 4 * depth),
            Line::Hook(depth, hook) => self.hook_line(*depth, *hook, None),
            Line::Batch(hook, true) => self.hook_line(2, *hook, Some("valid")),
            Line::Batch(hook, false) => self.hook_line(2, *hook, Some("train")),
        };
        lines.iter().map(text).collect()
    }

    /// A hook with its callbacks, without those that run only for `not_here`.
    fn hook_line(&self, depth: usize, hook: Hook, not_here: Option<&str>) -> String {
        let is_here = |handler: &Handler| !not_here.is_some_and(|flag| handler.runs_only_for(flag));
        let here = self.callbacks.serving(hook).filter(|(_, handler)| is_here(handler));
        let callbacks: Vec<_> = here.map(|(name, handler)| format!("{name}{handler}")).collect();
        // Few callbacks have these.
        if callbacks.is_empty() && (hook.is_always() || hook == Hook::ValidateTally) {
            return String::new();
        }
        let colon = if callbacks.is_empty() { "" } else { ": " };
        format!("{:indent$}{hook}{colon}{}\n", "", callbacks.join(", "), indent = 4 * depth)
    }

    /// Prints [`training_loop`](Self::training_loop).
    pub fn show_training_loop(&self) {
        println!("{}", self.training_loop());
    }
}
