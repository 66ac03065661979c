//! The model: what it must do, and its parameters and gradients by name.

mod dropper;
mod freezing;
mod gradients;
mod groups;
mod loaded;
mod params;
mod simple_cnn;
mod squares;
mod vars;
mod weights;

use std::any::Any;

pub use gradients::{GradientError, Gradients};
pub use groups::GroupError;
pub(crate) use groups::{DEFAULT_GROUP, Grouping};
pub use loaded::{Different, Loaded, WeightsError};
pub use params::{Param, Params};
pub use simple_cnn::{SimpleCnn, SimpleCnnError, simple_cnn};
use tch::{Tensor, nn::ModuleT};
pub use vars::Vars;
pub(crate) use weights::NO_WEIGHTS;

use crate::{
    batch::{AnyOutput, Input, Output, OutputType},
    error::BoxError,
    names::short_type_name,
    state::Stateful,
};

/// Turns the input of a batch into an output.
///
/// Every module of `tch` is a model that takes one tensor. A model with several inputs, or one that takes MixUp's triple,
/// implements this trait itself and matches on the [`Input`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    label = "implement `Model` for `{Self}`, or `tch`'s `Module` or `ModuleT`"
)]
pub trait Model: Any + Send {
    /// What the model returns: `Tensor` for all modules of `tch`. Loss functions and metrics take this type.
    type Output: Output;

    /// Returns the output for a batch: `[n, …]`.
    ///
    /// `tch`'s layers and operators panic if libtorch rejects their input, such as a shape. A learner turns this into an error of the
    /// training, with a [`Refusal`](crate::error::Refusal).
    ///
    /// # Errors
    /// Any error of the model.
    fn forward_batch(&self, input: &Input, train: bool) -> Result<Self::Output, BoxError>;

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
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, train: bool) -> Result<Tensor, BoxError> {
        Ok(self.forward_t(input.one()?, train))
    }
}

/// A model whose type is not known, as the learner holds it: `model: &mut dyn AnyModel` asks for it. Every [`Model`] is one.
pub trait AnyModel: Any + Send {
    /// Returns the output for a batch, as [`Model::forward_batch`] returns it.
    ///
    /// # Errors
    /// As there.
    fn forward_any(&self, input: &Input, train: bool) -> Result<AnyOutput, BoxError>;

    /// The type's name, for messages.
    fn type_name(&self) -> String;

    /// The type of its output.
    fn output_type(&self) -> OutputType;

    /// As [`Model::stateful`].
    fn stateful(&mut self) -> Option<&mut dyn Stateful>;
}

impl<M: Model> AnyModel for M {
    fn forward_any(&self, input: &Input, train: bool) -> Result<AnyOutput, BoxError> {
        self.forward_batch(input, train).map(AnyOutput::new)
    }

    fn type_name(&self) -> String {
        Model::type_name(self)
    }

    fn output_type(&self) -> OutputType {
        OutputType::of::<M::Output>()
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Model::stateful(self)
    }
}
