//! The model: what it must do, and its parameters and gradients by name.

mod params;
mod simple_cnn;
mod vars;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

pub use params::{GradientError, Gradients, Params};
pub use simple_cnn::{SimpleCnn, SimpleCnnError, simple_cnn};
use tch::{Tensor, nn::ModuleT};
pub use vars::Vars;

use crate::{batch::Input, error::BoxError, names::short_type_name};

/// Turns the input of a batch into an output.
///
/// Every module of `tch` is a model that takes one tensor. A model with several inputs, or one that takes MixUp's triple,
/// implements this trait itself and matches on the [`Input`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    label = "implement `Model` for `{Self}`, or `tch`'s `Module` or `ModuleT`"
)]
pub trait Model: Any + Send {
    /// Returns the output for a batch: `[n, …]`.
    ///
    /// # Errors
    /// Any error of the model. A `tch` module returns a [`Refusal`] if libtorch rejects the input.
    fn forward_batch(&self, input: &Input, train: bool) -> Result<Tensor, BoxError>;

    /// The type's name, for messages.
    fn type_name(&self) -> String {
        short_type_name::<Self>()
    }
}

#[diagnostic::do_not_recommend]
impl<M: ModuleT + 'static> Model for M {
    fn forward_batch(&self, input: &Input, train: bool) -> Result<Tensor, BoxError> {
        let input = input.one()?;
        // `tch`'s layers panic if libtorch rejects, say, a shape. That becomes an ordinary error; a panic of the module
        // itself stays a panic.
        catch_unwind(AssertUnwindSafe(|| self.forward_t(input, train))).or_else(|payload| match refusal(&*payload) {
            Some(refusal) => Err(refusal.into()),
            None => resume_unwind(payload),
        })
    }
}

/// An error of libtorch in a layer of `tch`.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    message: String,
}

/// libtorch's message, if the panic is that of `tch` when it unwraps a `TchError`.
fn refusal(payload: &(dyn Any + Send)) -> Option<Refusal> {
    let text = payload.downcast_ref::<String>()?;
    let error = text.strip_prefix("called `Result::unwrap()` on an `Err` value: Torch(\"")?;
    // The first line says what was wrong; libtorch's stack of frames follows.
    let message = error.split("\\n").next()?.trim_end_matches("\")");
    Some(Refusal { message: message.to_owned() })
}
