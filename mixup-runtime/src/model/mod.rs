//! The model: what it is asked for, and its parameters and their gradients by name.

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

/// Something that turns a batch's input into an output.
///
/// Every module of `tch` is one (it takes one tensor). A model with several inputs, or one that takes MixUp's triple,
/// implements this itself and looks at the [`Input`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    label = "implement `Model` for `{Self}`, or `tch`'s `Module` or `ModuleT`"
)]
pub trait Model: Any + Send {
    /// The output for a batch: `[n, …]`.
    ///
    /// # Errors
    /// Whatever the model finds wrong with its input; of a `tch` module, what libtorch refused ([`Refusal`]).
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
        // `tch`'s layers panic where libtorch refuses, say, a shape. That is an error like any other; a panic of the
        // module's own stays a panic.
        catch_unwind(AssertUnwindSafe(|| self.forward_t(input, train))).or_else(|payload| match refusal(&*payload) {
            Some(refusal) => Err(refusal.into()),
            None => resume_unwind(payload),
        })
    }
}

/// What libtorch refused in a layer of `tch`.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    message: String,
}

/// libtorch's words, where a panic is `tch`'s way of passing them on: `TchError`, unwrapped.
fn refusal(payload: &(dyn Any + Send)) -> Option<Refusal> {
    let text = payload.downcast_ref::<String>()?;
    let error = text.strip_prefix("called `Result::unwrap()` on an `Err` value: Torch(\"")?;
    // The first line says what was wrong; libtorch's stack of frames follows.
    let message = error.split("\\n").next()?.trim_end_matches("\")");
    Some(Refusal { message: message.to_owned() })
}
