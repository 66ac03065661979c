//! What an optimizer remembers of each parameter: a count of steps and some tensors.

use std::collections::BTreeMap;

use tch::{TchError, Tensor};

use super::{
    Hyper, Hypers,
    fused::{self, Due, Rule, kept_like},
};
use crate::{
    model::{Param, Params},
    names::listed,
    state::{State, StateError},
};

/// Why a saved state is not that of this optimizer. [`StateError::Other`] has it as its source.
#[derive(thiserror::Error)]
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
}

crate::error::debug_with_sources!(OptimizerError);

impl From<OptimizerError> for StateError {
    fn from(error: OptimizerError) -> Self {
        Self::other(error)
    }
}

/// The slots of all parameters, with `KEPT` tensors for each; a parameter that never had a gradient has none.
#[derive(Debug)]
pub(super) struct Slots<const KEPT: usize> {
    /// The tensors' names, PyTorch's: `exp_avg`, `momentum_buffer`, …
    names: [&'static str; KEPT],
    /// In the order of the parameters, so that a step need not search by name.
    of: Vec<Option<Slot<KEPT>>>,
    /// Slots of parameters that the last step did not get, or that have not been stepped since a state was loaded, by name.
    waiting: BTreeMap<String, Slot<KEPT>>,
}

/// What is remembered of one parameter.
#[derive(Debug)]
struct Slot<const KEPT: usize> {
    /// The parameter's name.
    param: String,
    /// The number of steps so far, including the current one.
    steps: u32,
    /// Tensors of the parameter's shape, zero at first. They are of the parameter's kind, or `f32` if that is of half precision.
    tensors: [Tensor; KEPT],
}

impl<const KEPT: usize> Slot<KEPT> {
    /// A new slot, or a saved one with its tensors in the parameter's kind, on its device and in its order of memory.
    fn of(param: &Param, saved: Option<&Self>) -> Result<Self, TchError> {
        let mut tensors = std::array::from_fn(|_| Tensor::new());
        for (at, tensor) in tensors.iter_mut().enumerate() {
            *tensor = kept_like(param.tensor(), saved.map(|saved| &saved.tensors[at]))?;
        }
        Ok(Self { param: param.name().to_owned(), steps: saved.map_or(0, |saved| saved.steps), tensors })
    }
}

impl<const KEPT: usize> Slots<KEPT> {
    pub(super) fn new(names: [&'static str; KEPT]) -> Self {
        Self { names, of: Vec::new(), waiting: BTreeMap::new() }
    }

    /// Steps each parameter that a step changes by the `rule` for its settings and the number of its steps, outside of autograd.
    pub(super) fn step<R: Rule<KEPT>>(
        &mut self,
        params: &Params,
        hypers: &Hypers,
        rule: impl Fn(Hyper, u32) -> R,
    ) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        self.arrange(params);
        let mut due = Vec::with_capacity(params.len());
        for (param, place) in params.as_slice().iter().zip(&mut self.of) {
            let Some(grad) = param.gradient()? else { continue };
            let slot = if let Some(slot) = place {
                slot
            } else {
                let new = Slot::of(param, self.waiting.get(param.name()))?;
                self.waiting.remove(param.name());
                place.insert(new)
            };
            slot.steps = slot.steps.saturating_add(1);
            let rule = rule(hypers.of(param), slot.steps);
            due.push(Due { param: param.tensor().shallow_clone(), grad, kept: &mut slot.tensors, rule });
        }
        fused::step(due)
    }

    /// Makes a place for each parameter. If these are not the parameters of the last step, all slots wait for theirs.
    fn arrange(&mut self, params: &Params) {
        let is_of = |(place, param): (&Option<Slot<KEPT>>, &Param)| {
            place.as_ref().is_none_or(|slot| slot.param == param.name())
        };
        if self.of.len() != params.len() || !self.of.iter().zip(params.as_slice()).all(is_of) {
            self.waiting.extend(self.of.drain(..).flatten().map(|slot| (slot.param.clone(), slot)));
            self.of.resize_with(params.len(), || None);
        }
    }

    fn all(&self) -> impl Iterator<Item = &Slot<KEPT>> {
        self.of.iter().flatten().chain(self.waiting.values())
    }

    /// All slots, with the optimizer's name and its settings for the groups, as a state to which the optimizer adds its other settings.
    pub(super) fn save(&self, optimizer: &str, hypers: &Hypers) -> Result<State, StateError> {
        let steps: BTreeMap<_, _> = self.all().map(|slot| (&slot.param, slot.steps)).collect();
        let mut state =
            State::new().with("optimizer", optimizer)?.with_part("hypers", hypers)?.with("steps", &steps)?;
        for slot in self.all() {
            for (name, tensor) in self.names.iter().zip(&slot.tensors) {
                state = state.with_tensor(&format!("{}/{name}", slot.param), tensor)?;
            }
        }
        Ok(state)
    }

    /// The slots and the settings for the groups from a saved state, checked against the optimizer and its parameters.
    pub(super) fn load(
        &self,
        optimizer: &'static str,
        hypers: &Hypers,
        state: &State,
    ) -> Result<(Self, Hypers), StateError> {
        let found: String = state.field("optimizer")?;
        if found != optimizer {
            return Err(OptimizerError::Optimizer { found, wanted: optimizer }.into());
        }
        let steps: BTreeMap<String, u32> = state.field("steps")?;
        for key in state.tensor_names() {
            let param = key.rsplit_once('/').map_or(key, |(param, _)| param);
            hypers.check_parameter(param, key)?;
            if !steps.contains_key(param) {
                return Err(StateError::Field { field: format!("steps/{param}"), version: state.version() });
            }
        }
        let slot = |(param, steps): (String, u32)| -> Result<_, StateError> {
            let size = hypers.check_parameter(&param, &format!("{param}/steps"))?;
            let tensor = |name: &str| -> Result<_, StateError> {
                let key = format!("{param}/{name}");
                let tensor = state.tensor(&key)?;
                match size {
                    Some(size) if *size != tensor.size() => {
                        Err(OptimizerError::Shape { key, found: tensor.size(), wanted: size.clone() }.into())
                    }
                    _ => Ok(tensor),
                }
            };
            let mut tensors = self.names.map(|_| Tensor::new());
            for (place, name) in tensors.iter_mut().zip(self.names) {
                *place = tensor(name)?;
            }
            Ok((param.clone(), Slot { param, steps, tensors }))
        };
        let waiting = steps.into_iter().map(slot).collect::<Result<_, StateError>>()?;
        let mut settings = hypers.clone();
        state.part("hypers")?.load_into(&mut settings)?;
        Ok((Self { waiting, ..Self::new(self.names) }, settings))
    }
}
