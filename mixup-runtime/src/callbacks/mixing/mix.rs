//! Where a batch is mixed: in its own memory where that is allowed, else in a buffer that stands from batch to batch.
//!
//! Fresh memory costs more than the arithmetic (each page is a fault when it is first touched), so none is asked for. On the
//! CPU `kernel` reads each item once and writes it once; on other devices, and for tensors whose items don't lie dense one
//! behind the other, libtorch gathers the partners into the buffer and blends them there: two kernels, and no wait.

use tch::{Device, TchError, Tensor};

use super::{kernel, sent::Sent};

/// The standing buffers.
#[derive(Debug, Default)]
pub(super) struct Mixer {
    buffers: Vec<Option<Buffer>>,
}

/// A mixed batch's memory.
#[derive(Debug)]
struct Buffer {
    whole: Tensor,
}

impl Buffer {
    /// Whether the tensor's first number lies in this memory.
    fn holds(&self, tensor: &Tensor) -> bool {
        if tensor.is_sparse() || tensor.is_mkldnn() {
            return false; // such a tensor has no memory of one piece, and no buffer is one
        }
        let begin = self.whole.data_ptr().addr();
        let bytes = self.whole.numel() * self.whole.kind().elt_size_in_bytes();
        self.whole.device() == tensor.device() && (begin..begin + bytes).contains(&tensor.data_ptr().addr())
    }
}

impl Mixer {
    /// The blend of `x` `[n, …]` with itself: in `x`'s own memory where it may be changed, else in a buffer. `slot` tells the
    /// batch's tensors apart: each has its own buffer.
    pub(super) fn mix(
        &mut self,
        slot: usize,
        x: &Tensor,
        sent: &Sent<'_>,
        may_change: bool,
    ) -> Result<Tensor, TchError> {
        if x.requires_grad() {
            return out_of_place(x, &sent.weight()?, &sent.partner()?);
        }
        let _no_grad = tch::no_grad_guard();
        let pairs = if x.device() == Device::Cpu { sent.pairs() } else { None };
        if let Some(pairs) = pairs.as_ref().filter(|_| may_change) {
            let mut mixed = x.shallow_clone();
            // Changes nothing but the count of changes, by which autograd knows whether what it has saved is still there.
            let _ = mixed.f_transpose_(0, 0)?;
            if kernel::in_place(&mut mixed, pairs) {
                return Ok(mixed);
            }
        }
        let mut mixed = self.buffer(slot, x)?;
        if pairs.is_some_and(|pairs| kernel::into(&mut mixed, x, &pairs)) {
            return Ok(mixed);
        }
        // mixed = x[partner], then lerp towards x by λ.
        let _ = x.f_index_select_out(&mixed, 0, &sent.partner()?)?;
        let _ = mixed.f_lerp_tensor_(x, &spread(&sent.weight()?, x)?)?;
        Ok(mixed)
    }

    /// Lets go of each buffer that one of these tensors lies in: a batch that was mixed here may come again, and what is
    /// read must not be written over.
    pub(super) fn spare(&mut self, tensors: &[&Tensor]) {
        for buffer in &mut self.buffers {
            if tensors.iter().any(|tensor| buffer.as_ref().is_some_and(|buffer| buffer.holds(tensor))) {
                *buffer = None;
            }
        }
    }

    /// Lets go of all memory.
    pub(super) fn clear(&mut self) {
        self.buffers.clear();
    }

    /// A tensor of `x`'s shape, kind, device and layout: the standing one, or the first items of it, where it fits.
    pub(super) fn buffer(&mut self, slot: usize, x: &Tensor) -> Result<Tensor, TchError> {
        if self.buffers.len() <= slot {
            self.buffers.resize_with(slot + 1, || None);
        }
        let size = x.size();
        if let Some(buffer) = &self.buffers[slot] {
            let whole = &buffer.whole;
            let (stands, items) = (whole.size(), size[0]);
            let fits = stands[1..] == size[1..]
                && items <= stands[0]
                && whole.kind() == x.kind()
                && whole.device() == x.device()
                && whole.stride() == x.stride();
            if fits {
                return if items == stands[0] { Ok(whole.shallow_clone()) } else { whole.f_narrow(0, 0, items) };
            }
        }
        let whole = x.f_empty_like()?;
        self.buffers[slot] = Some(Buffer { whole: whole.shallow_clone() });
        Ok(whole)
    }
}

/// For inputs with a gradient of their own: into fresh memory, as autograd wants it.
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
