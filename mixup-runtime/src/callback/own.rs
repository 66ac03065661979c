//! The model, its output and the optimizer as their own types. A learner with other types is not built.

use std::any::Any;

use crate::{
    batch::{AnyOutput, Output},
    error::BoxError,
    model::{AnyModel, Model},
    optim::Optimizer,
};

/// `model: &T`
pub fn model<T: Model>(model: &dyn AnyModel) -> Result<&T, BoxError> {
    (model as &dyn Any).downcast_ref().ok_or_else(|| other("model"))
}

/// `model: &mut T`
pub fn model_mut<T: Model>(model: &mut dyn AnyModel) -> Result<&mut T, BoxError> {
    (model as &mut dyn Any).downcast_mut().ok_or_else(|| other("model"))
}

/// `opt: &T`
pub fn opt<T: Optimizer>(opt: &dyn Optimizer) -> Result<&T, BoxError> {
    (opt as &dyn Any).downcast_ref().ok_or_else(|| other("optimizer"))
}

/// `opt: &mut T`
pub fn opt_mut<T: Optimizer>(opt: &mut dyn Optimizer) -> Result<&mut T, BoxError> {
    (opt as &mut dyn Any).downcast_mut().ok_or_else(|| other("optimizer"))
}

/// `last_output: &T`
pub fn last_output<T: Output>(output: &AnyOutput) -> Result<&T, BoxError> {
    Ok(output.get()?)
}

/// `last_output: &mut T`
pub fn last_output_mut<T: Output>(output: &mut AnyOutput) -> Result<&mut T, BoxError> {
    Ok(output.get_mut()?)
}

/// The type was checked when the learner was built, so a callback has replaced the model or the optimizer since then.
fn other(what: &str) -> BoxError {
    format!("the {what} is of another type than when the learner was built: a callback has replaced it").into()
}
