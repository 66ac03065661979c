//! The blending itself: λ·x + (1−λ)·x[partner], item by item, in as few passes over the memory as libtorch offers.
//!
//! Fresh memory costs more than the arithmetic (each page is a fault when it is first touched), so the mixed batch goes into
//! a buffer that stands from batch to batch. Large items are blended one by one, each read once with its partner and written
//! once; small ones all at once, where calls would cost more than passes.

use tch::{Device, TchError, Tensor};

use super::{Draws, sent::Sent};

/// Items of at least this many bytes are blended one by one.
const LARGE: usize = 64 * 1024;

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
        let _ = may_change;
        if x.requires_grad() {
            return out_of_place(x, &sent.weight()?, &sent.partner()?);
        }
        let draws = sent.draws();
        let _no_grad = tch::no_grad_guard();
        let mut mixed = self.buffer(slot, x)?;
        let bytes = x.numel() / draws.len().max(1) * x.kind().elt_size_in_bytes();
        if x.device() == Device::Cpu && bytes >= LARGE {
            one_by_one(x, draws, &mixed)?;
        } else {
            // mixed = x[partner], then lerp towards x by λ.
            let _ = x.f_index_select_out(&mixed, 0, &sent.partner()?)?;
            let _ = mixed.f_lerp_tensor_(x, &spread(&sent.weight()?, x)?)?;
        }
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

/// Each item from memory once, its partner once, the blend to memory once.
fn one_by_one(x: &Tensor, draws: &Draws, mixed: &Tensor) -> Result<(), TchError> {
    let (items, blends) = (x.f_unbind(0)?, mixed.f_unbind(0)?);
    for (((item, blend), weight), partner) in items.iter().zip(&blends).zip(draws.weights()).zip(draws.partners()) {
        let _ = item.f_lerp_scalar_out(blend, &items[*partner], 1.0 - weight)?;
    }
    Ok(())
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
