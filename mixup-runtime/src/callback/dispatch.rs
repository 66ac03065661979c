//! The learner's callbacks: which of them run in a hook, in which order, and what becomes of their requests.

use std::{
    any::{Any, TypeId},
    cell::{Ref, RefCell},
    sync::Arc,
};

use super::{
    AnyCallback, Callback, Handler, HookResult, Links, Request, Requests, Validate,
    link::{self, Surroundings},
    links::Link,
    order,
};
use crate::{
    data::Sampling,
    error::{BoxError, brief, or_refusal},
    loss::LossFunc,
    rng::hash,
    state::{StateError, Stateful},
    training::{Board, BuildError, Error, Hook, State, Where},
};

/// The requests of the callbacks of a hook, and which callback asked to stop.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    pub requests: Requests,
    pub stopped: Option<(Arc<str>, Hook)>,
}

impl Decision {
    /// Adds the requests of one more callback. Reports those that can't be obeyed together with the others.
    fn unite(&mut self, requests: Requests, by: &Arc<str>, hook: Hook) {
        match (requests.stop(), &self.stopped) {
            (Some(stop), Some((first, _))) => {
                tracing::warn!("`{first}` stops the training in `{hook}`; `{by}` asked for it as well: {}", stop.why());
            }
            (Some(_), None) => self.stopped = Some((by.clone(), hook)),
            (None, _) => {}
        }
        self.requests = std::mem::take(&mut self.requests).and(requests);
    }

    /// Reports the requests that a stop overrides.
    fn report_overridden(&self) {
        if let Some((by, hook)) = &self.stopped
            && self.requests.has(Validate)
        {
            tracing::warn!(
                "`{by}` stops the training in `{hook}`: the validation that was asked for there is left out"
            );
        }
    }
}

/// A callback of the learner.
pub(crate) struct Entry {
    pub callback: RefCell<Box<dyn AnyCallback>>,
    /// Its name in messages, and the key of its state.
    pub name: Arc<str>,
    /// The name under which it was added, if one was given.
    given: Option<String>,
    pub type_id: TypeId,
    /// When it was added.
    age: usize,
    pub handlers: Vec<Handler>,
    /// The hash of its name, of which its draws are a function.
    drawer: u64,
    in_hook: Vec<InHook>,
}

/// What the learner must know about a callback when it calls it in a hook.
#[derive(Default)]
struct InHook {
    /// The links of its parameters.
    linked: Vec<Link>,
    /// Whether it asks for a generator.
    draws: bool,
    /// Whether it publishes a value.
    publishes: bool,
    /// What is checked after it.
    changes: Changes,
}

/// What a callback may change in a hook and the learner then checks.
#[derive(Clone, Copy, Default)]
struct Changes {
    /// The optimizer's settings.
    opt: bool,
    /// The loss function, which it may replace.
    loss_func: bool,
}

impl Changes {
    /// Checks what may have been changed.
    fn check(self, state: &State) -> Result<(), BoxError> {
        if self.opt {
            state.opt.check()?;
        }
        if !self.loss_func {
            return Ok(());
        }
        let (takes, output) = (state.loss_func.takes(), state.model.output_type());
        if !takes.takes(output) {
            let (loss, takes, output) = (state.loss_func.name(), takes.name(), output.name());
            let replaced = format!("the loss function was replaced by `{loss}`, which takes a `{takes}`");
            return Err(format!("{replaced}: the model's output is a `{output}`").into());
        }
        Ok(())
    }
}

impl Entry {
    fn new(callback: Box<dyn AnyCallback>, given: Option<String>, age: usize) -> Self {
        let type_id = (&*callback as &dyn Any).type_id();
        let name = given.clone().unwrap_or_else(|| callback.name().to_owned()).into();
        Self {
            callback: RefCell::new(callback),
            name,
            given,
            type_id,
            age,
            handlers: Vec::new(),
            drawer: 0,
            in_hook: Vec::new(),
        }
    }

    /// Its methods for a hook.
    pub fn serves(&self, hook: Hook) -> impl Iterator<Item = &Handler> {
        self.handlers.iter().filter(move |handler| handler.hook == hook)
    }

    pub fn requests(&self, hook: Hook) -> impl Iterator<Item = &Request> {
        self.serves(hook).flat_map(|handler| &handler.requests)
    }

