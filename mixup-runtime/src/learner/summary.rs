//! The summary of what a learner consists of, to read before a run.

use std::fmt;

use super::{Learner, step::Supervised};
use crate::{
    model::{Param, Params},
    optim::{Hyper, Hypers},
};

/// A learner in words: data, model, loss, optimizer, metrics, callbacks. Returned by [`Learner::summary`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary(String);

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Learner {
    /// Describes the learner: data, parameters with their shapes, loss function, optimizer, groups of parameters, a training step of your own, metrics,
    /// callbacks.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let state = &self.state;
        let list = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let metrics = list(state.metric_names.iter().map(String::as_str).collect());
        let descriptions: Vec<_> = self.callbacks.descriptions().collect();
        let callbacks = list(descriptions.iter().map(String::as_str).collect());
        let own = self.step_as::<Supervised>().is_none();
        let step = if own { format!("\nstep       {}", self.step.type_name()) } else { String::new() };
        Summary(format!(
            "data       {}\nparameters {} in {} tensors, on {:?}\n{}loss       {}\noptimizer  {}{}{step}\nmetrics    \
             {metrics}\ncallbacks  {callbacks}\nseed       {}",
            state.data,
            state.params.numel(),
            state.params.len(),
            state.device,
            parameters(&state.params),
            state.loss_func.name(),
            state.opt.describe(),
            rates(&state.params, state.opt.hypers()),
            state.life.seed,
        ))
    }
}

fn longest<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(str::len).max().unwrap_or(0)
}

/// A line for each parameter: its shape, its number of elements, and its group if there are several.
fn parameters(params: &Params) -> String {
    let name = longest(params.iter().map(|(name, _)| name));
    let group = longest(params.groups().iter().map(String::as_str));
    let line = |param: &Param| {
        let shape = format!("{:?}", param.tensor().size());
        let several = params.groups().len() > 1;
        let in_group = params.groups().get(param.group()).filter(|_| several);
        let in_group = in_group.map_or_else(String::new, |name| format!("  {name:group$}"));
        let decay = if param.decays() { "" } else { "  no decay" };
        let frozen = if param.is_frozen() { "  frozen" } else { "" };
        let line = format!("  {:name$}  {shape:<18} {:>10}{in_group}", param.name(), param.tensor().numel());
        format!("{}\n", format!("{line}{decay}{frozen}").trim_end())
    };
    params.as_slice().iter().map(line).collect()
}

/// The learning rate, or a line for each group if there are several.
fn rates(params: &Params, hypers: &Hypers) -> String {
    if params.groups().len() == 1 {
        return format!(", lr {}", hypers.last().lr);
    }
    let width = longest(params.groups().iter().map(String::as_str));
    let line = |(place, (name, hyper)): (usize, (&str, &Hyper))| {
        let members: Vec<_> = params.as_slice().iter().filter(|param| param.group() == place).collect();
        let title = if place == 0 { "groups     " } else { "           " };
        format!("\n{title}{name:width$}  {}", group(&members, hyper, hypers.last()))
    };
    hypers.iter().enumerate().map(line).collect()
}

/// A group's size and rate, those settings that differ from the optimizer's description, and whether the group is frozen.
fn group(members: &[&Param], hyper: &Hyper, described: &Hyper) -> String {
    let numel = members.iter().map(|param| param.tensor().numel()).sum::<usize>();
    let mut words = vec![format!("{numel} in {} tensors, lr {}", members.len(), hyper.lr)];
    let settings = [
        ("momentum", hyper.momentum, described.momentum),
        ("weight decay", hyper.weight_decay, described.weight_decay),
    ];
    let other = settings.into_iter().filter(|(_, value, described)| value.to_bits() != described.to_bits());
    words.extend(other.map(|(name, value, _)| format!("{name} {value}")));
    match members.iter().filter(|param| param.is_frozen()).count() {
        0 => {}
        all if all == members.len() => words.push("frozen".to_owned()),
        some => words.push(format!("{some} of them frozen")),
    }
    words.join(", ")
}
