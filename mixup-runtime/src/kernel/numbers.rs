//! The numbers of a set of tensors that belong together, as slices, and these cut into parts.

use half::{bf16, f16};
use tch::Kind;

/// The numbers of a set, in the order of their memory. All slices have the same length.
pub(crate) struct Slices<'a, T, K, const KEPT: usize> {
    pub changed: &'a mut [T],
    pub read: &'a [T],
    pub kept: [&'a mut [K]; KEPT],
}

/// The numbers of a set by their kind. What is kept of numbers of half precision is in single precision.
pub(crate) enum Numbers<'a, const KEPT: usize> {
    Float(Slices<'a, f32, f32, KEPT>),
    Double(Slices<'a, f64, f64, KEPT>),
    Half(Slices<'a, f16, f32, KEPT>),
    BFloat16(Slices<'a, bf16, f32, KEPT>),
}

/// The kind in which tensors are kept of one of this kind.
pub(crate) fn kept_kind(kind: Kind) -> Kind {
    if matches!(kind, Kind::Half | Kind::BFloat16) { Kind::Float } else { kind }
}

impl<T, K, const KEPT: usize> Slices<'_, T, K, KEPT> {
    /// The size of all slices together.
    fn bytes(&self) -> usize {
        size_of_val(self.changed)
            + size_of_val(self.read)
            + self.kept.iter().map(|kept| size_of_val(*kept)).sum::<usize>()
    }

    /// Calls `each` with parts of up to `len` numbers, in their order.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "what is inlined into a loop is compiled for its registers")]
    pub(crate) fn cut(self, len: usize, mut each: impl FnMut(Self)) {
        let mut kept = self.kept.map(|kept| kept.chunks_mut(len));
        for (changed, read) in self.changed.chunks_mut(len).zip(self.read.chunks(len)) {
            let kept = kept.each_mut().map(|kept| kept.next().unwrap_or_default());
            each(Slices { changed, read, kept });
        }
    }
}

impl<const KEPT: usize> Numbers<'_, KEPT> {
    /// The size of all slices together.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Float(slices) => slices.bytes(),
            Self::Double(slices) => slices.bytes(),
            Self::Half(slices) => slices.bytes(),
            Self::BFloat16(slices) => slices.bytes(),
        }
    }

    /// Calls `each` with parts of up to `len` numbers, in their order.
    pub(crate) fn cut(self, len: usize, mut each: impl FnMut(Self)) {
        match self {
            Self::Float(slices) => slices.cut(len, |part| each(Self::Float(part))),
            Self::Double(slices) => slices.cut(len, |part| each(Self::Double(part))),
            Self::Half(slices) => slices.cut(len, |part| each(Self::Half(part))),
            Self::BFloat16(slices) => slices.cut(len, |part| each(Self::BFloat16(part))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "the numbers are whole")]

    use super::*;

    #[test]
    fn parts_have_all_numbers_in_their_order() {
        let (mut changed, read) = ((0..10).map(f64::from).collect::<Vec<_>>(), [0.0; 10]);
        let mut kept = changed.clone();
        let slices = Slices { changed: &mut changed, read: &read, kept: [&mut kept] };
        let mut lengths = Vec::new();
        Numbers::Double(slices).cut(4, |part| {
            let bytes = part.bytes();
            let Numbers::Double(Slices { changed, kept: [kept], .. }) = part else { panic!("another kind") };
            assert!(changed == kept && bytes == 3 * size_of_val(kept));
            lengths.push(changed.len());
            kept.fill(-1.0);
        });
        assert_eq!(lengths, [4, 4, 2]);
        assert_eq!(kept, [-1.0; 10]);
    }
}
