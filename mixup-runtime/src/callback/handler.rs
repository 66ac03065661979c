//! What a callback declares before the run: its hooks, and what it asks for in each of them.

use std::{any::TypeId, fmt};

use super::{Callback, links::Requested};
use crate::{
    batch::{Output, OutputType},
    model::Model,
    optim::Optimizer,
    training::{Hook, Values},
};

/// Declares a method that serves a hook: what it asks for there, and when it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handler {
    /// The hook.
    pub hook: Hook,
    /// The method's name.
    pub method: &'static str,
    /// The names of the table of hooks that it asks for, in its parameters and filters.
    pub names: &'static [&'static str],
    /// Those of these values that it may change.
    pub changes: &'static [&'static str],
    /// Its filters, as written: `train, every 50`; empty if it always runs.
    pub filters: &'static str,
    /// Its other requests: values, other callbacks, the model as its own type.
    pub requests: Vec<Request>,
}

impl Handler {
    /// Declares a method with the name of its hook that asks for nothing and always runs.
    #[must_use]
    pub const fn new(hook: Hook) -> Self {
        Self { hook, method: hook.name(), names: &[], changes: &[], filters: "", requests: Vec::new() }
    }

    /// Sets the name of the method.
    #[must_use]
    pub fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    /// Sets the names of the table that it asks for.
    #[must_use]
    pub fn names(self, names: &'static [&'static str]) -> Self {
        Self { names, ..self }
    }

    /// Sets which of these values it may change.
    #[must_use]
    pub fn changes(self, changes: &'static [&'static str]) -> Self {
        Self { changes, ..self }
    }

    /// Sets the filters.
    #[must_use]
    pub fn filters(self, filters: &'static str) -> Self {
        Self { filters, ..self }
    }

    /// Sets its other requests.
    #[must_use]
    pub fn requests(self, requests: impl IntoIterator<Item = Request>) -> Self {
        Self { requests: requests.into_iter().collect(), ..self }
    }

    /// Whether it may change a value of the table, by name or as part of the whole event.
    pub(crate) fn may_change(&self, name: &str) -> bool {
        self.changes.contains(&name) || self.names.contains(&"event")
    }

    /// Whether its filters have `train`, or `valid`.
    pub(crate) fn runs_only_for(&self, flag: &str) -> bool {
        // The flags come before the filters that have values.
        let mut flags = self.filters.split(", ").take_while(|word| !word.contains(' '));
        flags.any(|word| word == flag)
    }

    /// Whether it asks for a value of the table, by name or as part of the whole event.
    pub(crate) fn asks(&self, name: &str) -> bool {
        self.names.iter().any(|asked| *asked == name || *asked == "event")
    }
}

/// Shows the method as listings do after the callback's name: `::log(iteration, smooth_loss?, last_input!, +grad_norm) [train, every 50]`.
impl fmt::Display for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hook, method, names, changes, filters, requests } = self;
        if *method != hook.name() {
            write!(f, "::{method}")?;
        }
        let of_table = names.iter().map(|name| {
            let mark = if changes.contains(name) {
                "!"
            } else if hook.deferred().contains(name) {
                "?"
            } else {
                ""
            };
            format!("{name}{mark}")
        });
        let asked: Vec<_> = of_table.chain(requests.iter().map(ToString::to_string)).collect();
        write!(f, "({})", asked.join(", "))?;
        if filters.is_empty() { Ok(()) } else { write!(f, " [{filters}]") }
    }
}

/// Shows the request as listings do: `+grad_norm`, `accuracy?`, `&mut Recorder`.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<_> = self
            .values()
            .iter()
            .map(|name| if self.mutable { format!("+{name}") } else { format!("{name}?") })
            .collect();
        let reference = if self.mutable { "&mut " } else { "&" };
        match &self.what {
            What::Value(_) | What::Values(_) => f.write_str(&values.join(", ")),
            What::Callback { ty, instance: Some(name) } => write!(f, "{reference}{} `{name}`", ty.name()),
            What::Callback { ty, instance: None } => write!(f, "{reference}{}", ty.name()),
            What::Model(Own { name, .. }) | What::Optimizer(Own { name, .. }) | What::Output { name, .. } => {
                write!(f, "{}: {reference}{name}", self.param)
            }
        }
    }
}

/// A request for something by its type: a value, several values, another callback, the model or the optimizer as its own type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(crate) param: &'static str,
    pub(crate) what: What,
    pub(crate) mutable: bool,
    pub(crate) optional: bool,
}