    pub fn asks(&self, hook: Hook, name: &str) -> bool {
        self.serves(hook).any(|handler| handler.asks(name))
    }

    fn asks_at_all(&self, name: &str) -> bool {
        self.handlers.iter().any(|handler| handler.asks(name) && handler.hook.names().contains(&name))
    }

    fn in_hook(&self, hook: Hook) -> InHook {
        let changes = |name| self.serves(hook).any(|handler| handler.may_change(name));
        InHook {
            linked: Vec::new(),
            draws: self.asks(hook, "rng"),
            publishes: self.publishes(hook),
            changes: Changes { opt: changes("opt"), loss_func: changes("loss_func") },
        }
    }

    pub fn publishes(&self, hook: Hook) -> bool {
        self.requests(hook).any(|request| !request.published().is_empty())
    }
}

/// A callback that `on_train_begin` has reached, and what it found there.
struct Entered {
    index: usize,
    loss_func: LossFunc,
    sampler: Sampling,
    valid_sampler: Sampling,
}

/// An open part of a training, with the callbacks that entered it and must get their `always` methods.
struct Frame {
    end: Hook,
    entered: Vec<usize>,
}

/// All callbacks of a learner, in the order in which they run.
#[derive(Default)]
pub(crate) struct Callbacks {
    entries: Vec<Entry>,
    /// How many callbacks were ever added.
    added: usize,
    board: Board,
    /// The callbacks of each hook, in the order in which they run: a hook without callbacks costs nothing.
    by_hook: Vec<Vec<usize>>,
    /// The names of the table that any callback asks for in any hook.
    asked: Vec<&'static str>,
    /// The callbacks that `on_train_begin` has reached. They get their `on_train_end`. The one before each of them finds the loss
    /// function and the sampler as it left them, even if this one does not restore them.
    entered: Vec<Entered>,
    frames: Vec<Frame>,
}

impl Callbacks {
    /// Adds a callback after all those whose `ORDER` is not greater, or where its `before` and `after` require it.
    pub(crate) fn add(&mut self, callback: impl Callback, name: Option<String>) {
        self.entries.push(Entry::new(Box::new(callback), name, self.added));
        self.added += 1;
    }

    /// Asks all callbacks for their hooks and requests, sorts them, and links their parameters. This is done before each run,
    /// since an instance may ask for something else than before. After an error, listings show as much as is known.
    ///
    /// # Errors
    /// A [`BuildError`] if the callbacks can't run together.
    pub(crate) fn prepare(&mut self, around: &Surroundings<'_>) -> Result<(), BuildError> {
        for entry in &mut self.entries {
            entry.handlers = entry.callback.get_mut().handlers();
        }
        let sorted = self.sort();
        let named = self.assign_names();
        for entry in &mut self.entries {
            entry.drawer = hash(&entry.name);
            entry.in_hook = Hook::ALL.iter().map(|&hook| entry.in_hook(hook)).collect();
        }
        let mut ordered = Ok(());
        self.by_hook.clear();
        for &hook in Hook::ALL {
            let (order, cycle) = self.order_in(hook);
            self.by_hook.push(order);
            ordered = ordered.and(cycle.map_or(Ok(()), Err));
        }
        self.asked.clear();
        for name in Hook::ALL.iter().flat_map(|hook| hook.names()) {
            if !self.asked.contains(name) && self.entries.iter().any(|entry| entry.asks_at_all(name)) {
                self.asked.push(name);
            }
        }
        sorted.and(named).and(ordered)?;
        let linked = link::all(&self.entries, around)?;
        self.board = linked.board;
        for (entry, links) in self.entries.iter_mut().zip(linked.links) {
            for (in_hook, linked) in entry.in_hook.iter_mut().zip(links) {
                in_hook.linked = linked;
            }
        }
        Ok(())
    }

    /// Sorts all callbacks: by `order`, then as they were added, except where `before` and `after` require another order.
    fn sort(&mut self) -> Result<(), BuildError> {
        self.entries.sort_by_key(|entry| (entry.callback.borrow().order(), entry.age));
        let base: Vec<usize> = (0..self.entries.len()).collect();
        let (places, cycle) = order::sorted(&base, &order::declared(&self.entries));
        let cycle = cycle.map(|cycle| order::named(&self.entries, &cycle, None));
        let mut entries: Vec<_> = self.entries.drain(..).map(Some).collect();
        self.entries = places.iter().filter_map(|&place| entries[place].take()).collect();
        cycle.map_or(Ok(()), Err)
    }

