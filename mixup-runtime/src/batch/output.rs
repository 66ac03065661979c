//! What a model returns: one tensor, several, or a type of the user's. Also the same without its type, for callbacks that know nothing of the
//! model.

use std::{
    any::{Any, TypeId},
    fmt,
};

use tch::{TchError, Tensor};

use crate::names::short_type_name;

/// A function that is called with each tensor of an [`Output`].
pub type EachTensor<'a> = dyn FnMut(&Tensor) -> Result<Tensor, TchError> + 'a;

/// What [`Output::map`] returns.
#[doc(hidden)]
pub type Mapped<O> = Result<O, TchError>;

/// What a model returns for a batch: a tensor, a tuple or a `Vec` of outputs, or a type that says which tensors it consists of.
///
/// A struct of outputs derives it:
///
/// ```
/// use mixup::prelude::*;
/// use tch::Tensor;
///
/// #[derive(Output)]
/// struct VaeOutput {
///     recon: Tensor,  // [n, 784]
///     mu: Tensor,     // [n, 20]
///     logvar: Tensor, // [n, 20]
/// }
/// ```
///
/// A type with fields that are no outputs implements it:
///
/// ```
/// use mixup::prelude::*;
/// use tch::{TchError, Tensor};
///
/// struct Boxes {
///     corners: Tensor, // [n, 4]
///     pixels: f64,
/// }
///
/// impl Output for Boxes {
///     fn map(&self, each: &mut EachTensor<'_>) -> Result<Self, TchError> {
///         Ok(Self { corners: each(&self.corners)?, pixels: self.pixels })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the output of a model",
    label = "write `Tensor`, a tuple or a `Vec` of tensors, `AnyOutput`, or a struct of them with `#[derive(Output)]`"
)]
pub trait Output: Any + Send + Sized {
    /// Returns the same output with each of its tensors replaced by what `each` returns for it. The order must always be the same.
    ///
    /// # Errors
    /// The error of `each`.
    fn map(&self, each: &mut EachTensor<'_>) -> Result<Self, TchError>;
}

impl Output for Tensor {
    fn map(&self, each: &mut EachTensor<'_>) -> Result<Self, TchError> {
        each(self)
    }
}

impl<O: Output> Output for Vec<O> {
    fn map(&self, each: &mut EachTensor<'_>) -> Result<Self, TchError> {
        self.iter().map(|output| output.map(each)).collect()
    }
}

impl<A: Output, B: Output> Output for (A, B) {
    fn map(&self, each: &mut EachTensor<'_>) -> Result<Self, TchError> {
        Ok((self.0.map(each)?, self.1.map(each)?))
    }
}

impl<A: Output, B: Output, C: Output> Output for (A, B, C) {
    fn map(&self, each: &mut EachTensor<'_>) -> Result<Self, TchError> {
        Ok((self.0.map(each)?, self.1.map(each)?, self.2.map(each)?))
    }
}

/// A model's output without its type. Its tensors can be read and changed.
///
/// `last_output: &mut AnyOutput` asks for it. A callback that knows the model asks for the output as its own type instead, as in
/// `last_output: &Tensor` or `last_output: &mut VaeOutput`.
pub struct AnyOutput {
    output: Box<dyn Erased>,
    ty: OutputType,
}

/// The type of an output: of what a model returns, or of what a loss function takes.
#[derive(Clone, Copy)]
pub struct OutputType {
    id: TypeId,
    name: fn() -> String,
}

impl OutputType {
    /// The type `O`.
    #[must_use]
    pub fn of<O: Output>() -> Self {
        Self { id: TypeId::of::<O>(), name: short_type_name::<O> }
    }

    /// Its name, for messages.
    #[must_use]
    pub fn name(self) -> String {
        (self.name)()
    }

    /// Whether something that takes this type can take an output of type `output`: both are the same, or this is [`AnyOutput`].
    #[must_use]
    pub fn takes(self, output: Self) -> bool {
        self == output || self.id == TypeId::of::<AnyOutput>()
    }

    /// The error for an output of this type that was asked for as an `O`.
    fn is_not<O: Output>(self) -> OutputError {
        OutputError { wanted: short_type_name::<O>(), got: self.name() }
    }
}

impl fmt::Debug for OutputType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutputType({})", self.name())
    }
}

impl Eq for OutputType {}

impl PartialEq for OutputType {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// An output behind a pointer.
trait Erased: Any + Send {
    fn map_any(&self, each: &mut EachTensor<'_>) -> Result<Box<dyn Erased>, TchError>;
}

impl<O: Output> Erased for O {
    fn map_any(&self, each: &mut EachTensor<'_>) -> Result<Box<dyn Erased>, TchError> {
        Ok(Box::new(self.map(each)?))
    }
}

/// No tensors.
impl Default for AnyOutput {
    fn default() -> Self {
        Self { output: Box::new(Vec::<Tensor>::new()), ty: OutputType::of::<Vec<Tensor>>() }
    }
}

impl AnyOutput {
    /// Wraps an output of any type. An `AnyOutput` is returned as it is.
    #[must_use]
    pub fn new<O: Output>(output: O) -> Self {
        let mut output = Some(output);
        if let Some(any) = (&mut output as &mut dyn Any).downcast_mut::<Option<Self>>()
            && let Some(any) = any.take()
        {
            return any;
        }
        match output {
            Some(output) => Self { output: Box::new(output), ty: OutputType::of::<O>() },
            None => Self::default(),
        }
    }

    /// The output as its own type.
    ///
    /// # Errors
    /// [`OutputError`] if it is of another type.
    pub fn get<O: Output>(&self) -> Result<&O, OutputError> {
        let whole = (self as &dyn Any).downcast_ref();
        whole.or_else(|| (&*self.output as &dyn Any).downcast_ref()).ok_or_else(|| self.ty.is_not::<O>())
    }

