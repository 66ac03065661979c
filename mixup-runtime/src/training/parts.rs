//! The parts of the parameters that have optimizers of their own, each with its gradients.

use std::mem;

use tch::Tensor;

use crate::model::{DEFAULT_GROUP, Gradients, GroupError, Params};

/// The parameters of one optimizer.
#[derive(Debug)]
pub(crate) struct Part {
    /// The name of the optimizer.
    name: String,
    /// The value under which its loss is published.
    loss: String,
    params: Params,
    gradients: Gradients,
    /// The parameters of all other optimizers.
    others: Vec<Tensor>,
}

/// The parts of a learner with several optimizers; empty if there is one optimizer.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    all: Vec<Part>,
    /// The part whose loss is being optimized. Its gradients have changed places with those of all parameters.
    chosen: Option<usize>,
}

impl Parts {
    /// The parts of these optimizers, by name, each with the groups that it has.
    pub(crate) fn new(params: &Params, optimizers: &[(&str, Vec<&str>)]) -> Result<Self, GroupError> {
        let part = |(name, groups): &(&str, Vec<&str>)| {
            let own = params.only(groups)?;
            let is_other = |name: &str| own.iter().all(|(own, _)| own != name);
            let others = params.iter().filter(|(name, _)| is_other(name)).map(|(_, tensor)| tensor.shallow_clone());
            let others = others.collect();
            let (name, loss) = ((*name).to_owned(), format!("{name}_loss"));
            Ok(Part { name, loss, gradients: own.gradients(), params: own, others })
        };
        Ok(Self { all: optimizers.iter().map(part).collect::<Result<_, _>>()?, chosen: None })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|part| part.name.as_str())
    }

    /// The index of an optimizer's part; `None` for the only optimizer, `default`. The error is the names that there are.
    pub(crate) fn place(&self, name: &str) -> Result<Option<usize>, Vec<String>> {
        if self.all.is_empty() && name == DEFAULT_GROUP {
            return Ok(None);
        }
        let place = self.names().position(|part| part == name);
        let names = || {
            if self.all.is_empty() { vec![DEFAULT_GROUP.to_owned()] } else { self.names().map(str::to_owned).collect() }
        };
        place.map(Some).ok_or_else(names)
    }

    /// The value under which the loss of a part is published.
    pub(crate) fn loss_of(&self, part: Option<usize>) -> Option<&str> {
        self.all.get(part?).map(|part| part.loss.as_str())
    }

    /// The values under which the losses are published.
    pub(crate) fn losses(&self) -> Vec<String> {
        self.all.iter().map(|part| part.loss.clone()).collect()
    }

    /// Lets hooks see the gradients of one part; of all parameters again with `None`.
    pub(crate) fn choose(&mut self, part: Option<usize>, gradients: &mut Gradients) {
        for index in [self.chosen.take(), part].into_iter().flatten() {
            if let Some(part) = self.all.get_mut(index) {
                mem::swap(&mut part.gradients, gradients);
            }
        }
        self.chosen = part;
    }

    /// The parameters of the loss that is being optimized: those of the chosen part, or `all`.
    pub(crate) fn chosen<'a>(&'a self, all: &'a Params) -> &'a Params {
        self.chosen_part().map_or(all, |part| &part.params)
    }

    fn chosen_part(&self) -> Option<&Part> {
        self.all.get(self.chosen?)
    }

    /// The parameters of each optimizer that takes a step for the loss that is being optimized.
    pub(crate) fn stepped<'a>(&'a self, all: &'a Params) -> impl Iterator<Item = &'a Params> {
        let several = self.chosen.is_none().then_some(&self.all).filter(|parts| !parts.is_empty());
        let one = several.is_none().then(|| self.chosen(all));
        several.into_iter().flatten().map(|part| &part.params).chain(one)
    }

    /// Keeps gradients from the parameters of all other parts, until the result is dropped.
    pub(crate) fn without_others(&self) -> Withheld {
        let others = self.chosen_part().into_iter().flat_map(|part| &part.others);
        Withheld::new(others)
    }
}

/// Parameters that get no gradients while this lives.
pub(crate) struct Withheld(Vec<Tensor>);

impl Withheld {
    fn new<'a>(params: impl Iterator<Item = &'a Tensor>) -> Self {
        // The graph exists already. libtorch drops a gradient that reaches a parameter that no longer requires one.
        let trained = params.filter(|param| param.requires_grad());
        Self(trained.filter_map(|param| param.f_set_requires_grad(false).ok()).collect())
    }
}

impl Drop for Withheld {
    fn drop(&mut self) {
        for param in &self.0 {
            let _ = param.f_set_requires_grad(true); // true is never rejected
        }
    }
}
