//! The learner's callbacks: who runs at which hook, in which order, and what their answers come to.

use std::any::Any;

use super::{AnyCallback, Callback, Flow, Hook};
use crate::{
    error::{Error, Where},
    learner::State,
    loss::LossFunc,
};

/// What the callbacks of a hook decided, and who did.
#[derive(Debug)]
pub(crate) struct Decision {
    pub flow: Flow,
    pub hook: Hook,
    pub by: &'static str,
}

/// All callbacks of a learner, in their order.
#[derive(Default)]
pub(crate) struct Callbacks {
    list: Vec<Box<dyn AnyCallback>>,
    /// For each hook, whom it has, in the order in which they run: a hook that nobody has costs nothing.
    by_hook: Vec<Vec<usize>>,
    /// For each hook, the names that anybody asks for.
    asked: Vec<Vec<&'static str>>,
    /// For each that `on_train_begin` has reached, the loss function from before: these get their `on_train_end`, and the
    /// one before them finds the loss function as it left it, also where this one does not give it back.
    entered: Vec<LossFunc>,
}

impl Callbacks {
    /// Adds one behind all whose `ORDER` is not greater.
    pub(crate) fn add(&mut self, callback: impl Callback) {
        let callback: Box<dyn AnyCallback> = Box::new(callback);
        let place = self.list.partition_point(|other| other.order() <= callback.order());
        self.list.insert(place, callback);
        self.sort_out();
    }

    fn sort_out(&mut self) {
        self.by_hook = vec![Vec::new(); Hook::ALL.len()];
        self.asked = vec![Vec::new(); Hook::ALL.len()];
        for (index, callback) in self.list.iter().enumerate() {
            for asked in callback.hooks() {
                self.by_hook[asked.hook as usize].push(index);
                self.asked[asked.hook as usize].extend(asked.names);
            }
        }
        for hook in Hook::ALL.iter().filter(|hook| hook.is_end()) {
            self.by_hook[*hook as usize].reverse();
        }
    }

    /// Whether anybody asks for this name in this hook.
    pub(crate) fn asks(&self, hook: Hook, name: &str) -> bool {
        self.asked.get(hook as usize).is_some_and(|names| names.contains(&name))
    }

    /// Whether anybody asks for this name in any hook.
    pub(crate) fn asks_at_all(&self, name: &str) -> bool {
        self.asked.iter().any(|names| names.contains(&name))
    }

    pub(crate) fn get<C: Callback>(&self) -> Option<&C> {
        self.list.iter().find_map(|callback| (&**callback as &dyn Any).downcast_ref())
    }

    pub(crate) fn get_mut<C: Callback>(&mut self) -> Option<&mut C> {
        self.list.iter_mut().find_map(|callback| (&mut **callback as &mut dyn Any).downcast_mut())
    }

    /// Takes the first one of this type out.
    pub(crate) fn remove<C: Callback>(&mut self) -> Option<Box<C>> {
        let index = self.list.iter().position(|callback| (&**callback as &dyn Any).is::<C>())?;
        let callback: Box<dyn Any> = self.list.remove(index);
        self.sort_out();
        callback.downcast().ok()
    }

    /// For each callback that has the hook, in their order: its name and what it asks for.
    pub(crate) fn listing(&self, hook: Hook) -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
        self.by_hook.get(hook as usize).into_iter().flatten().map(move |&index| {
            let callback = &self.list[index];
            let names = callback.hooks().iter().find(|asked| asked.hook == hook).map_or(&[][..], |asked| asked.names);
            (callback.name(), names)
        })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.list.iter().map(|callback| callback.name())
    }

    /// Runs one hook: everyone who has it is called, the first error ends it, and the answer that skips most is taken.
    ///
    /// `on_train_begin` marks whom it has reached, since these are owed an `on_train_end`.
    pub(super) fn run(
        &mut self,
        hook: Hook,
        state: &mut State,
        call: impl Fn(&mut dyn AnyCallback, &mut State) -> super::HookResult,
    ) -> Result<Decision, Error> {
        let mut decision = Decision { flow: Flow::Continue, hook, by: "" };
        for at in 0..self.by_hook.get(hook as usize).map_or(0, Vec::len) {
            let index = self.by_hook[hook as usize][at];
            if hook == Hook::TrainBegin {
                self.entered.resize(index + 1, state.loss_func.clone());
            }
            let flow = Self::call(&mut *self.list[index], hook, state, &call)?;
            if flow > decision.flow && !matches!(decision.flow, Flow::StopTraining(_)) {
                decision = Decision { flow, hook, by: self.list[index].name() };
            }
        }
        if hook == Hook::TrainBegin {
            self.entered.resize(self.list.len(), state.loss_func.clone());
        }
        Ok(decision)
    }

    /// Calls one callback, with the state saying whose turn it is while it runs.
    fn call(
        callback: &mut dyn AnyCallback,
        hook: Hook,
        state: &mut State,
        call: impl Fn(&mut dyn AnyCallback, &mut State) -> super::HookResult,
    ) -> Result<Flow, Error> {
        state.beside.turn = Some((callback.name(), hook));
        let flow = call(callback, state).map_err(|source| Error::Callback {
            at: Where { callback: callback.name(), hook, at: state.at() },
            source,
        })?;
        state.beside.turn = None;
        Ok(flow)
    }

    /// `on_train_end` for each callback that was entered, the last first. `end` calls one; what it makes of an error or a
    /// panic is its own affair, the others get theirs all the same. Then the loss function is the one from before the first.
    pub(crate) fn end(&mut self, state: &mut State, mut end: impl FnMut(&mut dyn FnMut() -> Result<(), Error>)) {
        while let Some(before) = self.entered.pop() {
            let callback = &mut self.list[self.entered.len()];
            if callback.hooks().iter().any(|asked| asked.hook == Hook::TrainEnd) {
                end(&mut || {
                    let call = |callback: &mut dyn AnyCallback, state: &mut State| {
                        callback.on_train_end(&mut super::TrainEnd::view(state))
                    };
                    Self::call(&mut **callback, Hook::TrainEnd, state, call).map(drop)
                });
            }
            state.loss_func = before;
        }
    }
}
