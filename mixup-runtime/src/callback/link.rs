//! Links the parameters that ask by type, before a run, to what they ask for: values, callbacks, the model and the optimizer as
//! their own types.

use std::{
    any::{Any, TypeId},
    cell::RefCell,
};

use super::{
    Request,
    dispatch::Entry,
    handler::{Own, What},
    ignored,
    links::{Link, To},
};
use crate::{
    model::AnyModel,
    optim::Optimizer,
    training::{Board, BuildError, Hook, Shared, SmoothLoss, Uses, Value, Values},
};

/// The parts of the learner besides its callbacks.
pub(crate) struct Surroundings<'a> {
    /// The names of the metrics, and whether a smaller number is better.
    pub metrics: &'a [(String, Option<bool>)],
    pub smooth: &'a Shared<SmoothLoss>,
    pub model: &'a dyn AnyModel,
    pub opt: &'a dyn Optimizer,
    pub step: StepParts,
}

/// What callbacks must fit of the training step.
pub(crate) struct StepParts {
    /// Its type, for messages.
    pub name: String,
    pub uses: &'static [Uses],
    /// The values that it and the loss function publish, each with its publisher.
    pub values: Vec<(String, String)>,
}

/// The values, and for each callback and hook the links of its parameters.
pub(super) struct Linked {
    pub board: Board,
    pub links: Vec<Vec<Vec<Link>>>,
}

/// Links the parameters of all callbacks.
///
/// # Errors
/// A [`BuildError`] for a request for something that does not exist, or for a value that can't be published.
pub(super) fn all(entries: &[Entry], around: &Surroundings<'_>) -> Result<Linked, BuildError> {
    let mut board = Board::new(around.smooth, around.metrics);
    publish(entries, &around.step, &mut board)?;
    ignored::check(entries, &around.step)?;
    let mut links = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let mut of_entry = Vec::new();
        for &hook in Hook::ALL {
            let mut of_hook = Vec::new();
            for handler in entry.serves(hook) {
                for request in &handler.requests {
                    let asks = Asks { entries, around, index, hook };
                    let to = asks.to(request, &mut board)?;
                    of_hook.push(Link { method: handler.method, param: request.param, mutable: request.mutable, to });
                }
            }
            of_entry.push(of_hook);
        }
        links.push(of_entry);
    }
    Ok(Linked { board, links })
}

/// Adds the values that callbacks publish.
fn publish(entries: &[Entry], step: &StepParts, board: &mut Board) -> Result<(), BuildError> {
    let mut publishers: Vec<(&str, &str)> = Vec::new();
    for (name, by) in &step.values {
        let taken =
            if is_of_hooks(name) { Some("a name that hooks have") } else { board.index(name).map(|_| "a value") };
        if let Some(what) = taken {
            return Err(BuildError::ValueTaken { name: name.clone(), by: by.clone(), what });
        }
        publishers.push((name, by));
        board.add(Value::published(name));
    }
    for entry in entries {
        for &hook in Hook::ALL {
            for name in entry.requests(hook).flat_map(Request::published) {
                let by = || entry.name.to_string();
                if hook == Hook::TrainEnd {
                    return Err(BuildError::PublishedTooLate { name: name.clone(), by: by() });
                }
                if is_of_hooks(name) {
                    return Err(BuildError::ValueTaken {
                        name: name.clone(),
                        by: by(),
                        what: "a name that hooks have",
                    });
                }
                match publishers.iter().find(|(published, _)| published == name) {
                    Some((_, first)) if *first == &*entry.name => {}
                    Some((_, first)) => {
                        let first = (*first).to_owned();
                        return Err(BuildError::ValueTwice { name: name.clone(), first, second: by() });
                    }
                    None if board.index(name).is_some() => {
                        return Err(BuildError::ValueTaken { name: name.clone(), by: by(), what: "a metric" });
                    }
                    None => {
                        publishers.push((name, &entry.name));
                        board.add(Value::published(name));
                    }
                }
            }
        }
    }
    Ok(())
}

fn is_of_hooks(name: &str) -> bool {
    Hook::ALL.iter().any(|hook| hook.names().contains(&name))
}

/// A callback in a hook that asks for something.
struct Asks<'a> {
    entries: &'a [Entry],
    around: &'a Surroundings<'a>,
    index: usize,
    hook: Hook,
}

impl Asks<'_> {
    fn by(&self) -> String {
        self.entries[self.index].name.to_string()
    }

    /// The target of a request.
    fn to(&self, request: &Request, board: &mut Board) -> Result<To, BuildError> {
        match &request.what {
            What::Value(name) => match board.index(name) {
                Some(value) => Ok(To::Value(value)),
                None if request.optional => Ok(To::Nothing),
                None => Err(self.no_value(name, board)),
            },
            What::Values(None) => {
                Err(BuildError::NoNames { by: self.by(), hook: self.hook, param: request.param.to_owned() })
            }
            What::Values(Some(names)) => {
                let missing = names.iter().find(|name| board.index(name).is_none());
                if let Some(name) = missing {
                    return Err(self.no_value(name, board));
                }
                let chosen =
                    names.iter().filter_map(|name| board.index(name)).map(|value| board.values[value].borrow());
                let several = Values::of(chosen.collect::<Vec<_>>().iter().map(|value| &**value));
                board.several.push(RefCell::new(several));
                Ok(To::Values(board.several.len() - 1))
            }
            What::Callback { ty, instance } => {
                let is_it = |(other, entry): &(usize, &Entry)| {
                    let named = instance.as_ref().is_none_or(|name| **name == *entry.name);
                    *other != self.index && entry.type_id == ty.id() && named
                };
                match self.entries.iter().enumerate().find(is_it) {
                    Some((found, _)) => Ok(To::Callback(found)),
                    None if request.optional => Ok(To::Nothing),
                    None => Err(BuildError::MissingCallback {
                        by: self.by(),
                        hook: self.hook,
                        wanted: ty.name().to_owned(),
                        named: instance.clone(),
                    }),
                }
            }
            What::Model(own) => {
                self.is("model", own, (self.around.model as &dyn Any).type_id(), self.around.model.type_name())
            }
            What::Output { ty, name } => {
                let got = self.around.model.output_type();
                self.fits("output", ty.takes(got), name, || got.name())
            }
            What::Optimizer(own) => {
                self.is("optimizer", own, (self.around.opt as &dyn Any).type_id(), self.around.opt.type_name())
            }
        }
    }

    fn no_value(&self, name: &str, board: &Board) -> BuildError {
        BuildError::NoValue { by: self.by(), hook: self.hook, name: name.to_owned(), known: board.names() }
    }

    /// Checks that the model or the optimizer is of the type as which it is asked for.
    fn is(&self, what: &'static str, own: &Own, id: TypeId, name: String) -> Result<To, BuildError> {
        self.fits(what, own.id == id, &own.name, || name)
    }

    fn fits(
        &self,
        what: &'static str,
        fits: bool,
        wanted: &str,
        got: impl FnOnce() -> String,
    ) -> Result<To, BuildError> {
        if fits {
            return Ok(To::Nothing);
        }
        Err(BuildError::OtherType { what, by: self.by(), hook: self.hook, wanted: wanted.to_owned(), got: got() })
    }
}
