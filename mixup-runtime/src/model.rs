//! The model: what it is asked for, and its parameters and their gradients by name.

mod params;
mod simple_cnn;

pub use params::{Gradients, Params};
pub use simple_cnn::{SimpleCnn, SimpleCnnError, simple_cnn};
use tch::{Tensor, nn::ModuleT};

use crate::{error::BoxError, input::Input};

/// Something that turns a batch's input into an output.
///
/// Every module of `tch` is one (it takes one tensor). A model with several inputs, or one that takes MixUp's triple,
/// implements this itself and looks at the [`Input`].
pub trait Model: Send {
    /// The output for a batch: `[n, …]`.
    ///
    /// # Errors
    /// Whatever the model finds wrong with its input.
    fn forward_batch(&self, input: &Input, train: bool) -> Result<Tensor, BoxError>;
}

impl<M: ModuleT> Model for M {
    fn forward_batch(&self, input: &Input, train: bool) -> Result<Tensor, BoxError> {
        Ok(self.forward_t(input.one()?, train))
    }
}
