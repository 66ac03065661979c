//! Where a batch is mixed: in its own memory where that is allowed, else in a buffer that is kept from batch to batch.
//!
//! Fresh memory costs more than the arithmetic, since each page faults when it is first touched, so none is allocated. On the
//! CPU `rows` reads each item once and writes it once. On other devices, and for tensors whose items are not dense and in
//! order, libtorch gathers the partners into the buffer and blends them there: two of its kernels, and no wait for the device.
//!
//! Each way tells autograd of the change, so a graph that outlives its batch reports an error in its backward pass.

use tch::{Device, TchError, Tensor};

use super::{device_draws::DeviceDraws, rows};
use crate::{
    batch::in_place::may_change,
    kernel::span::{Span, Strided},
};

/// The buffers that are kept.
#[derive(Debug, Default)]
pub(super) struct Mixer {
    buffers: Vec<Option<Buffer>>,
}

/// Memory for a mixed batch.
#[derive(Debug)]
struct Buffer {
    whole: Tensor,
    span: Option<Span>,
    /// Where the numbers of the batch lay that it was made for.
    made_for: Strided,
}

impl Mixer {
    /// The blend of `x` `[n, …]` with itself, in the memory of `x` where it may be changed, else in a buffer. `slot` tells the
    /// tensors of a batch apart: each has its own buffer.
    pub(super) fn mix(&mut self, slot: usize, x: &Tensor, draws: &DeviceDraws<'_>) -> Result<Tensor, TchError> {
        let Some(strided) = Strided::of(x).filter(|_| !x.requires_grad()) else {
            return out_of_place(x, &draws.weight()?, &draws.partner()?);
        };
        let _no_grad = tch::no_grad_guard();
        let pairs = if x.device() == Device::Cpu && strided.is_in_rows() { draws.pairs() } else { None };
        if let Some(pairs) = pairs.as_ref().filter(|_| may_change(x)) {
            let mut mixed = x.shallow_clone();
            if rows::in_place(&mut mixed, pairs) {
                return Ok(mixed);
            }
        }
        let mut mixed = self.buffer(slot, x, strided)?;
        if pairs.is_some_and(|pairs| rows::into(&mut mixed, x, &pairs)) {
            return Ok(mixed);
        }
        // mixed = x[partner], then lerp towards x by λ.
        let _ = x.f_index_select_out(&mixed, 0, &draws.partner()?)?;
        let _ = mixed.f_lerp_tensor_(x, &spread(&draws.weight()?, x)?)?;
        Ok(mixed)
    }

    /// Drops each buffer that one of these tensors lies in: a batch that was mixed here may come again, and what is read must
    /// not be overwritten.
    pub(super) fn spare(&mut self, tensors: &[&Tensor]) {
        for buffer in &mut self.buffers {
            let span = buffer.as_ref().and_then(|buffer| buffer.span);
            if span.is_some_and(|span| tensors.iter().any(|tensor| span.holds_begin_of(tensor))) {
                *buffer = None;
            }
        }
    }

    /// Drops all buffers.
    pub(super) fn clear(&mut self) {
        self.buffers.clear();
    }

    /// A tensor of the shape, kind, device and layout of `x`, whose numbers lie as `strided` says: the buffer or its first items
    /// where it fits, else a new one. All of it has been written.
    pub(super) fn buffer(&mut self, slot: usize, x: &Tensor, strided: Strided) -> Result<Tensor, TchError> {
        if self.buffers.len() <= slot {
            self.buffers.resize_with(slot + 1, || None);
        }
        if let Some(Buffer { whole, made_for, .. }) = &self.buffers[slot] {
            let rows = strided.rows();
            if whole.kind() == x.kind() && whole.device() == x.device() && made_for.begins_like(&strided) {
                return if rows == made_for.rows() { Ok(whole.shallow_clone()) } else { whole.f_narrow(0, 0, rows) };
            }
        }
        // Not `empty`: the kernel writes into slices, and what a slice refers to must have been written. It costs one pass over a
        // buffer that serves for many.
        let whole = x.f_zeros_like()?;
        self.buffers[slot] = Some(Buffer { whole: whole.shallow_clone(), span: Span::of(&whole), made_for: strided });
        Ok(whole)
    }
}

/// Into fresh memory: for inputs with gradients of their own, as autograd requires, and for those without strides (sparse ones, and
/// ones without numbers).
fn out_of_place(x: &Tensor, weight: &Tensor, partner: &Tensor) -> Result<Tensor, TchError> {
    x.f_index_select(0, partner)?.f_lerp_tensor(x, &spread(weight, x)?)
}

/// The weights `[n]` as `[n, 1, …]`, in `x`'s kind.
fn spread(weight: &Tensor, x: &Tensor) -> Result<Tensor, TchError> {
    let mut shape = vec![1; x.dim().max(1)];
    shape[0] = -1;
    let weight = if x.kind() == weight.kind() { weight.shallow_clone() } else { weight.f_to_kind(x.kind())? };
    weight.f_reshape(&shape)
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    #[test]
    fn a_new_buffer_has_been_written() {
        let x = Tensor::ones([4, 16], (Kind::Float, Device::Cpu));
        for _ in 0..8 {
            // Freed at once, so the next tensor of this size gets this memory.
            drop(&x * 7.0);
            let strided = Strided::of(&x).expect("it has strides");
            let buffer = Mixer::default().buffer(0, &x, strided).expect("there is memory");
            assert!(buffer.equal(&x.zeros_like()), "{buffer:?}");
        }
    }
}
