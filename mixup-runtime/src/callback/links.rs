//! Gets what a parameter asks for by its type: a value, several values, another callback. Each is borrowed for one call.

use std::{
    any::Any,
    cell::{Ref, RefCell, RefMut},
};

use super::{
    AnyCallback, Callback,
    dispatch::Entry,
    handler::{Peer, What},
};
use crate::{
    error::BoxError,
    training::{Board, Value, Values},
};

/// The links of a callback's parameters in a hook.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "callbacks need not have it")]
pub struct Links<'a> {
    entries: &'a [Entry],
    board: &'a Board,
    linked: &'a [Link],
}

/// The link of one parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub method: &'static str,
    pub param: &'static str,
    pub mutable: bool,
    pub to: To,
}

/// The target of a request, by its index in the learner's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    Callback(usize),
    Value(usize),
    Values(usize),
    /// The request is optional and has no target.
    Nothing,
}

/// [`Requested::shared`] of a type.
type Shared<'a, T> = fn(&Links<'a>, To) -> Option<Ref<'a, T>>;

/// [`Requested::exclusive`] of a type.
type Exclusive<'a, T> = fn(&Links<'a>, To) -> Option<RefMut<'a, T>>;

impl<'a> Links<'a> {
    pub(crate) fn new(entries: &'a [Entry], board: &'a Board, linked: &'a [Link]) -> Self {
        Self { entries, board, linked }
    }

    fn to(&self, method: &str, param: &str) -> To {
        let link = self.linked.iter().find(|link| link.param == param && link.method == method);
        link.map_or(To::Nothing, |link| link.to)
    }

    /// `name: &T`
    #[doc(hidden)]
    pub fn shared<T>(&self, method: &str, param: &str, borrow: Shared<'a, T>) -> Result<Ref<'a, T>, BoxError> {
        borrow(self, self.to(method, param)).ok_or_else(|| unavailable(param))
    }

    /// `name: &mut T`
    #[doc(hidden)]
    pub fn exclusive<T>(&self, method: &str, param: &str, borrow: Exclusive<'a, T>) -> Result<RefMut<'a, T>, BoxError> {
        borrow(self, self.to(method, param)).ok_or_else(|| unavailable(param))
    }

    /// `name: Option<&T>`
    #[doc(hidden)]
    pub fn shared_if_any<T>(
        &self,
        method: &str,
        param: &str,
        borrow: Shared<'a, T>,
    ) -> Result<Option<Ref<'a, T>>, BoxError> {
        match self.to(method, param) {
            To::Nothing => Ok(None),
            to => borrow(self, to).ok_or_else(|| unavailable(param)).map(Some),
        }
    }

    /// `name: Option<&mut T>`
    #[doc(hidden)]
    pub fn exclusive_if_any<T>(
        &self,
        method: &str,
        param: &str,
        borrow: Exclusive<'a, T>,
    ) -> Result<Option<RefMut<'a, T>>, BoxError> {
        match self.to(method, param) {
            To::Nothing => Ok(None),
            to => borrow(self, to).ok_or_else(|| unavailable(param)).map(Some),
        }
    }

    /// Returns a value that this callback has declared to read here.
    pub(crate) fn value(&self, name: &str) -> Result<Ref<'a, Value>, BoxError> {
        let found = self.linked.iter().find_map(|link| match link.to {
            To::Value(index) if !link.mutable => {
                self.board.values.get(index)?.try_borrow().ok().filter(|value| value.name() == name)
            }
            _ => None,
        });
        found.ok_or_else(|| format!("this callback has not declared that it reads `{name}` here: add `Request::shared::<Value>` to its handler").into())
    }

    /// Returns a value that this callback has declared to publish here.
    pub(crate) fn publish(&self, name: &str) -> Result<RefMut<'a, Value>, BoxError> {
        let found = self.linked.iter().find_map(|link| match link.to {
            To::Value(index) if link.mutable => {
                self.board.values.get(index)?.try_borrow_mut().ok().filter(|value| value.name() == name)
            }
            _ => None,
        });
        found.ok_or_else(|| {
            format!("this callback has not declared that it publishes `{name}` here: add `Request::exclusive::<Value>` to its handler").into()
        })
    }

    /// Returns the first callback of a type.
    pub(crate) fn get<C: Callback>(&self) -> Option<Ref<'a, C>> {
        self.entries.iter().find_map(|entry| shared(&entry.callback))
    }

    /// Returns the first callback of a type, mutably.
    pub(crate) fn get_mut<C: Callback>(&self) -> Option<RefMut<'a, C>> {
        self.entries.iter().find_map(|entry| exclusive(&entry.callback))
    }
}

