//! Dropping gradients, so that the backward pass hands over the memory that it computes them in.

use std::cell::RefCell;

use tch::{COptimizer, Device, TchError, Tensor};

use super::Param;

/// From how many bytes of parameters on the memory of their gradients is held on to.
const LARGE: usize = 16 * 1024 * 1024;

/// Drops the gradients of some parameters.
#[derive(Debug)]
pub(super) struct Dropper {
    /// Of all that `tch` offers, only libtorch's optimizers drop gradients. It takes no step.
    optimizer: COptimizer,
    /// How many bytes the parameters have.
    bytes: usize,
    /// A gradient that is kept so that the allocator keeps the memory of the others.
    ///
    /// C's allocator gives memory back to the system when some 32 to 64 MiB are free at the end of its heap. The next backward pass then gets
    /// new pages, each of which the system must clear. A gradient that stays at the end of the heap keeps what is below it, and the next
    /// backward pass takes that.
    uppermost: RefCell<Option<Tensor>>,
}

impl Dropper {
    pub(super) fn new(params: &[Param]) -> Result<Self, TchError> {
        let mut optimizer = COptimizer::sgd(0.0, 0.0, 0.0, 0.0, false)?;
        let mut bytes = 0;
        for param in params {
            optimizer.add_parameters(&param.tensor, 0)?;
            bytes += param.tensor.numel() * param.tensor.kind().elt_size_in_bytes();
        }
        Ok(Self { optimizer, bytes, uppermost: RefCell::default() })
    }

    pub(super) fn drop_gradients(&self, params: &[Param]) -> Result<(), TchError> {
        if self.bytes < LARGE {
            return self.optimizer.zero_grad();
        }
        let new = uppermost(params)?;
        self.optimizer.zero_grad()?;
        let Some(new) = new else { return Ok(()) };
        let mut kept = self.uppermost.borrow_mut();
        let above = kept.as_ref().map(|kept| (kept.data_ptr() as usize).wrapping_sub(new.data_ptr() as usize));
        // One that is far above is not in the heap, but in memory of its own.
        if above.is_none_or(|bytes| bytes >= 2 * self.bytes) {
            *kept = Some(new);
        }
        Ok(())
    }
}

/// The gradient at the highest address of memory.
fn uppermost(params: &[Param]) -> Result<Option<Tensor>, TchError> {
    let mut found: Option<Tensor> = None;
    for param in params {
        let grad = param.tensor.f_grad()?;
        let higher = |grad: &Tensor| found.as_ref().is_none_or(|other| grad.data_ptr() > other.data_ptr());
        if grad.defined() && grad.device() == Device::Cpu && !grad.is_sparse() && higher(&grad) {
            found = Some(grad);
        }
    }
    Ok(found)
}
