//! Copies of a model's weights, parameters and buffers, by name.

use std::collections::BTreeMap;

use tch::{TchError, Tensor};

use crate::model::Params;

pub(super) type Weights = BTreeMap<String, Tensor>;

pub(super) fn copied(params: &Params) -> Result<Weights, TchError> {
    params.variables().into_iter().map(|(name, tensor)| Ok((name, tensor.f_detach_copy()?))).collect()
}

/// Sets the weights to these; others stay.
pub(super) fn put(params: &Params, weights: &Weights) -> Result<(), TchError> {
    tch::no_grad(|| {
        for (name, mut variable) in params.variables() {
            if let Some(weight) = weights.get(&name) {
                variable.f_copy_(weight)?;
            }
        }
        Ok(())
    })
}