fn shared<C: Callback>(cell: &RefCell<Box<dyn AnyCallback>>) -> Option<Ref<'_, C>> {
    Ref::filter_map(cell.try_borrow().ok()?, |callback| (&**callback as &dyn Any).downcast_ref()).ok()
}

fn exclusive<C: Callback>(cell: &RefCell<Box<dyn AnyCallback>>) -> Option<RefMut<'_, C>> {
    RefMut::filter_map(cell.try_borrow_mut().ok()?, |callback| (&mut **callback as &mut dyn Any).downcast_mut()).ok()
}

/// The error for two parameters of one method that refer to the same callback or value, one of them as `&mut`.
fn unavailable(param: &str) -> BoxError {
    format!("`{param}` is the same as another parameter of this method, and one of the two is `&mut`: keep one of them")
        .into()
}

/// A type that a parameter can ask for if its name is not in the table: a [`Value`], [`Values`], or any callback.
#[diagnostic::on_unimplemented(
    message = "this hook has no value of that name, and `{Self}` is not a callback",
    label = "ask for a value by its name, for a published value as `&Value`, or for a callback by its type"
)]
pub trait Requested: Sized + 'static {
    #[doc(hidden)]
    fn what(param: &str) -> What;
    #[doc(hidden)]
    fn shared<'a>(links: &Links<'a>, to: To) -> Option<Ref<'a, Self>>;
    #[doc(hidden)]
    fn exclusive<'a>(links: &Links<'a>, to: To) -> Option<RefMut<'a, Self>>;
}

impl Requested for Value {
    fn what(param: &str) -> What {
        What::Value(param.to_owned())
    }

    fn shared<'a>(links: &Links<'a>, to: To) -> Option<Ref<'a, Self>> {
        let To::Value(index) = to else { return None };
        links.board.values.get(index)?.try_borrow().ok()
    }

    fn exclusive<'a>(links: &Links<'a>, to: To) -> Option<RefMut<'a, Self>> {
        let To::Value(index) = to else { return None };
        links.board.values.get(index)?.try_borrow_mut().ok()
    }
}

impl Requested for Values {
    fn what(_: &str) -> What {
        What::Values(None)
    }

    fn shared<'a>(links: &Links<'a>, to: To) -> Option<Ref<'a, Self>> {
        let To::Values(index) = to else { return None };
        links.board.several.get(index)?.try_borrow().ok()
    }

    fn exclusive<'a>(links: &Links<'a>, to: To) -> Option<RefMut<'a, Self>> {
        let To::Values(index) = to else { return None };
        links.board.several.get(index)?.try_borrow_mut().ok()
    }
}

#[diagnostic::do_not_recommend]
impl<C: Callback> Requested for C {
    fn what(_: &str) -> What {
        What::Callback { ty: Peer::of::<C>(), instance: None }
    }

    fn shared<'a>(links: &Links<'a>, to: To) -> Option<Ref<'a, Self>> {
        let To::Callback(index) = to else { return None };
        shared(&links.entries.get(index)?.callback)
    }

    fn exclusive<'a>(links: &Links<'a>, to: To) -> Option<RefMut<'a, Self>> {
        let To::Callback(index) = to else { return None };
        exclusive(&links.entries.get(index)?.callback)
    }
}
