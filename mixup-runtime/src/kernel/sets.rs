//! The memory of many sets of tensors at once, so that work on all of them can be shared out together.
//!
//! A set has a tensor that is changed, such as a parameter, one that is only read, such as its gradient, and the tensors that are kept of it from
//! one change to the next, such as its moments.

#![allow(unsafe_code, reason = "tch offers the memory of a tensor as a pointer only")]

use half::{bf16, f16};
use tch::{Kind, Tensor};

use super::{
    memory::{Number, plain},
    numbers::{Numbers, Slices},
    span::Span,
};

/// Tensors that belong together.
pub(crate) struct Set<'a, const KEPT: usize> {
    pub changed: &'a mut Tensor,
    pub read: &'a Tensor,
    /// Tensors that nothing outside of the set has: autograd is not told that they change.
    pub kept: &'a mut [Tensor; KEPT],
}

/// Calls `work` with the numbers of each set. They are `None` for a set that is not dense on the CPU, of a floating-point kind and of one layout,
/// and for one that shares memory with another one or within itself, unless both only read it.
///
/// Autograd learns that the changed tensors have changed, as with [`with_slices`](super::memory::with_slices). What that says of other threads, of
/// memory that was never written and of `work` holds here too.
pub(crate) fn with_sets<const KEPT: usize, Out>(
    sets: &mut [Set<'_, KEPT>],
    work: impl FnOnce(Vec<Option<Numbers<'_, KEPT>>>) -> Out + Sync,
) -> Out {
    let mut found: Vec<_> = sets.iter().map(Found::of).collect();
    leave_out_shared(&mut found);
    for (set, found) in sets.iter_mut().zip(&mut found) {
        // As in `with_slices`, this changes only the tensor's version.
        if found.is_some() && set.changed.f_transpose_(0, 0).is_err() {
            *found = None;
        }
    }
    let numbers = sets.iter_mut().zip(&found).map(|(set, found)| found.as_ref().map(|found| found.numbers(set)));
    work(numbers.collect())
}

/// Where the tensors of a set lie: the changed one, the kept ones, and the one that is read.
struct Found<const KEPT: usize> {
    kind: Kind,
    count: usize,
    changed: Span,
    kept: [Span; KEPT],
    read: Span,
}

impl<const KEPT: usize> Found<KEPT> {
    /// `None` unless the set consists of plain tensors of one layout, in a kind that has slices.
    fn of(set: &Set<'_, KEPT>) -> Option<Self> {
        match set.changed.f_kind().ok()? {
            Kind::Float => Self::of_kinds::<f32, f32>(set),
            Kind::Double => Self::of_kinds::<f64, f64>(set),
            Kind::Half => Self::of_kinds::<f16, f32>(set),
            Kind::BFloat16 => Self::of_kinds::<bf16, f32>(set),
            _ => None,
        }
    }

    fn of_kinds<T: Number, K: Number>(set: &Set<'_, KEPT>) -> Option<Self> {
        let (changed, read) = (plain::<T>(set.changed)?, plain::<T>(set.read)?);
        let mut kept = [changed.span(); KEPT];
        for (span, tensor) in kept.iter_mut().zip(&*set.kept) {
            let strided = plain::<K>(tensor).filter(|strided| strided.is_like(&changed))?;
            *span = strided.span();
        }
        let count = changed.span().bytes() / size_of::<T>();
        let found = Self { kind: T::KIND, count, changed: changed.span(), kept, read: read.span() };
        read.is_like(&changed).then_some(found)
    }

    /// The numbers of the set that this was found for.
    fn numbers<'a>(&self, set: &'a mut Set<'_, KEPT>) -> Numbers<'a, KEPT> {
        match self.kind {
            Kind::Double => Numbers::Double(self.slices(set)),
            Kind::Half => Numbers::Half(self.slices(set)),
            Kind::BFloat16 => Numbers::BFloat16(self.slices(set)),
            _ => Numbers::Float(self.slices(set)),
        }
    }

    fn slices<'a, T: Number, K: Number>(&self, set: &'a mut Set<'_, KEPT>) -> Slices<'a, T, K, KEPT> {
        let count = self.count;
        // SAFETY: `of_kinds` has found, for these `T` and `K`, that each of the tensors has `count` numbers, aligned and without gaps, and
        // `leave_out_shared` that no changed or kept one shares memory with any tensor of any set. The sets are borrowed until `work` has returned, so
        // their memory stays. `work` cannot reach a tensor, and the top of `memory` says what other threads may do.
        unsafe {
            Slices {
                changed: std::slice::from_raw_parts_mut(set.changed.data_ptr().cast::<T>(), count),
                read: std::slice::from_raw_parts(set.read.data_ptr().cast::<T>().cast_const(), count),
                kept: set
                    .kept
                    .each_mut()
                    .map(|kept| std::slice::from_raw_parts_mut(kept.data_ptr().cast::<K>(), count)),
            }
        }
    }
}

/// Leaves out each set that has memory in common with another one, or within itself, of which any is written.
fn leave_out_shared<const KEPT: usize>(found: &mut [Option<Found<KEPT>>]) {
    let mut pieces = Vec::with_capacity(found.len() * (KEPT + 2));
    for (set, found) in found.iter().enumerate() {
        let Some(found) = found else { continue };
        pieces.push((found.changed, true, set));
        pieces.extend(found.kept.map(|kept| (kept, true, set)));
        pieces.push((found.read, false, set));
    }
    pieces.sort_unstable_by_key(|(span, ..)| span.begin());
    // Pieces that overlap, directly or by others between them, are one run of pieces.
    let mut rest = &pieces[..];
    while let Some(((first, ..), after)) = rest.split_first() {
        let mut end = first.end();
        let more = after.iter().take_while(|(span, ..)| {
            let within = span.begin() < end;
            end = end.max(span.end());
            within
        });
        let (run, others) = rest.split_at(1 + more.count());
        if run.len() > 1 && run.iter().any(|(_, written, _)| *written) {
            for (.., set) in run {
                found[*set] = None;
            }
        }
        rest = others;
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::{super::numbers::kept_kind, *};

    fn tensor(size: &[i64], kind: Kind) -> Tensor {
        let count: i64 = size.iter().product();
        Tensor::arange(count, (Kind::Double, Device::Cpu)).reshape(size).to_kind(kind)
    }

    fn set_first<T>(numbers: &mut [T], first: T) -> bool {
        numbers[0] = first;
        true
    }

    /// Which sets of a changed, a read and a kept tensor have numbers; the first number of each changed one that has becomes 1.
    fn have_numbers(sets: &mut [(Tensor, Tensor, Tensor)]) -> Vec<bool> {
        let mut kept: Vec<_> = sets.iter().map(|(.., kept)| [kept.shallow_clone()]).collect();
        let sets = sets.iter_mut().zip(&mut kept);
        let mut sets: Vec<_> = sets.map(|((changed, read, _), kept)| Set { changed, read, kept }).collect();
        with_sets(&mut sets, |all| {
            let each = all.into_iter().map(|numbers| match numbers {
                Some(Numbers::Float(Slices { changed, .. })) => set_first(changed, 1.0),
                Some(Numbers::Double(Slices { changed, .. })) => set_first(changed, 1.0),
                Some(Numbers::Half(Slices { changed, .. })) => set_first(changed, f16::ONE),
                Some(Numbers::BFloat16(Slices { changed, .. })) => set_first(changed, bf16::ONE),
                None => false,
            });
            each.collect()
        })
    }

    fn set(size: &[i64], kind: Kind) -> (Tensor, Tensor, Tensor) {
        (tensor(size, kind), tensor(size, kind), tensor(size, kept_kind(kind)))
    }

    #[test]
    fn sets_of_each_kind_have_numbers_and_what_is_written_is_in_the_tensors() {
        for kind in [Kind::Float, Kind::Double, Kind::Half, Kind::BFloat16] {
            let mut sets = [set(&[2, 3], kind), set(&[1], kind), set(&[], kind)];
            assert_eq!(have_numbers(&mut sets), [true; 3], "{kind:?}");
            let first = sets.each_ref().map(|(changed, ..)| changed.view([-1]).int64_value(&[0]));
            assert_eq!(first, [1; 3], "{kind:?}");
        }
        assert_eq!(have_numbers(&mut [set(&[2], Kind::Int64)]), [false]);
    }

    #[test]
    fn a_set_has_numbers_only_if_its_tensors_have_the_same_layout_and_fitting_kinds() {
        let x = || tensor(&[4, 3], Kind::Float);
        let crosswise = || tensor(&[3, 4], Kind::Float).transpose(0, 1);
        assert_eq!(
            have_numbers(&mut [(crosswise(), crosswise(), crosswise())]),
            [true],
            "any order, if it is the same"
        );
        let row = || tensor(&[1, 3], Kind::Float);
        let as_column = tensor(&[3, 1], Kind::Float).transpose(0, 1);
        assert_eq!(have_numbers(&mut [(row(), as_column, row())]), [true], "a dimension of one index has any stride");
        let others = [
            (crosswise(), x(), x()),
            (x(), crosswise(), x()),
            (x(), x(), crosswise()),
            (x(), x(), tensor(&[4, 3], Kind::Double)),
            (x(), tensor(&[4, 3], Kind::Half), x()),
            (tensor(&[4, 3], Kind::Half), tensor(&[4, 3], Kind::Half), tensor(&[4, 3], Kind::Half)),
            (x(), Tensor::new(), x()),
            (x(), x().to_sparse(None, None::<&[i64]>, None), x()),
        ];
        for mut other in others {
            assert_eq!(have_numbers(std::slice::from_mut(&mut other)), [false], "{other:?}");
        }
    }

    #[test]
    fn sets_that_share_written_memory_are_left_out_and_the_others_are_not() {
        let whole = tensor(&[6, 3], Kind::Float);
        let rows = |begin, length| whole.narrow(0, begin, length);
        let own = || set(&[2, 3], Kind::Float);
        let with = |changed: Tensor| (changed, own().1, own().2);
        let mut sets = [with(rows(0, 2)), own(), with(rows(2, 2)), with(rows(3, 2))];
        assert_eq!(have_numbers(&mut sets), [true, true, false, false], "two that are changed");
        let mut sets = [with(rows(0, 2)), (own().0, rows(1, 2), own().2), own()];
        assert_eq!(have_numbers(&mut sets), [false, false, true], "one reads what another one changes");
        let mut sets = [(own().0, rows(0, 2), own().2), (own().0, rows(1, 2), own().2)];
        assert_eq!(have_numbers(&mut sets), [true, true], "both read");
        let mut sets = [(rows(0, 2), rows(0, 2), own().2), (rows(2, 2), own().1, rows(2, 2)), own()];
        assert_eq!(have_numbers(&mut sets), [false, false, true], "within a set");
    }

    #[test]
    fn autograd_notices_the_change_of_a_set_that_has_numbers() {
        let versions = |set: &(Tensor, Tensor, Tensor)| [&set.0, &set.1].map(Tensor::internal_version);
        let mut changed = set(&[2], Kind::Float);
        let before = versions(&changed);
        have_numbers(std::slice::from_mut(&mut changed));
        assert!(versions(&changed)[0] > before[0] && versions(&changed)[1] == before[1]);
        let mut left = (changed.0.shallow_clone(), Tensor::new(), changed.2.shallow_clone());
        let before = left.0.internal_version();
        have_numbers(std::slice::from_mut(&mut left));
        assert_eq!(left.0.internal_version(), before);
        let mut param = (tensor(&[2], Kind::Float).set_requires_grad(true), changed.1, changed.2);
        assert_eq!(
            have_numbers(std::slice::from_mut(&mut param)),
            [false],
            "autograd follows and wants to do it itself"
        );
        assert_eq!(tch::no_grad(|| have_numbers(std::slice::from_mut(&mut param))), [true]);
    }
}