/// What a [`Request`] is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A value by name.
    Value(String),
    /// Several values by name; `None` if no names were chosen.
    Values(Option<Vec<String>>),
    /// A callback of a type: the first one, or the one of this name.
    Callback { ty: Peer, instance: Option<String> },
    /// The model, as this type.
    Model(Own),
    /// The optimizer, as this type.
    Optimizer(Own),
    /// The model's output, as this type.
    Output { ty: OutputType, name: String },
}

/// A type as which the model or the optimizer is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    pub(crate) id: TypeId,
    pub(crate) name: String,
}

impl Own {
    fn of<T: 'static>(name: &str) -> Self {
        Self { id: TypeId::of::<T>(), name: name.to_owned() }
    }
}

impl Request {
    /// Asks for a value or a callback to read: `name: &T`.
    #[must_use]
    pub fn shared<T: Requested>(param: &'static str) -> Self {
        Self::new(param, T::what(param), false)
    }

    /// Asks for a value to publish, or for a callback to change: `name: &mut T`.
    #[must_use]
    pub fn exclusive<T: Requested>(param: &'static str) -> Self {
        Self::new(param, T::what(param), true)
    }

    /// The request that generated code declares.
    #[doc(hidden)]
    #[must_use]
    pub fn new(param: &'static str, what: What, mutable: bool) -> Self {
        Self { param, what, mutable, optional: false }
    }

    /// Asks for the model as its own type: `model: &T`. `ty` is the type as messages show it.
    #[must_use]
    pub fn model<T: Model>(ty: &str) -> Self {
        Self { param: "model", what: What::Model(Own::of::<T>(ty)), mutable: false, optional: false }
    }

    /// Asks for the optimizer as its own type: `opt: &T`. `ty` is the type as messages show it.
    #[must_use]
    pub fn optimizer<T: Optimizer>(ty: &str) -> Self {
        Self { param: "opt", what: What::Optimizer(Own::of::<T>(ty)), mutable: false, optional: false }
    }

    /// `last_output: &T`, with the type as messages show it.
    #[must_use]
    pub fn last_output<T: Output>(ty: &str) -> Self {
        let what = What::Output { ty: OutputType::of::<T>(), name: ty.to_owned() };
        Self { param: "last_output", what, mutable: false, optional: false }
    }

    /// Uses a name instead of that of the parameter: `#[name = …]`.
    #[must_use]
    pub fn named(mut self, name: &(impl AsRef<str> + ?Sized)) -> Self {
        let name = name.as_ref().to_owned();
        match &mut self.what {
            What::Value(value) => *value = name,
            What::Callback { instance, .. } => *instance = Some(name),
            What::Values(names) => *names = Some(vec![name]),
            What::Model(_) | What::Optimizer(_) | What::Output { .. } => {}
        }
        self
    }

    /// Chooses the names of several values: `#[names = …]`.
    #[must_use]
    pub fn of_names<T: Several>(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.what = What::Values(Some(names.into_iter().map(Into::into).collect()));
        self
    }

    /// Makes the request optional.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// The names of the values that it publishes.
    pub(crate) fn published(&self) -> &[String] {
        if self.mutable { self.values() } else { &[] }
    }

    /// The names of the values that it reads.
    pub(crate) fn read(&self) -> &[String] {
        if self.mutable { &[] } else { self.values() }
    }

    fn values(&self) -> &[String] {
        match &self.what {
            What::Value(name) => std::slice::from_ref(name),
            What::Values(Some(names)) => names,
            _ => &[],
        }
    }
}

/// The type that `#[names = …]` can choose names for.
#[diagnostic::on_unimplemented(
    message = "`#[names = …]` chooses several values, and `{Self}` is not `Values`",
    label = "write `&Values` or `&mut Values`, or `#[name = …]` to choose one"
)]
pub trait Several {}

impl Several for Values {}

/// The type of a callback, by which another one refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    id: TypeId,
    name: &'static str,
}

impl Peer {
    /// The `Peer` for a type of callback.
    #[must_use]
    pub fn of<C: Callback>() -> Self {
        Self { id: TypeId::of::<C>(), name: C::NAME }
    }

    /// The id of the type.
    #[must_use]
    pub fn id(&self) -> TypeId {
        self.id
    }

    /// The name of callbacks of this type, unless they were given one.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// The list that generated code returns from `handlers`, `before` and `after`.
#[doc(hidden)]
pub fn list<T, const N: usize>(items: [T; N]) -> Vec<T> {
    items.into()
}