    /// Names all callbacks: by the name under which each was added, otherwise by its type, with a number after it from the second
    /// one on.
    fn assign_names(&mut self) -> Result<(), BuildError> {
        let mut by_age: Vec<&mut Entry> = self.entries.iter_mut().collect();
        by_age.sort_by_key(|entry| entry.age);
        let mut names: Vec<Arc<str>> = Vec::new();
        for entry in &mut by_age {
            let Some(given) = &entry.given else { continue };
            let name: Arc<str> = given.as_str().into();
            if names.contains(&name) {
                return Err(BuildError::CallbackName { name: name.to_string() });
            }
            names.push(name.clone());
            entry.name = name;
        }
        for entry in by_age.iter_mut().filter(|entry| entry.given.is_none()) {
            let of_type = entry.callback.get_mut().name();
            let numbered = (2..).map(|number| format!("{of_type}#{number}"));
            let free = std::iter::once(of_type.to_owned())
                .chain(numbered)
                .find(|name| !names.iter().any(|other| **other == **name));
            entry.name = free.unwrap_or_else(|| of_type.to_owned()).into();
            names.push(entry.name.clone());
        }
        Ok(())
    }

    /// The callbacks of a hook, in the order of all callbacks, reversed in `…_end` hooks, except where a value is read.
    fn order_in(&self, hook: Hook) -> (Vec<usize>, Option<BuildError>) {
        let serves = |index: &usize| {
            let entry = &self.entries[*index];
            // These hooks are also entered by callbacks that must get something at the end.
            let enters =
                hook == Hook::TrainBegin || hook.always().is_some_and(|end| entry.serves(end).next().is_some());
            enters || entry.serves(hook).next().is_some()
        };
        let mut base: Vec<usize> = (0..self.entries.len()).filter(serves).collect();
        let mut edges = order::by_reading(&self.entries, hook);
        if hook.is_end() {
            base.reverse();
        } else {
            edges.extend(order::declared(&self.entries));
        }
        let (sorted, cycle) = order::sorted(&base, &edges);
        (sorted, cycle.map(|cycle| order::named(&self.entries, &cycle, Some(hook))))
    }

    /// Checks that no callback changes batches in validation without a counterpart in predictions, which would silently be left
    /// out.
    ///
    /// # Errors
    /// [`Error::Unpredicted`] for the first that does.
    pub(crate) fn check_predictions(&self) -> Result<(), Error> {
        const COUNTERPARTS: [(Hook, &str, Hook); 2] = [
            (Hook::BatchBegin, "last_input", Hook::PredictBatchBegin),
            (Hook::LossBegin, "last_output", Hook::PredictBatchEnd),
        ];
        for entry in &self.entries {
            for (hook, changes, counterpart) in COUNTERPARTS {
                let forgotten = |handler: &&Handler| handler.may_change(changes) && !handler.runs_only_for("train");
                if let Some(Handler { method, .. }) = entry.serves(hook).find(forgotten)
                    && entry.serves(counterpart).next().is_none()
                {
                    let callback = entry.name.to_string();
                    return Err(Error::Unpredicted { callback, method, hook, changes, counterpart });
                }
            }
        }
        Ok(())
    }

    /// The first callback that may remember something that is not saved.
    pub(crate) fn forgetful(&mut self) -> Option<String> {
        let forgets = |entry: &mut Entry| {
            let callback = entry.callback.get_mut();
            (!callback.is_stateless() && callback.stateful().is_none()).then(|| entry.name.to_string())
        };
        self.entries.iter_mut().find_map(forgets)
    }

    /// The first callback that may change the batches of predictions: its name, the hook, and the value.
    pub(crate) fn changes_predictions(&self) -> Option<(String, Hook, &'static str)> {
        const CHANGES: [(Hook, &str); 2] =
            [(Hook::PredictBatchBegin, "last_input"), (Hook::PredictBatchEnd, "last_output")];
        self.entries.iter().find_map(|entry| {
            let changes = |(hook, value): &(Hook, &str)| entry.serves(*hook).any(|handler| handler.may_change(value));
            CHANGES.into_iter().find(changes).map(|(hook, value)| (entry.name.to_string(), hook, value))
        })
    }

