//! The trait between the learner and the data: it tells how many items there are, and gathers any of them into a batch.

use std::sync::Arc;

use tch::Tensor;

use super::DataError;
use crate::{batch::Batch, rng::ItemRngs};

/// Items that can be counted and gathered into batches.
///
/// ```
/// use mixup::{batch::Batch, data::{Data, DataError, Dataset}, rng::ItemRngs};
/// use tch::{Kind, Tensor};
///
/// /// Learns the square: each number from 0 to 99, and its square.
/// struct Squares;
///
/// impl Dataset for Squares {
///     fn len(&self) -> usize {
///         100
///     }
///
///     fn batch(&self, indices: &[usize], _: &ItemRngs) -> Result<Batch, DataError> {
///         let numbers: Vec<i64> = indices.iter().map(|&i| i as i64).collect();
///         let x = Tensor::f_from_slice(&numbers)?.f_to_kind(Kind::Float)?.f_unsqueeze(1)?;
///         let squares = x.f_square()?;
///         Ok(Batch { input: x.into(), target: squares.into() })
///     }
///
///     fn fresh(&self) -> bool {
///         true // both tensors are new for each batch, and nobody else has them
///     }
/// }
///
/// let data = Data::builder(Squares).batch_size(32).build()?;
/// assert_eq!(data.train().batches(), Some(4));
/// # Ok::<(), DataError>(())
/// ```
pub trait Dataset: Send {
    /// How many items there are. This must not change while the data set is in use.
    fn len(&self) -> usize;

    /// Whether there are no items.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the items at `indices`, in that order; each index is from 0 to `len() - 1`. Input and target must have one item for each
    /// index. An index may occur several times.
    ///
    /// Draw whatever is random in an item from its own generator, `rngs.of(index)`. Then an item does not depend on the batch that it is in.
    ///
    /// # Errors
    /// If the items can't be read. Wrap your own errors with [`DataError::other`].
    fn batch(&self, indices: &[usize], rngs: &ItemRngs) -> Result<Batch, DataError>;

    /// Whether the tensors of each batch are created when it is asked for, and nothing keeps them or any part of their memory. Callbacks
    /// may then change them in place ([`Input::make_mut`](crate::batch::Input::make_mut)). Defaults to false, which is always right.
    ///
    /// `index_select`, `stack` and computations return new tensors; `narrow`, `select` and `shallow_clone` do not. A data set that
    /// returns true but keeps a tensor finds it changed later. Nor may it use that tensor on another thread: that is a data race, as
    /// with every in-place function of libtorch.
    fn fresh(&self) -> bool {
        false
    }

    /// Whether the items have targets. Defaults to true. The items of a data set that returns false can only be predicted: the targets of
    /// its batches are ignored, and may be any, such as one of no items.
    fn labelled(&self) -> bool {
        true
    }

    /// The same items for the threads that gather batches ahead, if [`workers`](super::DataBuilder::workers) asks for them. Defaults to `None`:
    /// batches are gathered by the thread that trains. A data set whose items are in tensors can't be shared, because tensors can't; it gains
    /// nothing by threads either.
    ///
    /// Such a thread must not use libtorch's generator, of which a process has one: draw from `rngs`.
    fn for_threads(&self) -> Option<Arc<dyn Dataset + Sync>> {
        None
    }

    /// Names an item for people: its file, or where it came from. Defaults to "item 17".
    fn name(&self, index: usize) -> String {
        unnamed(index)
    }

    /// Describes the items for the summary, such as "images of 3×28×28". Defaults to "items".
    fn describe(&self) -> String {
        "items".to_owned()
    }
}

/// The name of an item that has none.
pub(super) fn unnamed(index: usize) -> String {
    format!("item {index}")
}

/// A pointer to a data set is one.
macro_rules! pointers {
    ($($pointer:ty: $($bound:ident)?;)*) => {$(
        impl<D: Dataset + ?Sized $(+ $bound)?> Dataset for $pointer {
            fn len(&self) -> usize {
                (**self).len()
            }

            fn batch(&self, indices: &[usize], rngs: &ItemRngs) -> Result<Batch, DataError> {
                (**self).batch(indices, rngs)
            }

            fn fresh(&self) -> bool {
                (**self).fresh()
            }

            fn labelled(&self) -> bool {
                (**self).labelled()
            }

            fn for_threads(&self) -> Option<Arc<dyn Dataset + Sync>> {
                (**self).for_threads()
            }

            fn name(&self, index: usize) -> String {
                (**self).name(index)
            }

            fn describe(&self) -> String {
                (**self).describe()
            }
        }
    )*};
}

pointers! {
    Box<D>:;
    Arc<D>: Sync;
}

/// Converts the indices for libtorch, after checking that each is below `items`.
pub(crate) fn index_tensor(indices: &[usize], items: usize) -> Result<Tensor, DataError> {
    let checked = |&index: &usize| match i64::try_from(index) {
        Ok(position) if index < items => Ok(position),
        _ => Err(DataError::Index { index, items }),
    };
    let positions = indices.iter().map(checked).collect::<Result<Vec<i64>, _>>()?;
    Ok(Tensor::f_from_slice(&positions)?)
}

/// A shape without its first dimension, as in `3×28×28`; empty if an item is a single number.
pub(crate) fn item_shape(size: &[i64]) -> String {
    size.iter().skip(1).map(i64::to_string).collect::<Vec<_>>().join("×")
}

/// "items of 3×28×28", or just "items" if an item is a single number.
pub(crate) fn describe(what: &str, size: &[i64]) -> String {
    match item_shape(size) {
        shape if shape.is_empty() => what.to_owned(),
        shape => format!("{what} of {shape}"),
    }
}
