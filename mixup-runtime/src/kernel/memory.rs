//! The memory of tensors as slices of numbers.
//!
//! # What this relies on
//! With `tch`, safe code can have several tensors that share memory, on several threads. Each operation of libtorch therefore
//! relies on its caller: while it runs, no other thread may write what it reads, or touch what it writes. [`with_slices`]
//! relies on exactly that and on nothing more: if it is a data race in a program, then so is `f_add_` on the same tensors. On
//! its own thread nothing else runs in the meantime except the work that it calls, which has no tensors.

#![allow(unsafe_code, reason = "tch offers the memory of a tensor as a pointer only")]

use half::{bf16, f16};
use tch::{Device, Kind, Tensor};

use super::span::Strided;

/// A type of number that a tensor's memory consists of.
///
/// # Safety
/// The numbers of a tensor of `KIND` have the size and the alignment of this type, and each pattern of bits is a value of it.
pub(crate) unsafe trait Number: Copy + Send + Sync {
    /// The kind in libtorch.
    const KIND: Kind;
}

macro_rules! numbers {
    ($($number:ident: $kind:ident),*) => {$(
        // SAFETY: both names stand for the same IEEE 754 format, or for bfloat16.
        unsafe impl Number for $number {
            const KIND: Kind = Kind::$kind;
        }
    )*};
}

numbers!(f32: Float, f64: Double, f16: Half, bf16: BFloat16);

/// Calls `work` with the numbers of tensors that it writes and of tensors that it only reads, in the order of their memory.
/// Returns `None` and does nothing unless all are dense tensors of `T` on the CPU, of the same size and strides, and no written
/// tensor overlaps another one.
///
/// Autograd learns that the written tensors have changed: a graph that has saved one of them, or a view of it, reports an error
/// in its backward pass instead of computing with the new numbers.
///
/// All numbers must have been written before, including those that `work` replaces: a slice over memory that was never written
/// is undefined behavior. libtorch's `empty…` functions return such memory.
///
/// `work` must be `Sync` and tensors are not, so it cannot capture a tensor and change the memory behind the slices.
pub(crate) fn with_slices<T: Number, const WRITTEN: usize, const READ: usize, Out>(
    mut written: [&mut Tensor; WRITTEN],
    read: [&Tensor; READ],
    work: impl FnOnce([&mut [T]; WRITTEN], [&[T]; READ]) -> Out + Sync,
) -> Option<Out> {
    let numbers = common_length::<T>(&written, &read)?;
    for tensor in &mut written {
        // This changes only the tensor's version, by which autograd knows whether the numbers that it saved are still there.
        let _ = tensor.f_transpose_(0, 0).ok()?;
    }
    // SAFETY: `common_length` has checked that each tensor has `numbers` numbers of type `T`, aligned and without gaps, and that
    // no written one shares memory with another. The tensors are borrowed until `work` has returned, so their memory stays.
    // `work` cannot reach a tensor, and the top of this file says what other threads may do.
    let (written, read) = unsafe {
        (
            written.map(|tensor| std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<T>(), numbers)),
            read.map(|tensor| std::slice::from_raw_parts(tensor.data_ptr().cast::<T>().cast_const(), numbers)),
        )
    };
    Some(work(written, read))
}

/// How many numbers each of the tensors has; `None` if [`with_slices`] can't use them as slices.
fn common_length<T: Number>(written: &[&mut Tensor], read: &[&Tensor]) -> Option<usize> {
    let all = written.iter().map(|tensor| &**tensor).chain(read.iter().copied());
    let all = all.map(plain::<T>).collect::<Option<Vec<_>>>()?;
    let first = all.first()?;
    let alone = |at: usize| {
        let mut others = all.iter().enumerate().filter(|(other, _)| *other != at);
        !others.any(|(_, other)| other.span().overlaps(all[at].span()))
    };
    let fit = all.iter().all(|tensor| tensor.is_like(first)) && (0..written.len()).all(alone);
    fit.then_some(first.span().bytes() / size_of::<T>())
}

