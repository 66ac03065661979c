//! What an optimizer remembers: a count of steps and some tensors for each parameter, and all of this as data to be saved.

use std::collections::BTreeMap;

use tch::{TchError, Tensor};

use super::{Hyper, Hypers};
use crate::{model::Params, names::listed};

/// The state of an optimizer, for saving: numbers by name, and tensors by `parameter/name`.
#[derive(Debug, Default)]
pub struct OptimizerState {
    /// The name of the optimizer.
    pub optimizer: String,
    /// The settings of each group of parameters.
    pub hypers: Hypers,
    /// Other settings, and counts.
    pub numbers: BTreeMap<String, f64>,
    /// Moments and the like, each with the shape of its parameter.
    pub tensors: BTreeMap<String, Tensor>,
}

/// Why a saved state could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptimizerError {
    /// The state is that of another optimizer.
    #[error("this is the state of {found}, and the optimizer is {wanted}")]
    Optimizer {
        /// The optimizer that the state is of.
        found: String,
        /// The optimizer that was to load it.
        wanted: &'static str,
    },
    /// A number or a tensor is missing.
    #[error("the state has no `{key}`")]
    Missing {
        /// What is missing.
        key: String,
    },
    /// The state has settings for other groups of parameters.
    #[error("the state has the groups {}, and the optimizer has {}", listed(found), listed(wanted))]
    Groups {
        /// The groups of the state.
        found: Vec<String>,
        /// The groups of the optimizer.
        wanted: Vec<String>,
    },
    /// The state has an entry for a parameter that the model does not have.
    #[error("the state has `{key}`, and the model has no such parameter: it is the state of another model")]
    Parameter {
        /// The entry.
        key: String,
    },
    /// A tensor has another shape than its parameter.
    #[error("`{key}` has the shape {found:?} in the state, and its parameter is {wanted:?}")]
    Shape {
        /// The tensor.
        key: String,
        /// Its shape.
        found: Vec<i64>,
        /// The parameter's.
        wanted: Vec<i64>,
    },
    /// libtorch returned an error.
    #[error("{}", crate::error::brief(.0))]
    Torch(#[from] TchError),
}

impl OptimizerState {
    pub(super) fn number(&self, key: &str) -> Result<f64, OptimizerError> {
        self.numbers.get(key).copied().ok_or_else(|| OptimizerError::Missing { key: key.to_owned() })
    }
}

/// The slots of all parameters, in their order; a parameter that never had a gradient has none.
#[derive(Debug)]
pub(super) struct Slots {
    /// The tensors' names, PyTorch's: `exp_avg`, `momentum_buffer`, …
    names: &'static [&'static str],
    of: Vec<Option<Slot>>,
}

/// What is remembered of one parameter.
#[derive(Debug)]
pub(super) struct Slot {
    /// The number of steps so far, including the current one.
    pub steps: u32,
    /// Tensors of the parameter's shape and kind, zero at first.
    pub tensors: Vec<Tensor>,
}

impl Slots {
    pub(super) fn new(names: &'static [&'static str]) -> Self {
        Self { names, of: Vec::new() }
    }

    /// Calls `step(parameter, gradient, slot, settings)` for each parameter that a step changes, outside of autograd.
    pub(super) fn step(
        &mut self,
        params: &Params,
        hypers: &Hypers,
        mut step: impl FnMut(&mut Tensor, &Tensor, &mut Slot, Hyper) -> Result<(), TchError>,
    ) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        self.of.resize_with(params.len(), || None);
        for (param, slot) in params.as_slice().iter().zip(&mut self.of) {
            let Some(grad) = param.gradient()? else { continue };
            let slot = match slot {
                Some(slot) => slot,
                empty => {
                    let tensors = self.names.iter().map(|_| param.tensor().f_zeros_like()).collect::<Result<_, _>>()?;
                    empty.insert(Slot { steps: 0, tensors })
                }
            };
            slot.steps = slot.steps.saturating_add(1);
            step(&mut param.tensor().shallow_clone(), &grad, slot, hypers.of(param))?;
        }
        Ok(())
    }

    /// All slots as data, with the optimizer's settings.
    pub(super) fn save(
        &self,
        optimizer: &str,
        hypers: &Hypers,
        settings: &[(&str, f64)],
        params: &Params,
    ) -> Result<OptimizerState, OptimizerError> {
        let (optimizer, hypers) = (optimizer.to_owned(), hypers.clone());
        let mut state = OptimizerState { optimizer, hypers, ..OptimizerState::default() };
        state.numbers.extend(settings.iter().map(|&(name, value)| (name.to_owned(), value)));
        for ((param, _), slot) in params.iter().zip(&self.of) {
            let Some(slot) = slot else { continue };
            state.numbers.insert(format!("{param}/steps"), f64::from(slot.steps));
            for (name, tensor) in self.names.iter().zip(&slot.tensors) {
                state.tensors.insert(format!("{param}/{name}"), tensor.f_detach_copy()?);
            }
        }
        Ok(state)
    }

    /// The slots from a saved state, checked against the optimizer and the parameters.
    pub(super) fn load(
        &self,
        optimizer: &'static str,
        state: &OptimizerState,
        params: &Params,
    ) -> Result<Self, OptimizerError> {
        if state.optimizer != optimizer {
            return Err(OptimizerError::Optimizer { found: state.optimizer.clone(), wanted: optimizer });
        }
        let known =
            |key: &str| key.rsplit_once('/').is_none_or(|(param, _)| params.iter().any(|(name, _)| name == param));
        if let Some(key) = state.numbers.keys().chain(state.tensors.keys()).find(|key| !known(key)) {
            return Err(OptimizerError::Parameter { key: key.clone() });
        }
        let slot = |(param, tensor): (&str, &Tensor)| {
            let key = format!("{param}/steps");
            let Some(&steps) = state.numbers.get(&key) else {
                let mut tensors = self.names.iter().map(|name| format!("{param}/{name}"));
                let has_any = tensors.any(|tensor| state.tensors.contains_key(&tensor));
                return if has_any { Err(OptimizerError::Missing { key }) } else { Ok(None) };
            };
            let load = |name: &&str| {
                let key = format!("{param}/{name}");
                let Some(saved) = state.tensors.get(&key) else { return Err(OptimizerError::Missing { key }) };
                if saved.size() == tensor.size() {
                    Ok(saved.f_detach_copy()?.f_to_device(tensor.device())?.f_to_kind(tensor.kind())?)
                } else {
                    Err(OptimizerError::Shape { key, found: saved.size(), wanted: tensor.size() })
                }
            };
            let tensors = self.names.iter().map(load).collect::<Result<_, _>>()?;
            Ok(Some(Slot { steps: steps as u32, tensors }))
        };
        Ok(Self { names: self.names, of: params.iter().map(slot).collect::<Result<_, OptimizerError>>()? })
    }
}