    /// The output as its own type, mutably.
    ///
    /// # Errors
    /// [`OutputError`] if it is of another type.
    pub fn get_mut<O: Output>(&mut self) -> Result<&mut O, OutputError> {
        let ty = self.ty;
        let it: &mut dyn Any = if TypeId::of::<O>() == TypeId::of::<Self>() { self } else { &mut *self.output };
        it.downcast_mut().ok_or_else(|| ty.is_not::<O>())
    }

    /// Returns the output as its own type.
    ///
    /// # Errors
    /// [`OutputError`] if it is of another type.
    pub fn into<O: Output>(self) -> Result<O, OutputError> {
        let ty = self.ty;
        let it: Box<dyn Any> = if TypeId::of::<O>() == TypeId::of::<Self>() { Box::new(self) } else { self.output };
        it.downcast().map(|output| *output).map_err(|_| ty.is_not::<O>())
    }

    /// The output's tensors, in its order. They share their memory with it.
    #[must_use]
    pub fn tensors(&self) -> Vec<Tensor> {
        tensors(self)
    }

    /// Replaces each tensor of the output by what `each` returns for it.
    ///
    /// # Errors
    /// The error of `each`; the output is then as it was.
    pub fn change(&mut self, mut each: impl FnMut(&Tensor) -> Result<Tensor, TchError>) -> Result<(), TchError> {
        *self = self.map(&mut each)?;
        Ok(())
    }
}

impl Output for AnyOutput {
    fn map(&self, each: &mut EachTensor<'_>) -> Result<Self, TchError> {
        Ok(Self { output: self.output.map_any(each)?, ty: self.ty })
    }
}

/// `AnyOutput(VaeOutput: [16, 784], [16, 20], [16, 20])`.
impl fmt::Debug for AnyOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shapes: Vec<_> = self.tensors().iter().map(|tensor| format!("{:?}", tensor.size())).collect();
        write!(f, "AnyOutput({}: {})", self.ty.name(), shapes.join(", "))
    }
}

/// An output was asked for as another type than its own.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("the output is a `{got}`, not a `{wanted}`")]
pub struct OutputError {
    /// The type that it was asked for as.
    pub wanted: String,
    /// Its own type.
    pub got: String,
}

crate::error::debug_with_sources!(OutputError);

/// The tensors of an output, in its order. They share their memory with it.
pub(crate) fn tensors(output: &impl Output) -> Vec<Tensor> {
    let mut tensors = Vec::new();
    let collected = output.map(&mut |tensor| {
        tensors.push(tensor.shallow_clone());
        Ok(tensor.shallow_clone())
    });
    drop(collected); // `each` has no error
    tensors
}

/// The same output once more; its tensors share their memory with the first.
pub(crate) fn shallow_clone<O: Output>(output: &O) -> Result<O, TchError> {
    output.map(&mut |tensor| Ok(tensor.shallow_clone()))
}

/// The outputs of several batches as one: each tensor's batches one after another, `[items, …]`; of a tensor without dimensions, such as a loss that the model
/// has computed itself, `[batches]`. `None` without a batch.
///
/// # Errors
/// Batches whose tensors do not fit together.
pub(crate) fn join<O: Output>(outputs: &[O]) -> Result<Option<O>, TchError> {
    let Some(first) = outputs.first() else { return Ok(None) };
    let all: Vec<_> = outputs.iter().map(tensors).collect();
    let mut number = 0;
    let joined = first.map(&mut |_| {
        let parts: Vec<_> = all.iter().filter_map(|tensors| tensors.get(number)).collect();
        number += 1;
        if parts.iter().any(|part| part.dim() == 0) { Tensor::f_stack(&parts, 0) } else { Tensor::f_cat(&parts, 0) }
    });
    joined.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Tensor, Tensor) {
        (Tensor::from_slice(&[1.0, 2.0]), Tensor::from(3.0))
    }

    #[test]
    fn an_output_without_its_type_can_be_had_back_as_the_type_that_it_is() {
        let mut any = AnyOutput::new(AnyOutput::new(pair()));
        assert!(any.get::<(Tensor, Tensor)>().is_ok() && any.get_mut::<(Tensor, Tensor)>().is_ok());
        assert!(any.get::<AnyOutput>().is_ok() && any.get_mut::<AnyOutput>().is_ok());
        let error = any.get::<Tensor>().expect_err("there are two");
        assert_eq!(error.to_string(), "the output is a `(Tensor, Tensor)`, not a `Tensor`");
        let whole: AnyOutput = any.into().expect("it is one");
        assert!(whole.into::<(Tensor, Tensor)>().is_ok());
    }

    #[test]
    fn a_change_reaches_each_tensor_and_an_error_none() {
        let mut any = AnyOutput::new(pair());
        any.change(|tensor| Ok(tensor * 2.0)).expect("numbers");
        assert_eq!(any.tensors()[0], Tensor::from_slice(&[2.0, 4.0]));
        let mut calls = 0;
        let refused = any.change(|tensor| {
            calls += 1;
            if calls == 2 { Err(TchError::Torch("no".to_owned())) } else { Ok(tensor * 2.0) }
        });
        assert!(refused.is_err());
        assert_eq!(any.tensors()[0], Tensor::from_slice(&[2.0, 4.0]));
    }

    #[test]
    fn joins_items_along_the_first_dimension_and_stacks_numbers() {
        let (items, numbers) = join(&[pair(), pair()]).expect("they fit").expect("there are two");
        assert_eq!(items.size(), [4]);
        assert_eq!(numbers, Tensor::from_slice(&[3.0, 3.0]));
        assert!(join::<Tensor>(&[]).expect("nothing to join").is_none());
    }
}
