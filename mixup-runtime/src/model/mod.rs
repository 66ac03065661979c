//! The model: what it must do, and its parameters and gradients by name.

mod freezing;
mod gradients;
mod groups;
mod params;
mod simple_cnn;
mod vars;

use std::any::Any;

pub use gradients::{GradientError, Gradients};
pub use groups::GroupError;
pub(crate) use groups::Grouping;
pub use params::{Param, Params};
pub use simple_cnn::{SimpleCnn, SimpleCnnError, simple_cnn};
use tch::{Tensor, nn::ModuleT};
pub use vars::Vars;

use crate::{batch::Input, error::BoxError, names::short_type_name, state::Stateful};

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
    /// `tch`'s layers and operators panic if libtorch rejects their input, such as a shape. A learner turns this into an error of the
    /// training, with a [`Refusal`](crate::error::Refusal).
    ///
    /// # Errors
    /// Any error of the model.
    fn forward_batch(&self, input: &Input, train: bool) -> Result<Tensor, BoxError>;

    /// The type's name, for messages.
    fn type_name(&self) -> String {
        short_type_name::<Self>()
    }

    /// Returns `Some(self)` if the model is [`Stateful`]: the learner then saves and loads what it remembers beyond its parameters and the buffers of
    /// its `VarStore`. Defaults to `None`, which is so for the modules of `tch`.
    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        None
    }
}

#[diagnostic::do_not_recommend]
impl<M: ModuleT + 'static> Model for M {
    fn forward_batch(&self, input: &Input, train: bool) -> Result<Tensor, BoxError> {
        Ok(self.forward_t(input.one()?, train))
    }
}
