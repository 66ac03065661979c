//! Changes in place that never reach the data: copy on write, unless the memory was created only for this step.
//!
//! Fresh memory costs more than arithmetic, so a callback that changes the whole batch should write into the batch itself. It may do so
//! only if nobody else holds that memory: neither the data set, which would find it changed in the next epoch, nor another callback, which
//! may have put its own tensor into `last_input`. The loader knows the first, the list of fresh tensors here the second.
//!
//! # What is derived and what is promised
//! A tensor that the learner has copied to its device is fresh: that is derived. If a tensor was on the device already, only the
//! data set knows whether it kept it. libtorch counts the owners of memory, but `tch` has no way to ask for the count. So
//! [`Dataset::fresh`](crate::data::Dataset::fresh) is a promise.
//!
//! The promise needs no `unsafe`, since breaking it does nothing that safe code cannot do anyway. On one thread, the data set finds
//! its own tensors changed, and nobody else does. On several threads it is a data race, like every in-place function of libtorch on
//! a tensor that another thread uses; `tch` offers all of these as safe functions on tensors that are `Send`.
//!
//! # Why the list belongs to the thread
//! A callback changes a tensor, and neither a tensor nor `Input` and `Target`, which everybody matches on, has room for the list. A thread
//! runs one step at a time. Where the list does not arrive (another thread, a learner inside of a learner), tensors are copied, which is
//! always right.

use std::cell::RefCell;

use tch::{Device, TchError, Tensor};

use super::Batch;
use crate::kernel::span::Span;

thread_local! {
    /// The tensors that were created for this step, from its beginning until the model sees them. They are kept until then, so that their
    /// memory cannot be reused for another tensor in the meantime.
    static FRESH: RefCell<Option<Vec<Tensor>>> = const { RefCell::new(None) };
}

/// The tensor, to be changed in place: in its own memory if that was created only for this step, otherwise in a copy, which takes its place.
///
/// [`Input::make_mut`](super::Input::make_mut) and [`Target::make_mut`](super::Target::make_mut) do this for a batch of one tensor.
///
/// # Errors
/// libtorch's error if there is no memory for the copy.
pub fn make_mut(tensor: &mut Tensor) -> Result<&mut Tensor, TchError> {
    if !may_change(tensor) {
        let mut copy = tensor.f_empty_like()?;
        copy.f_copy_(tensor)?;
        *tensor = copy;
        FRESH.with_borrow_mut(|fresh| fresh.iter_mut().for_each(|fresh| fresh.push(tensor.shallow_clone())));
    }
    Ok(tensor)
}

/// Calls `body`, which may change these tensors in place, for your own training loop: they must have been created for one step, and
/// nothing else may keep them. Tensors that share memory with another of them are left out.
///
/// ```
/// use mixup::{batch::with_fresh, prelude::*};
/// use tch::{Device, Kind, Tensor};
///
/// let images = Tensor::rand([4, 3, 8, 8], (Kind::Float, Device::Cpu));
/// let (mut input, mut target) = (Input::from(images.shallow_clone()), Target::from(Tensor::from_slice(&[0_i64, 1, 1, 0])));
/// let draws = Draws::new(vec![0.9, 0.7, 0.6, 0.8], vec![1, 2, 3, 0])?;
/// with_fresh(&[&images], || MixUp::default().mix(&mut input, &mut target, &draws))?;
/// assert_eq!(input.one()?.data_ptr(), images.data_ptr()); // no second batch in memory
/// # Ok::<(), BoxError>(())
/// ```
pub fn with_fresh<T>(tensors: &[&Tensor], body: impl FnOnce() -> T) -> T {
    struct Outside(Option<Vec<Tensor>>);
    impl Drop for Outside {
        fn drop(&mut self) {
            FRESH.set(self.0.take());
        }
    }
    let _outside = Outside(FRESH.replace(Some(alone(tensors))));
    body()
}

/// Whether a tensor may be changed in place: it is the whole of a tensor that was created for this step, its numbers are dense in memory
/// (in any order of dimensions), and it takes no part in a computation of gradients.
pub(crate) fn may_change(tensor: &Tensor) -> bool {
    FRESH.with_borrow(|fresh| {
        let Some(fresh) = fresh.as_deref().filter(|fresh| !fresh.is_empty() && !tensor.requires_grad()) else {
            return false;
        };
        let span = Span::of(tensor).filter(|span| span.is_dense());
        span.is_some_and(|span| fresh.iter().any(|fresh| Span::of(fresh) == Some(span)))
    })
}

/// Sends a batch to the learner's device. If `asked`, the tensors that were copied may be changed from now on, and all of them if `made`
/// says that the batch was created for this step.
pub(crate) fn begin(batch: Batch, device: Device, made: bool, asked: bool) -> Result<Batch, TchError> {
    let there = |batch: &Batch| tensors(batch).iter().map(|tensor| tensor.device()).collect::<Vec<_>>();
    let before = if asked { there(&batch) } else { Vec::new() };
    let batch = if device == Device::Cpu {
        batch
    } else {
        Batch { input: batch.input.to_device(device)?, target: batch.target.to_device(device)? }
    };
    if asked {
        let sent = tensors(&batch).into_iter().zip(before);
        let fresh: Vec<_> =
            sent.filter_map(|(tensor, from)| (made || tensor.device() != from).then_some(tensor)).collect();
        FRESH.set(Some(alone(&fresh)));
    }
    Ok(batch)
}

/// From now on, nothing may be changed in place: the model has the batch, and autograd may need it as it is.
pub(crate) fn end() {
    FRESH.set(None);
}

/// The tensors that share no memory with another of them.
fn alone(tensors: &[&Tensor]) -> Vec<Tensor> {
    let spans: Vec<_> = tensors.iter().map(|tensor| Span::of(tensor)).collect();
    let is_alone = |at: usize| {
        spans[at].is_some_and(|span| {
            let others = spans.iter().enumerate().filter(|(other, _)| *other != at).filter_map(|(_, other)| *other);
            others.into_iter().all(|other| !span.overlaps(other))
        })
    };
    tensors.iter().enumerate().filter(|(at, _)| is_alone(*at)).map(|(_, tensor)| tensor.shallow_clone()).collect()
}

/// The tensors of a batch as a data set returns it. What is already mixed must not be changed.
fn tensors(batch: &Batch) -> Vec<&Tensor> {
    let targets = if batch.target.is_mixed() { Vec::new() } else { batch.target.tensors() };
    [batch.input.tensors(), targets].concat()
}

/// Why a batch can't be changed in place.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum MakeMutError {
    /// The input has several tensors, or none.
    #[error(
        "the input has {tensors} tensors: match on `Input::Tensors`, and call `batch::make_mut` on the one to change"
    )]
    SeveralInputs {
        /// How many.
        tensors: usize,
    },
    /// The target has several parts.
    #[error("the target has {targets} parts: replace it with a new `Target::several`")]
    SeveralTargets {
        /// How many.
        targets: usize,
    },
    /// The input is MixUp's triple, or the target is mixed.
    #[error("the {what} is mixed already: run before the callback that mixes, as with `#[callback(before = MixUp)]`")]
    Mixed {
        /// The input or the target.
        what: &'static str,
    },
    /// libtorch has no memory for the copy.
    #[error(transparent)]
    Torch(#[from] TchError),
}

crate::error::debug_with_sources!(MakeMutError);
