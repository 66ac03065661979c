//! A snapshot of a training in progress, from which another learner goes on with the same bits.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::{Learner, LearnerState};
use crate::{
    model::Params,
    state::{State, StateError, Stateful},
    training::{Measured, Next, Run},
};

/// All that a learner is between two steps of a training.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    /// What it remembers.
    pub states: LearnerState,
    /// How far the training is, and what it has measured.
    pub run: State,
    /// The model's parameters and buffers, the gradients that are kept, and what is frozen.
    pub params: State,
}

impl Snapshot {
    pub(super) fn next(&self) -> Result<Next, StateError> {
        Ok(Run::of(&self.run)?.next())
    }
}

impl Learner {
    /// A snapshot, where everything agrees: between two batches or two epochs. `measured` is what a validation in progress has measured.
    pub(super) fn snapshot(&mut self, next: Next, measured: &Measured) -> Result<Snapshot, StateError> {
        Ok(Snapshot {
            run: Run::save(&self.state, self.callbacks.board(), next, measured)?,
            params: State::of(&Whole(&self.state.params))?,
            states: self.state()?,
        })
    }

    /// Brings the learner to a snapshot, except for what belongs to the training in progress. If something does not fit, the learner is as before.
    pub(super) fn restore(&mut self, snapshot: &Snapshot) -> Result<(), StateError> {
        Whole(&self.state.params).pairs(&snapshot.params)?;
        self.load_state(&snapshot.states)?;
        snapshot.params.load_into(&mut Whole(&self.state.params))
    }
}

/// Parameters with all that a step leaves in them: values, gradients, whether they are frozen; and the buffers.
pub(super) struct Whole<'a>(pub &'a Params);

impl Whole<'_> {
    /// Each variable with the tensor that was saved of it. They must be the same ones, of the same kinds and shapes.
    fn pairs<'s>(&self, state: &'s State) -> Result<Vec<(Tensor, &'s Tensor)>, StateError> {
        let variables = self.0.variables();
        let mut saved: BTreeMap<_, _> =
            state.tensors().filter_map(|(name, tensor)| Some((name.strip_prefix(MODEL)?, tensor))).collect();
        let pair = |(name, variable): (String, Tensor)| {
            let missing = || StateError::Tensor { name: format!("{MODEL}{name}"), version: state.version() };
            let tensor = saved.remove(name.as_str()).ok_or_else(missing)?;
            let form = |tensor: &Tensor| (tensor.kind(), tensor.size());
            let (found, wanted) = (form(tensor), form(&variable));
            if found == wanted { Ok((variable, tensor)) } else { Err(StateError::Form { name, found, wanted }) }
        };
        let pairs = variables.into_iter().map(pair).collect::<Result<_, _>>()?;
        match saved.keys().next() {
            Some(name) => Err(StateError::Extra { name: format!("{MODEL}{name}") }),
            None => Ok(pairs),
        }
    }
}

/// How the names of variables and of gradients begin.
const MODEL: &str = "model/";
const GRAD: &str = "grad/";

impl Stateful for Whole<'_> {
    fn save(&self) -> Result<State, StateError> {
        let frozen = self.0.as_slice().iter().filter(|param| param.is_frozen());
        let frozen: Vec<_> = frozen.map(|param| param.name().to_owned()).collect();
        let mut state = State::new().with("frozen", &frozen)?;
        for (name, tensor) in self.0.variables() {
            state = state.with_tensor(&format!("{MODEL}{name}"), &tensor)?;
        }
        for (name, tensor) in self.0.iter() {
            let grad = tensor.f_grad()?;
            if grad.defined() {
                state = state.with_tensor(&format!("{GRAD}{name}"), &grad)?;
            }
        }
        Ok(state)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let (pairs, frozen): (_, Vec<String>) = (self.pairs(state)?, state.field("frozen")?);
        tch::no_grad(|| {
            for (mut variable, saved) in pairs {
                variable.f_copy_(saved)?;
            }
            self.0.zero_grad()
        })?;
        let grads: BTreeMap<_, _> =
            state.tensors().filter_map(|(name, grad)| Some((name.strip_prefix(GRAD)?, grad))).collect();
        for param in self.0.as_slice() {
            if let Some(grad) = grads.get(param.name()) {
                set_gradient(param.tensor(), grad)?;
            }
            let _ = param.tensor().f_set_requires_grad(!frozen.iter().any(|name| name == param.name()))?;
        }
        Ok(())
    }
}

/// Gives a parameter without a gradient this one. libtorch adds gradients only in a backward pass: that of the sum of the products of both.
fn set_gradient(param: &Tensor, grad: &Tensor) -> Result<(), StateError> {
    let param = param.f_set_requires_grad(true)?;
    let grad = grad.f_to_device(param.device())?;
    tch::with_grad(|| param.f_mul(&grad)?.f_sum(None::<Kind>)?.f_backward())?;
    Ok(())
}
