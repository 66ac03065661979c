//! A snapshot of a training in progress, from which another learner goes on with the same bits.

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
            params: State::of(&Whole(&mut self.state.params))?,
            states: self.state()?,
        })
    }

    /// Brings the learner to a snapshot, except for what belongs to the training in progress.
    pub(super) fn restore(&mut self, snapshot: &Snapshot) -> Result<(), StateError> {
        self.load_state(&snapshot.states)?;
        snapshot.params.load_into(&mut Whole(&mut self.state.params))
    }
}

/// Parameters with all that a step leaves in them: values, gradients, whether they are frozen; and the buffers.
pub(super) struct Whole<'a>(pub &'a mut Params);

impl Stateful for Whole<'_> {
    fn save(&self) -> Result<State, StateError> {
        let frozen = self.0.as_slice().iter().filter(|param| param.is_frozen());
        let frozen: Vec<_> = frozen.map(|param| param.name().to_owned()).collect();
        let mut state = State::new().with("frozen", &frozen)?;
        for (name, tensor) in self.0.var_store().variables() {
            state = state.with_tensor(&format!("model/{name}"), &tensor)?;
        }
        for (name, tensor) in self.0.iter() {
            let grad = tensor.f_grad()?;
            if grad.defined() {
                state = state.with_tensor(&format!("grad/{name}"), &grad)?;
            }
        }
        Ok(state)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let variables = self.0.var_store().variables();
        let read = |(name, tensor): (String, Tensor)| {
            let saved = state.tensor(&format!("model/{name}"))?;
            let (found, wanted) = ((saved.kind(), saved.size()), (tensor.kind(), tensor.size()));
            if found == wanted { Ok((tensor, saved)) } else { Err(StateError::Form { name, found, wanted }) }
        };
        let saved = variables.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let frozen: Vec<String> = state.field("frozen")?;
        tch::no_grad(|| {
            for (mut tensor, saved) in saved {
                tensor.f_copy_(&saved)?;
            }
            self.0.zero_grad()
        })?;
        for param in self.0.as_slice() {
            if state.tensor_names().any(|name| name.strip_prefix("grad/") == Some(param.name())) {
                set_gradient(param.tensor(), &state.tensor(&format!("grad/{}", param.name()))?)?;
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
