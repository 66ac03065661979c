//! What a callback says of itself before the run: its hooks, the names it asks for there, the callbacks it wants beside it.

use std::any::TypeId;

use super::{Callback, Hook};

/// A method that serves a hook: what it asks for there, and when it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The hook.
    pub hook: Hook,
    /// The method's name.
    pub method: &'static str,
    /// The names that it asks for: of its parameters, and in its filters.
    pub names: &'static [&'static str],
    /// Its filters, as written: `train, every 50`; empty where it always runs.
    pub filters: &'static str,
    /// The callbacks that it asks for.
    pub callbacks: &'static [Peer],
}

impl Asked {
    /// A method called as its hook, which always runs.
    #[must_use]
    pub const fn new(hook: Hook, names: &'static [&'static str]) -> Self {
        Self { hook, method: hook.name(), names, filters: "", callbacks: &[] }
    }

    /// With another name of the method.
    #[must_use]
    pub const fn by(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    /// With filters.
    #[must_use]
    pub const fn when(self, filters: &'static str) -> Self {
        Self { filters, ..self }
    }

    /// With callbacks that it asks for.
    #[must_use]
    pub const fn with(self, callbacks: &'static [Peer]) -> Self {
        Self { callbacks, ..self }
    }

    /// Whether it asks for a value of this name, by name or with the whole event.
    pub(crate) fn asks(&self, name: &str) -> bool {
        self.names.iter().any(|asked| *asked == name || *asked == "event")
    }
}

/// The type of a callback, as another one speaks of it.
#[derive(Clone, Copy)]
pub struct Peer {
    id: fn() -> TypeId,
    name: &'static str,
    optional: bool,
}

impl Peer {
    /// A callback that may be there.
    #[must_use]
    pub const fn of<C: Callback>() -> Self {
        Self { id: TypeId::of::<C>, name: C::NAME, optional: true }
    }

    /// A callback that must be there.
    #[must_use]
    pub const fn asked<C: Askable>() -> Self {
        Self { id: TypeId::of::<C>, name: C::NAME, optional: false }
    }

    /// The same, but it may be missing.
    #[must_use]
    pub const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// The type.
    #[must_use]
    pub fn id(&self) -> TypeId {
        (self.id)()
    }

    /// The callback's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the callback may be missing.
    #[must_use]
    pub const fn is_optional(&self) -> bool {
        self.optional
    }
}

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id() && self.optional == other.optional
    }
}

impl Eq for Peer {}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.name, if self.optional { "?" } else { "" })
    }
}

/// What a parameter may ask for by its type: every callback.
#[diagnostic::on_unimplemented(
    message = "this hook has no value of that name, and `{Self}` is not a callback",
    label = "ask for a value by its name, or for a callback by its type"
)]
pub trait Askable: Callback {}

#[diagnostic::do_not_recommend]
impl<C: Callback> Askable for C {}
