//! The rows of a batch, blended in the memory of tensors.

use half::{bf16, f16};
use tch::Tensor;

use super::{
    blend::Blend,
    cycles::{self, Pairs},
};
use crate::kernel::{memory::with_slices, threads::threads_for};

/// Blends the rows of `x`, which lie one after the other, in its own memory. False, and nothing happens, unless `x` is a dense
/// tensor of floating-point numbers on the CPU.
pub(super) fn in_place(x: &mut Tensor, pairs: &Pairs<'_>) -> bool {
    fn of<T: Blend>(x: &mut Tensor, pairs: &Pairs<'_>) -> bool {
        let blend = |[x]: [&mut [T]; 1], []: [&[T]; 0]| {
            let threads = threads_for(size_of_val(x));
            cycles::in_place(x, pairs, threads)
        };
        with_slices([x], [], blend).unwrap_or(false)
    }
    of::<f32>(x, pairs) || of::<f64>(x, pairs) || of::<f16>(x, pairs) || of::<bf16>(x, pairs)
}

/// Writes the blends of the rows of `x`, which lie one after the other, into `out`, which has been written before. False, and
/// nothing happens, unless `x` is as for [`in_place`], and `out` is of the same kind, size and strides and shares no memory with
/// it.
pub(super) fn into(out: &mut Tensor, x: &Tensor, pairs: &Pairs<'_>) -> bool {
    fn of<T: Blend>(out: &mut Tensor, x: &Tensor, pairs: &Pairs<'_>) -> bool {
        let blend = |[out]: [&mut [T]; 1], [x]: [&[T]; 1]| cycles::into(out, x, pairs, threads_for(size_of_val(x)));
        with_slices([out], [x], blend).unwrap_or(false)
    }
    of::<f32>(out, x, pairs) || of::<f64>(out, x, pairs) || of::<f16>(out, x, pairs) || of::<bf16>(out, x, pairs)
}
