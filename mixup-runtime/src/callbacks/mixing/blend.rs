//! The formula of a blend for each kind of number: λ·own + (1−λ)·other (arXiv:1710.09412, equation 1).

#![allow(clippy::inline_always, reason = "only what is inlined into the kernel is compiled for wide registers")]

use half::{bf16, f16, slice::HalfFloatSliceExt as _};

use crate::kernel::{
    ahead::Ahead,
    memory::Number,
    wide::{Loop, in_widest_registers},
};

/// Numbers that can be blended, each kind in its own way. Slices are of equal length.
pub(super) trait Blend: Number {
    /// The kind in which numbers of this kind are weighted and summed.
    type Weight: Copy + Send + Sync;

    /// A weight, rounded to that kind.
    fn weight(weight: f64) -> Self::Weight;

    /// `own` becomes λ·own + (1−λ)·other.
    fn blend(own: &mut [Self], other: &[Self], weight: Self::Weight);

    /// `out` becomes λ·own + (1−λ)·other.
    fn blend_into(out: &mut [Self], own: &[Self], other: &[Self], weight: Self::Weight);
}

/// [`Blend::blend`] in wide registers. Meanwhile it fetches as many numbers from where `ahead` begins, which are read next.
pub(super) fn blend<T: Blend>(own: &mut [T], other: &[T], weight: T::Weight, ahead: Ahead<T>) {
    struct InPlace<'a, T: Blend>(&'a mut [T], &'a [T], T::Weight, Ahead<T>);
    impl<T: Blend> Loop for InPlace<'_, T> {
        #[inline(always)]
        fn run(self) {
            let Self(own, other, weight, ahead) = self;
            let step = ahead.step(own.len());
            for (at, (own, other)) in own.chunks_mut(step).zip(other.chunks(step)).enumerate() {
                ahead.fetch(at * step, own.len());
                T::blend(own, other, weight);
            }
        }
    }
    in_widest_registers(InPlace(own, other, weight, ahead));
}

/// [`Blend::blend_into`] in wide registers, with `ahead` as in [`blend`].
pub(super) fn blend_into<T: Blend>(out: &mut [T], own: &[T], other: &[T], weight: T::Weight, ahead: Ahead<T>) {
    struct Into<'a, T: Blend>(&'a mut [T], &'a [T], &'a [T], T::Weight, Ahead<T>);
    impl<T: Blend> Loop for Into<'_, T> {
        #[inline(always)]
        fn run(self) {
            let Self(out, own, other, weight, ahead) = self;
            let step = ahead.step(out.len());
            let chunks = out.chunks_mut(step).zip(own.chunks(step)).zip(other.chunks(step));
            for (at, ((out, own), other)) in chunks.enumerate() {
                ahead.fetch(at * step, out.len());
                T::blend_into(out, own, other, weight);
            }
        }
    }
    in_widest_registers(Into(out, own, other, weight, ahead));
}

/// Kinds that are weighted and summed in themselves.
macro_rules! in_itself {
    ($kind:ident) => {
        impl Blend for $kind {
            type Weight = $kind;

            fn weight(weight: f64) -> $kind {
                weight as $kind
            }

            #[inline(always)]
            fn blend(own: &mut [$kind], other: &[$kind], weight: $kind) {
                let rest = 1.0 - weight;
                for (own, other) in own.iter_mut().zip(other) {
                    *own = weight * *own + rest * *other;
                }
            }

            #[inline(always)]
            fn blend_into(out: &mut [$kind], own: &[$kind], other: &[$kind], weight: $kind) {
                let rest = 1.0 - weight;
                for ((out, own), other) in out.iter_mut().zip(own).zip(other) {
                    *out = weight * *own + rest * *other;
                }
            }
        }
    };
}

in_itself!(f32);
in_itself!(f64);

/// How many numbers of half precision are converted to `f32` at a time.
const CONVERTED: usize = 256;

/// Kinds of half precision: weighted and summed in `f32`, and rounded once.
macro_rules! in_single {
    ($kind:ident) => {
        impl Blend for $kind {
            type Weight = f32;

            fn weight(weight: f64) -> f32 {
                weight as f32
            }

            #[inline(always)]
            fn blend(own: &mut [$kind], other: &[$kind], weight: f32) {
                let (mut singles, mut other_singles) = ([0.0_f32; CONVERTED], [0.0_f32; CONVERTED]);
                for (own, other) in own.chunks_mut(CONVERTED).zip(other.chunks(CONVERTED)) {
                    let (singles, other_singles) = (&mut singles[..own.len()], &mut other_singles[..other.len()]);
                    own.convert_to_f32_slice(singles);
                    other.convert_to_f32_slice(other_singles);
                    f32::blend(singles, other_singles, weight);
                    own.convert_from_f32_slice(singles);
                }
            }

            #[inline(always)]
            fn blend_into(out: &mut [$kind], own: &[$kind], other: &[$kind], weight: f32) {
                out.copy_from_slice(own);
                Self::blend(out, other, weight);
            }
        }
    };
}

in_single!(f16);
in_single!(bf16);
