//! The listing of the training loop, to read before a run: which callbacks hook into it where.

use std::fmt;

use super::Learner;
use crate::callback::{Handler, Hook};

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

/// The loop of `fit`, as it reads.
const LOOP: &[Line] = &[
    Line::Hook(0, Hook::TrainBegin),
    Line::Text(0, "for each epoch:"),
    Line::Hook(1, Hook::EpochBegin),
    Line::Text(1, "for each training batch:"),
    Line::Batch(Hook::BatchBegin, true),
    Line::Text(2, "output = model(input)"),
    Line::Batch(Hook::LossBegin, true),
    Line::Text(2, "loss = loss_func(output, target)"),
    Line::Hook(2, Hook::BackwardBegin),
    Line::Text(2, "loss.backward()"),
    Line::Hook(2, Hook::BackwardEnd),
    Line::Text(2, "opt.step()"),
    Line::Hook(2, Hook::StepEnd),
    Line::Text(2, "opt.zero_grad()"),
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
    Line::Hook(1, Hook::ValidateEnd),
    Line::Hook(1, Hook::ValidateEndAlways),
    Line::Hook(1, Hook::EpochEnd),
    Line::Hook(1, Hook::EpochEndAlways),
    Line::Hook(0, Hook::TrainEnd),
];

impl Learner {
    /// Returns the loop as an indented listing. Each hook has its callbacks in the order in which they run, with what they ask for in
    /// parentheses and, if they do not always run, with their filters in brackets. A method whose name is not that of its hook is shown
    /// after the name of the callback: `Watch::log(iteration, smooth_loss?) [train, every 50]`.
    ///
    /// A mark shows what a method does with what it asks for: `last_input!` may be changed, `smooth_loss?` waits for the device, `+grad_norm`
    /// is published, `&mut Recorder` is another callback that may be changed. After the loop come the values that callbacks publish, with
    /// their readers, and pairs of callbacks that change the same value in one hook without an order between them.
    #[must_use]
    pub fn training_loop(&self) -> TrainingLoop {
        let lines = LOOP.iter().map(|line| match line {
            Line::Text(depth, text) => format!("{:indent$}{text}\n", "", indent = 4 * depth),
            Line::Hook(depth, hook) => self.hook_line(*depth, *hook, None),
            Line::Batch(hook, true) => self.hook_line(2, *hook, Some("valid")),
            Line::Batch(hook, false) => self.hook_line(2, *hook, Some("train")),
        });
        let published = self.callbacks.published_and_read();
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

    /// A hook with its callbacks, without those that run only for `not_here`.
    fn hook_line(&self, depth: usize, hook: Hook, not_here: Option<&str>) -> String {
        let is_here = |handler: &Handler| !handler.filters.split(", ").any(|word| Some(word) == not_here);
        let here = self.callbacks.serving(hook).filter(|(_, handler)| is_here(handler));
        let callbacks: Vec<_> = here.map(|(name, handler)| format!("{name}{handler}")).collect();
        if callbacks.is_empty() && hook.is_always() {
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
