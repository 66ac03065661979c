//! The learner's callbacks: who runs at which hook, in which order, and what their answers come to.

use std::any::Any;

use super::{AnyCallback, Asked, Callback, CallbackStates, Flow, Hook, Others, StateError, order};
use crate::{
    loss::LossFunc,
    training::{BuildError, Error, ReadError, State, Where},
};

/// What the callbacks of a hook decided, and who did.
#[derive(Debug)]
pub(crate) struct Decision {
    pub flow: Flow,
    pub hook: Hook,
    pub by: &'static str,
}

/// All callbacks of a learner, in the order in which they run.
#[derive(Default)]
pub(crate) struct Callbacks {
    list: Vec<Box<dyn AnyCallback>>,
    /// For each in the list, when it was added.
    age: Vec<usize>,
    /// How many were ever added.
    added: usize,
    /// The names of those whose `before` and `after` go round.
    ring: Option<Vec<&'static str>>,
    /// For each hook, whom it has, in the order in which they run: a hook that nobody has costs nothing.
    by_hook: Vec<Vec<usize>>,
    /// The names that anybody asks for in any hook.
    asked: Vec<&'static str>,
    /// For each that `on_train_begin` has reached, the loss function from before: these get their `on_train_end`, and the
    /// one before them finds the loss function as it left it, also where this one does not give it back.
    entered: Vec<LossFunc>,
}

impl Callbacks {
    /// Adds one behind all whose `ORDER` is not greater, or where its `before` and `after` want it.
    pub(crate) fn add(&mut self, callback: impl Callback) {
        self.list.push(Box::new(callback));
        self.age.push(self.added);
        self.added += 1;
        self.sort_out();
    }

    fn sort_out(&mut self) {
        let mut by_age: Vec<_> = self.age.drain(..).zip(self.list.drain(..)).collect();
        by_age.sort_by_key(|(age, _)| *age);
        let (ages, list): (Vec<_>, Vec<_>) = by_age.into_iter().unzip();
        let (places, ring) = order::sorted(&list);
        let mut list: Vec<_> = list.into_iter().map(Some).collect();
        self.age = places.iter().map(|&place| ages[place]).collect();
        self.list = places.iter().filter_map(|&place| list[place].take()).collect();
        self.ring = ring;
        self.by_hook = vec![Vec::new(); Hook::ALL.len()];
        self.asked.clear();
        for (index, callback) in self.list.iter().enumerate() {
            for asked in callback.hooks() {
                let has = &mut self.by_hook[asked.hook as usize];
                if !has.contains(&index) {
                    has.push(index);
                }
            }
        }
        for &hook in Hook::ALL {
            if hook.is_end() {
                self.by_hook[hook as usize].reverse();
            }
            let asked: Vec<_> = hook.names().iter().copied().filter(|name| self.asks(hook, name)).collect();
            self.asked.extend(asked);
        }
    }