/// The layout of a dense tensor of `T` on the CPU; `None` for any other, whose memory is no slice of `T`.
pub(super) fn plain<T: Number>(tensor: &Tensor) -> Option<Strided> {
    // The memory of a negated view has the numbers with the other sign.
    let plain = tensor.f_kind().is_ok_and(|kind| kind == T::KIND) && !tensor.is_neg();
    let strided = Strided::of(tensor).filter(|_| plain)?;
    let span = strided.span();
    let fits = span.device() == Device::Cpu && span.is_dense() && span.begin().is_multiple_of(align_of::<T>());
    fits.then_some(strided)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does not compile if tensors become `Sync`, because `Self::which` would then be ambiguous.
    #[allow(dead_code, reason = "it is enough that it compiles")]
    const TENSORS_ARE_NOT_SYNC: fn() = {
        trait Which<Case> {
            fn which() {}
        }
        struct IfSync;
        impl<T> Which<()> for T {}
        impl<T: Sync> Which<IfSync> for T {}
        <Tensor as Which<_>>::which
    };

    fn numbers(size: &[i64], kind: Kind) -> Tensor {
        let count: i64 = size.iter().product();
        Tensor::arange(count, (Kind::Double, Device::Cpu)).reshape(size).to_kind(kind)
    }

    fn read<T: Number>(tensor: &Tensor) -> Option<Vec<T>> {
        with_slices([], [tensor], |[]: [&mut [T]; 0], [numbers]| numbers.to_vec())
    }

    fn copy<T: Number>(to: &mut Tensor, from: &Tensor) -> Option<()> {
        with_slices([to], [from], |[to], [from]: [&[T]; 1]| to.copy_from_slice(from))
    }

    #[test]
    fn slices_have_the_numbers_of_each_kind_in_the_order_of_memory() {
        let size = [2, 3, 1, 2];
        assert_eq!(
            read::<f64>(&numbers(&size, Kind::Double)).expect("dense"),
            (0..12).map(f64::from).collect::<Vec<_>>()
        );
        let halves = (0..12_u8).map(f16::from).collect::<Vec<_>>();
        assert_eq!(read::<f16>(&numbers(&size, Kind::Half)).expect("dense"), halves);
        let halves = (0..12_u8).map(bf16::from).collect::<Vec<_>>();
        assert_eq!(read::<bf16>(&numbers(&size, Kind::BFloat16)).expect("dense"), halves);
        let singles = (0..12_u8).map(f32::from).collect::<Vec<_>>();
        let x = numbers(&size, Kind::Float);
        for same_memory in [x.permute([0, 2, 3, 1]), x.transpose(0, 1), x.view([12])] {
            assert_eq!(read::<f32>(&same_memory).expect("dense"), singles);
        }
        assert_eq!(read::<f32>(&x.narrow(0, 1, 1)).expect("dense"), singles[6..]);
    }

    #[test]
    fn a_number_written_into_a_slice_is_in_the_tensor() {
        let (x, mut out) =
            (numbers(&[3, 4], Kind::Float).transpose(0, 1), numbers(&[3, 4], Kind::Float).transpose(0, 1));
        let _ = out.fill_(0.0);
        copy::<f32>(&mut out, &x).expect("both are dense");
        assert!(out.equal(&x));
    }

    #[test]
    fn only_dense_tensors_of_the_kind_on_the_cpu_have_slices() {
        let x = numbers(&[4, 3], Kind::Float);
        assert!(read::<f64>(&x).is_none() && read::<f16>(&x).is_none(), "another kind");
        for (tensor, what) in [
            (x.slice(0, 0, None, 2), "there are gaps between rows"),
            (x.slice(1, 0, None, 2), "there are gaps between columns"),
            (x.narrow(0, 0, 1).expand([4, 3], false), "one number is four"),
            (x.internal_neg_view(), "the numbers in memory have the other sign"),
            (x.narrow(0, 0, 0), "no numbers"),
            (Tensor::new(), "no memory"),
            (x.to_sparse(None, None::<&[i64]>, None), "several pieces of memory"),
            (x.to_sparse_csr(None), "several pieces of memory"),
            (x.to_mkldnn(), "memory in an order of its own"),
        ] {
            assert!(read::<f32>(&tensor).is_none(), "{what}");
        }
        let bytes = [0_u64; 3];
        // SAFETY: the eight bytes of two numbers lie within `bytes`, which outlives the tensor.
        let crooked =
            unsafe { Tensor::from_blob(bytes.as_ptr().cast::<u8>().add(1), &[2], &[1], Kind::Float, Device::Cpu) };
        assert!(read::<f32>(&crooked).is_none(), "not aligned");
        assert!(with_slices([], [], |[]: [&mut [f32]; 0], []: [&[f32]; 0]| ()).is_none(), "no tensors");
    }

    #[test]
    fn tensors_are_used_together_only_if_they_have_the_same_layout() {
        let mut out = numbers(&[4, 3], Kind::Float);
        for other in
            [numbers(&[3, 4], Kind::Float), numbers(&[3, 4], Kind::Float).transpose(0, 1), out.to_kind(Kind::Half)]
        {
            assert!(copy::<f32>(&mut out, &other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_written_tensor_must_not_overlap_another_but_read_ones_may() {
        let x = numbers(&[4, 3], Kind::Float);
        let part = |begin| x.narrow(0, begin, 2);
        assert!(copy::<f32>(&mut part(0), &part(1)).is_none() && copy::<f32>(&mut part(1), &part(0)).is_none());
        assert!(copy::<f32>(&mut x.shallow_clone(), &x).is_none());
        let both = with_slices([&mut part(0), &mut part(0)], [], |_: [&mut [f32]; 2], []| ());
        assert!(both.is_none(), "two written ones");
        let sum = |[out]: [&mut [f32]; 1], [a, b]: [&[f32]; 2]| {
            out.iter_mut().zip(a).zip(b).for_each(|((o, a), b)| *o = a + b);
        };
        with_slices([&mut part(0)], [&part(2), &part(2)], sum).expect("the read ones are one memory");
        assert!(x.narrow(0, 0, 2).equal(&(x.narrow(0, 2, 2) * 2.0)));
    }

    #[test]
    fn autograd_notices_each_change_of_a_tensor_and_its_views_and_nothing_else() {
        let (mut x, y) = (numbers(&[4, 3], Kind::Float), numbers(&[4, 3], Kind::Float));
        let view = x.narrow(0, 1, 2);
        let versions = || [&x, &view, &y].map(Tensor::internal_version);
        let before = versions();
        read::<f32>(&x).expect("dense");
        assert!(copy::<f64>(&mut x.shallow_clone(), &y).is_none());
        assert_eq!(versions(), before);
        copy::<f32>(&mut x.shallow_clone(), &y).expect("dense");
        let [first, of_view, of_read] = versions();
        assert!(first > before[0] && of_view == first && of_read == before[2]);
        copy::<f32>(&mut view.shallow_clone(), &y.narrow(0, 0, 2)).expect("dense");
        assert!(x.internal_version() > first, "a view's change is its tensor's");
        x = x.set_requires_grad(true);
        assert!(tch::no_grad(|| copy::<f32>(&mut x, &y)).is_some(), "a parameter, as an optimizer changes it");
        assert!(copy::<f32>(&mut x, &y).is_none(), "autograd follows and wants to do it itself");
    }
}