    /// Whether a callback may change the targets of validation batches. Predictions have no target that it could change in the
    /// same way.
    pub(crate) fn changes_targets(&self) -> bool {
        let changes = |handler: &Handler| handler.may_change("last_target") && !handler.runs_only_for("train");
        let hooks = [Hook::BatchBegin, Hook::LossBegin];
        self.entries.iter().any(|entry| hooks.into_iter().any(|hook| entry.serves(hook).any(changes)))
    }

    /// Whether any callback asks for this name of the table in any hook.
    pub(crate) fn asks_at_all(&self, name: &str) -> bool {
        self.asked.contains(&name)
    }

    pub(crate) fn get<C: Callback>(&self) -> Option<Ref<'_, C>> {
        self.entries.iter().find_map(|entry| downcast(entry))
    }

    pub(crate) fn get_named<C: Callback>(&self, name: &str) -> Option<Ref<'_, C>> {
        self.entries.iter().filter(|entry| &*entry.name == name).find_map(|entry| downcast(entry))
    }

    pub(crate) fn get_mut<C: Callback>(&mut self) -> Option<&mut C> {
        self.entries.iter_mut().find_map(|entry| (&mut **entry.callback.get_mut() as &mut dyn Any).downcast_mut())
    }

    /// Removes and returns the first callback of a type.
    pub(crate) fn remove<C: Callback>(&mut self) -> Option<Box<C>> {
        let index = self.entries.iter().position(|entry| entry.type_id == TypeId::of::<C>())?;
        let callback: Box<dyn Any> = self.entries.remove(index).callback.into_inner();
        callback.downcast().ok()
    }

    /// Removes the callback of a name.
    pub(crate) fn remove_named(&mut self, name: &str) {
        self.entries.retain(|entry| &*entry.name != name);
    }

    /// The methods that serve a hook, in the order in which they run, each with the name of its callback.
    pub(crate) fn serving(&self, hook: Hook) -> impl Iterator<Item = (&str, &Handler)> {
        let places = self.by_hook.get(hook as usize).into_iter().flatten();
        places.flat_map(move |&index| {
            let entry = &self.entries[index];
            entry.serves(hook).map(move |handler| (&*entry.name, handler))
        })
    }

    /// The values that are published, each with its publisher and its readers. `other` names the publisher of what no callback
    /// publishes.
    pub(crate) fn published_and_read<'a>(
        &'a self,
        other: impl Fn(&str) -> &'a str,
    ) -> impl Iterator<Item = (String, &'a str, Vec<&'a str>)> {
        let requests = |entry: &'_ Entry| -> Vec<Request> {
            entry.handlers.iter().flat_map(|handler| handler.requests.clone()).collect()
        };
        self.board.published().into_iter().map(move |name| {
            let publishes = |entry: &&Entry| requests(entry).iter().any(|request| request.published().contains(&name));
            let reads = |entry: &&Entry| requests(entry).iter().any(|request| request.read().contains(&name));
            let by = self.entries.iter().find(publishes).map_or_else(|| other(&name), |entry| &*entry.name);
            let readers = self.entries.iter().filter(reads).map(|entry| &*entry.name).collect();
            (name, by, readers)
        })
    }

    /// Pairs of callbacks that change the same value of the table in one hook without an order between them.
    pub(crate) fn unordered(&self) -> Vec<Unordered> {
        let edges = order::declared(&self.entries);
        let mut pairs = Vec::new();
        for &hook in Hook::ALL {
            for (first, earlier) in self.entries.iter().enumerate() {
                for (second, later) in self.entries.iter().enumerate().skip(first + 1) {
                    let said = edges.iter().any(|edge| {
                        (edge.earlier, edge.later) == (first, second) || (edge.earlier, edge.later) == (second, first)
                    });
                    let of_order = earlier.callback.borrow().order() != later.callback.borrow().order();
                    let changes =
                        |entry: &Entry, name| entry.serves(hook).any(|handler| handler.changes.contains(&name));
                    let both = hook.names().iter().find(|name| changes(earlier, **name) && changes(later, **name));
                    if let Some(name) = both.filter(|_| !said && !of_order) {
                        let (first, second) = (earlier.name.to_string(), later.name.to_string());
                        pairs.push(Unordered { name, hook, first, second });
                    }
                }
            }
        }
        pairs
    }

    pub(crate) fn board(&self) -> &Board {
        &self.board
    }

    /// The name of the callback at an index, for a message.
    pub(crate) fn name_of(&self, index: usize) -> &str {
        self.entries.get(index).map_or("", |entry| &entry.name)
    }

    /// Runs a hook: calls all callbacks that have it, up to the first error, and combines their requests.
    pub(super) fn run(
        &mut self,
        hook: Hook,
        state: &mut State,
        call: impl Fn(&mut dyn AnyCallback, &mut State, Links<'_>) -> HookResult,
    ) -> Result<Decision, Error> {
        let mut decision = Decision::default();
        for at in 0..self.by_hook.get(hook as usize).map_or(0, Vec::len) {
            let index = self.by_hook[hook as usize][at];
            self.enter(hook, index, state);
            let requests = self.call(index, hook, state, &call)?;
            decision.unite(requests, &self.entries[index].name, hook);
        }
        if cfg!(debug_assertions) {
            self.call_undeclared(hook, state, &call)?;
        }
        decision.report_overridden();
        Ok(decision)
    }

    /// Marks a callback that a begin hook has reached, since it must get what belongs to the end.
    fn enter(&mut self, hook: Hook, index: usize, state: &State) {
        if hook == Hook::TrainBegin {
            self.entered.push(Entered {
                index,
                loss_func: state.loss_func.clone(),
                sampler: state.sampler.clone(),
                valid_sampler: state.valid_sampler.clone(),
            });
        } else if let Some(end) = hook.always()
            && self.entries[index].serves(end).next().is_some()
            && let Some(frame) = self.frames.last_mut()
        {
            frame.entered.push(index);
        }
    }

    /// Calls one callback, and notes in the state that it is its turn.
    fn call(
        &self,
        index: usize,
        hook: Hook,
        state: &mut State,
        call: impl Fn(&mut dyn AnyCallback, &mut State, Links<'_>) -> HookResult,
    ) -> Result<Requests, Error> {
        let entry = &self.entries[index];
        let nothing = InHook::default();
        let InHook { linked, draws, publishes, changes } = entry.in_hook.get(hook as usize).unwrap_or(&nothing);
        if *draws {
            state.rng = state.life.stream(entry.drawer, state.at(), hook.name());
        }
        let undeclared = (cfg!(debug_assertions) && !*draws).then(|| state.rng.clone());
        state.internal.turn = Some((index, hook));
        let links = Links::new(&self.entries, &self.board, linked);
        let requests = or_refusal(|| call(&mut **entry.callback.borrow_mut(), state, links));
        let place = |state: &State| Box::new(Where { callback: entry.name.to_string(), hook, at: state.at() });
        let requests = requests.map_err(|source| match source.downcast() {
            Ok(read) => Error::Read { at: place(state), source: read },
            Err(source) => Error::Callback { at: place(state), source },
        })?;
        if undeclared.is_some_and(|rng| rng != state.rng) {
            return Err(BuildError::UndeclaredRng { by: entry.name.to_string(), hook }.into());
        }
        if *publishes && let Some((name, source)) = self.board.take_fault() {
            let source = format!("`{name}` was set to something that is not one number: {}", brief(&source)).into();
            return Err(Error::Callback { at: place(state), source });
        }
        changes.check(state).map_err(|source| Error::Callback { at: place(state), source })?;
        state.internal.turn = None;
        Ok(requests)
    }

    /// Calls the callbacks that have not declared this hook, to check that they don't have it: otherwise it would never be
    /// called.
    fn call_undeclared(
        &self,
        hook: Hook,
        state: &mut State,
        call: &impl Fn(&mut dyn AnyCallback, &mut State, Links<'_>) -> HookResult,
    ) -> Result<(), Error> {
        for (index, entry) in self.entries.iter().enumerate() {
            if entry.serves(hook).next().is_none() && !self.call(index, hook, state, call)?.is_unserved() {
                return Err(BuildError::Undeclared { by: entry.name.to_string(), hook }.into());
            }
        }
        Ok(())
    }

    /// Opens a part of the training that has an `always` hook for its end.
    pub(crate) fn open(&mut self, end: Hook) {
        self.frames.push(Frame { end, entered: Vec::new() });
    }

    /// Opens it again for a training that goes on in the middle of it: all callbacks that enter it have done so.
    pub(crate) fn reopen(&mut self, end: Hook) {
        let entered = (0..self.entries.len()).filter(|&index| self.entries[index].serves(end).next().is_some());
        self.frames.push(Frame { end, entered: entered.collect() });
    }

    /// The learner's own loss function and sampler, from before the first callback changed them in this training.
    pub(crate) fn own(&self) -> Option<(&LossFunc, &Sampling)> {
        self.entered.first().map(|entered| (&entered.loss_func, &entered.sampler))
    }

    /// Closes the part that began last: calls the `always` methods of each callback that entered it, in reverse order. `end`
    /// calls those of one callback and handles its errors and panics; the others are called in any case. Returns false if no part
    /// was open.
    pub(crate) fn close(
        &mut self,
        state: &mut State,
        mut end: impl FnMut(&mut dyn FnMut() -> Result<(), Error>),
    ) -> bool {
        let Some(frame) = self.frames.pop() else { return false };
        for index in frame.entered.into_iter().rev() {
            end(&mut || {
                let always = |callback: &mut dyn AnyCallback, state: &mut State, links: Links<'_>| match frame.end {
                    Hook::BatchEndAlways => {
                        callback.on_batch_end_always(&mut super::BatchEndAlways::view(state, links))
                    }
                    Hook::ValidateEndAlways => {
                        callback.on_validate_end_always(&mut super::ValidateEndAlways::view(state, links))
                    }
                    Hook::PredictBatchEndAlways => {
                        callback.on_predict_batch_end_always(&mut super::PredictBatchEndAlways::view(state, links))
                    }
                    Hook::PredictEndAlways => {
                        callback.on_predict_end_always(&mut super::PredictEndAlways::view(state, links))
                    }
                    _ => callback.on_epoch_end_always(&mut super::EpochEndAlways::view(state, links)),
                };
                self.call(index, frame.end, state, always).map(drop)
            });
        }
        true
    }

    /// Whether the part that began last has callbacks that must get something at its end.
    pub(crate) fn owes(&self) -> bool {
        self.frames.last().is_some_and(|frame| !frame.entered.is_empty())
    }

    /// Calls `on_train_end` for each callback that was entered, in reverse order, with `end` as in [`close`](Self::close). Then
    /// the loss function and the sampler are those from before the first callback.
    pub(crate) fn end(&mut self, state: &mut State, mut end: impl FnMut(&mut dyn FnMut() -> Result<(), Error>)) {
        while let Some(Entered { index, loss_func, sampler, valid_sampler }) = self.entered.pop() {
            if self.entries[index].serves(Hook::TrainEnd).next().is_some() {
                end(&mut || {
                    let call = |callback: &mut dyn AnyCallback, state: &mut State, links: Links<'_>| {
                        callback.on_train_end(&mut super::TrainEnd::view(state, links))
                    };
                    self.call(index, Hook::TrainEnd, state, call).map(drop)
                });
            }
            (state.loss_func, state.sampler, state.valid_sampler) = (loss_func, sampler, valid_sampler);
        }
    }

    /// The names of all callbacks, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| &*entry.name)
    }

    pub(crate) fn descriptions(&self) -> impl Iterator<Item = String> {
        self.entries.iter().map(|entry| {
            let description = entry.callback.borrow().describe();
            entry.given.as_ref().map_or_else(|| description.clone(), |name| format!("{name}: {description}"))
        })
    }

    /// Visits each callback that has a state, with its name.
    pub(crate) fn each_stateful(
        &mut self,
        mut visit: impl FnMut(&str, &mut dyn Stateful) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        for entry in &mut self.entries {
            if let Some(stateful) = entry.callback.get_mut().stateful() {
                visit(&entry.name, stateful)?;
            }
        }
        Ok(())
    }
}

/// Two callbacks that change the same value in a hook without an order between them.
#[derive(Debug)]
pub(crate) struct Unordered {
    pub name: &'static str,
    pub hook: Hook,
    pub first: String,
    pub second: String,
}

impl std::fmt::Display for Unordered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, hook, first, second } = self;
        write!(f, "`{first}` and `{second}` both change `{name}` in `{hook}`, without `before` or `after`")
    }
}

fn downcast<C: Callback>(entry: &Entry) -> Option<Ref<'_, C>> {
    Ref::filter_map(entry.callback.try_borrow().ok()?, |callback| (&**callback as &dyn Any).downcast_ref()).ok()
}