    /// Refuses callbacks that can't run together.
    ///
    /// # Errors
    /// `before` and `after` that go round; one that asks for another that is not there.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        if let Some(ring) = &self.ring {
            return Err(BuildError::OrderRing { ring: ring.clone() });
        }
        order::check_asked(&self.list)
    }

    fn asks(&self, hook: Hook, name: &str) -> bool {
        let mut asked = self.list.iter().flat_map(|callback| callback.hooks());
        asked.any(|asked| asked.hook == hook && asked.asks(name))
    }

    /// Whether anybody asks for this name in any hook.
    pub(crate) fn asks_at_all(&self, name: &str) -> bool {
        self.asked.contains(&name)
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
        self.age.remove(index);
        self.sort_out();
        callback.downcast().ok()
    }

    /// For each method that serves the hook, in the order in which they run: its callback's name, and what it asks for.
    pub(crate) fn listing(&self, hook: Hook) -> impl Iterator<Item = (&'static str, &'static Asked)> {
        self.by_hook.get(hook as usize).into_iter().flatten().flat_map(move |&index| {
            let callback = &self.list[index];
            let of_hook = callback.hooks().iter().filter(move |asked| asked.hook == hook);
            of_hook.map(|asked| (callback.name(), asked))
        })
    }

    pub(crate) fn descriptions(&self) -> impl Iterator<Item = String> {
        self.list.iter().map(|callback| callback.describe())
    }

    /// The states of those that have one.
    pub(crate) fn save(&self) -> Result<CallbackStates, StateError> {
        let mut states = CallbackStates::default();
        for callback in &self.list {
            let name = callback.name();
            let state = callback.save().map_err(|source| StateError::Callback { name, source })?;
            if let Some(state) = state
                && states.0.insert(name.to_owned(), state).is_some()
            {
                return Err(StateError::Twice { name });
            }
        }
        Ok(states)
    }

    /// Takes up the states: all of them, or none.
    pub(crate) fn load(&mut self, states: &CallbackStates) -> Result<(), StateError> {
        let before = self.save()?;
        if let Some(name) = states.0.keys().find(|name| !self.list.iter().any(|callback| callback.name() == **name)) {
            return Err(StateError::NoCallback { name: name.clone() });
        }
        let missing = self
            .list
            .iter()
            .find(|callback| before.0.contains_key(callback.name()) && !states.0.contains_key(callback.name()));
        if let Some(callback) = missing {
            return Err(StateError::Missing { name: callback.name() });
        }
        let loaded = self.load_each(states);
        if loaded.is_err() {
            self.load_each(&before)?;
        }
        loaded
    }

    fn load_each(&mut self, states: &CallbackStates) -> Result<(), StateError> {
        for callback in &mut self.list {
            if let Some(state) = states.0.get(callback.name()) {
                callback.load(state).map_err(|source| StateError::Callback { name: callback.name(), source })?;
            }
        }
        Ok(())
    }

    /// Runs one hook: everyone who has it is called, the first error ends it, and the answer that skips most is taken.
    ///
    /// `on_train_begin` marks whom it has reached, since these are owed an `on_train_end`.
    pub(super) fn run(
        &mut self,
        hook: Hook,
        state: &mut State,
        call: impl Fn(&mut dyn AnyCallback, &mut State, Others<'_>) -> super::HookResult,
    ) -> Result<Decision, Error> {
        let mut decision = Decision { flow: Flow::Continue, hook, by: "" };
        for at in 0..self.by_hook.get(hook as usize).map_or(0, Vec::len) {
            let index = self.by_hook[hook as usize][at];
            if hook == Hook::TrainBegin {
                self.entered.resize(index + 1, state.loss_func.clone());
            }
            let flow = self.call(index, hook, state, &call)?;
            if flow.is_above(&decision.flow) {
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
        &mut self,
        index: usize,
        hook: Hook,
        state: &mut State,
        call: impl Fn(&mut dyn AnyCallback, &mut State, Others<'_>) -> super::HookResult,
    ) -> Result<Flow, Error> {
        let Some((callback, others)) = Others::beside(&mut self.list, index) else { return Ok(Flow::Continue) };
        let name = callback.name();
        state.beside.turn = Some((name, hook));
        let flow = call(callback, state, others).map_err(|source| match source.downcast::<ReadError>() {
            Ok(read) => Error::Torch { what: "reading losses and metrics", at: state.at(), source: read.0 },
            Err(source) => Error::Callback { at: Where { callback: name, hook, at: state.at() }, source },
        })?;
        state.beside.turn = None;
        Ok(flow)
    }

    /// `on_train_end` for each callback that was entered, the last first. `end` calls one; what it makes of an error or a
    /// panic is its own affair, the others get theirs all the same. Then the loss function is the one from before the first.
    pub(crate) fn end(&mut self, state: &mut State, mut end: impl FnMut(&mut dyn FnMut() -> Result<(), Error>)) {
        while let Some(before) = self.entered.pop() {
            let index = self.entered.len();
            if self.by_hook[Hook::TrainEnd as usize].contains(&index) {
                end(&mut || {
                    let call = |callback: &mut dyn AnyCallback, state: &mut State, others: Others<'_>| {
                        callback.on_train_end(&mut super::TrainEnd::view(state, others))
                    };
                    self.call(index, Hook::TrainEnd, state, call).map(drop)
                });
            }
            state.loss_func = before;
        }
    }
}
