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
        let variables: BTreeMap<_, _> = self.0.variables().into_iter().collect();
        let saved: BTreeMap<_, _> =
            state.tensors().filter_map(|(name, tensor)| Some((name.strip_prefix(MODEL)?, tensor))).collect();
        let of_saved = saved.keys().filter(|name| !variables.contains_key(**name)).map(|name| (*name).to_owned());
        let of_model = variables.keys().filter(|name| !saved.contains_key(name.as_str())).cloned();
        let (of_saved, of_model): (Vec<_>, Vec<_>) = (of_saved.collect(), of_model.collect());
        if !(of_saved.is_empty() && of_model.is_empty()) {
            return Err(StateError::OtherTensors { saved: of_saved, model: of_model });
        }
        let pairs = variables.into_iter().filter_map(|(name, variable)| {
            let tensor = *saved.get(name.as_str())?;
            let form = |tensor: &Tensor| (tensor.kind(), tensor.size());
            let (found, wanted) = (form(tensor), form(&variable));
            Some(if found == wanted { Ok((variable, tensor)) } else { Err(StateError::Form { name, found, wanted }) })
        });
        pairs.collect()
    }

    /// The saved gradient of each parameter that had one.
    fn gradients(state: &State) -> Result<Vec<(String, Tensor)>, StateError> {
        let names: Vec<String> = state.field("gradients")?;
        names.into_iter().map(|name| Ok((name.clone(), state.tensor(&format!("{GRAD}{name}"))?))).collect()
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
        let mut gradients = Vec::new();
        for (name, tensor) in self.0.iter() {
            let grad = tensor.f_grad()?;
            if grad.defined() {
                gradients.push(name);
                state = state.with_tensor(&format!("{GRAD}{name}"), &grad)?;
            }
        }
        state.with("gradients", &gradients)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let (pairs, frozen): (_, Vec<String>) = (self.pairs(state)?, state.field("frozen")?);
        let gradients: BTreeMap<_, _> = Self::gradients(state)?.into_iter().collect();
        tch::no_grad(|| {
            for (mut variable, saved) in pairs {
                variable.f_copy_(saved)?;
            }
            self.0.zero_grad()
        })?;
        for param in self.0.as_slice() {
            if let Some(grad) = gradients.get(param.name()) {
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
