//! Which of a batch's tensors were created only for this step.
//!
//! Fresh memory costs more than arithmetic, so a callback that changes the whole batch should write into the batch itself.
//! It may do so only if nobody else holds that memory: neither the data set, which would find it changed in the next epoch, nor
//! another callback, which may have put its own tensor into `last_input`. The loader knows the first, this type the second.
//!
//! # What is derived and what is promised
//! A tensor that the learner has copied to its device is fresh: that is derived. If a tensor was on the device already, only the
//! data set knows whether it kept it. libtorch counts the owners of memory, but `tch` has no way to ask for the count. So
//! [`Dataset::fresh`](crate::data::Dataset::fresh) is a promise.
//!
//! The promise needs no `unsafe`, since breaking it does nothing that safe code cannot do anyway. On one thread, the data set finds
//! its own tensors changed, and nobody else does. On several threads it is a data race, like every in-place function of libtorch on
//! a tensor that another thread uses; `tch` offers all of these as safe functions on tensors that are `Send`.

use tch::{Device, TchError, Tensor};

use super::Batch;
use crate::kernel::span::Span;

/// Which of the batch's tensors were created only for this step and may therefore be changed in place.
///
/// The learner fills it for each batch: with the tensors that a [`Dataset`](crate::data::Dataset) declares to be
/// [`fresh`](crate::data::Dataset::fresh), and with those that were copied to the learner's device. It keeps these tensors until the
/// next batch, so that their memory cannot be reused for another tensor in the meantime.
///
/// ```
/// use mixup::prelude::*;
///
/// /// Centres each batch, without a second one in memory where that is allowed.
/// struct Centre;
///
/// #[callback]
/// impl Centre {
///     fn on_batch_begin(&self, last_input: &mut Input, fresh: &Fresh) -> Result<(), BoxError> {
///         let mut x = last_input.one()?.shallow_clone();
///         let mean = x.f_mean(x.kind())?;
///         *last_input = if fresh.may_change(&x) { x.f_sub_(&mean)? } else { x.f_sub(&mean)? }.into();
///         Ok(())
///     }
/// }
///
/// let data = ImageData::digits()?.build()?;
/// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10])).callback(Centre).quiet().build()?;
/// learn.fit(1, 1e-3)?;
/// # Ok::<(), BoxError>(())
/// ```
#[derive(Debug, Default)]
pub struct Fresh {
    tensors: Vec<Tensor>,
}

impl Fresh {
    /// Nothing may be changed, as with prepared batches.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Declares tensors as fresh, for your own training loop: they must have been created for one step, and nothing else may keep
    /// them. Tensors that share memory with another of them are left out.
    #[must_use]
    pub fn of(tensors: &[&Tensor]) -> Self {
        let spans: Vec<_> = tensors.iter().map(|tensor| Span::of(tensor)).collect();
        let alone = |at: usize| {
            spans[at].is_some_and(|span| {
                let others = spans.iter().enumerate().filter(|(other, _)| *other != at).filter_map(|(_, other)| *other);
                others.into_iter().all(|other| !span.overlaps(other))
            })
        };
        let alone = tensors.iter().enumerate().filter(|(at, _)| alone(*at));
        Self { tensors: alone.map(|(_, tensor)| tensor.shallow_clone()).collect() }
    }

    /// Whether a tensor may be changed in place: it is the whole of a tensor that was created for this step, its numbers are dense
    /// in memory (in any order of dimensions), and it takes no part in a computation of gradients.
    #[must_use]
    pub fn may_change(&self, tensor: &Tensor) -> bool {
        if self.tensors.is_empty() || tensor.requires_grad() {
            return false;
        }
        let Some(span) = Span::of(tensor).filter(|span| span.is_dense()) else { return false };
        self.tensors.iter().any(|fresh| Span::of(fresh) == Some(span))
    }

    /// Sends a batch to the learner's device. If `asked`, it also returns which tensors are fresh: those that were copied, and all
    /// of them if `made` says that the batch was created for this step.
    pub(crate) fn send(batch: Batch, device: Device, made: bool, asked: bool) -> Result<(Batch, Self), TchError> {
        if device == Device::Cpu && !asked {
            return Ok((batch, Self::nothing()));
        }
        let there = |batch: &Batch| tensors(batch).iter().map(|tensor| tensor.device()).collect::<Vec<_>>();
        let before = if asked { there(&batch) } else { Vec::new() };
        let batch = if device == Device::Cpu {
            batch
        } else {
            Batch { input: batch.input.to_device(device)?, target: batch.target.to_device(device)? }
        };
        // `before` is empty if nobody asks, and so is this.
        let sent = tensors(&batch).into_iter().zip(before);
        let fresh: Vec<_> =
            sent.filter_map(|(tensor, from)| (made || tensor.device() != from).then_some(tensor)).collect();
        let fresh = Self::of(&fresh);
        Ok((batch, fresh))
    }
}

/// The tensors of a batch as a data set returns it. What is already mixed must not be changed.
fn tensors(batch: &Batch) -> Vec<&Tensor> {
    let targets = if batch.target.is_mixed() { Vec::new() } else { batch.target.tensors() };
    [batch.input.tensors(), targets].concat()
}
