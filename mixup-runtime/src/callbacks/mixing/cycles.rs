//! Blends rows with each other along the cycles of a permutation.
//!
//! Row `i` becomes λᵢ·rowᵢ + (1−λᵢ)·row of its partner (arXiv:1710.09412, equation 1). Along a cycle each row's partner is the
//! row that is blended next, so it is in the cache already when its turn comes: each row is read from memory once and written
//! once. In place, only the first row of a cycle is set aside, for the last one, whose partner it is. All of this happens for a
//! range of columns at a time, few enough that two rows of them stay in the cache; threads share out these ranges.
//!
//! The bits of the result depend neither on how the columns are cut nor on who blends them: they are the same with any number of
//! threads.

use super::blend::{Blend, blend, blend_into};
use crate::kernel::{ahead::Ahead, threads::share_out};

/// How many bytes of a row are blended at a time: two such pieces, and the one set aside, fit into a core's second cache, and
/// each is long enough for the processor to read ahead.
const PIECE: usize = 32 * 1024;

/// From this size on a batch does not stay in the cache from where it was made to here, so the next row is fetched while one is
/// blended. What is in the cache comes faster without. (Tests take both ways.)
const FAR: usize = if cfg!(test) { 4096 } else { 8 * 1024 * 1024 };

/// Who is blended with whom, and by which weight.
#[derive(Debug)]
pub(super) struct Pairs<'a> {
    weights: &'a [f64],
    /// All rows, one cycle after the other: the partner of a row is the next one, that of the last one is the first.
    order: Vec<usize>,
    /// Where in `order` each cycle ends.
    ends: Vec<usize>,
}

impl<'a> Pairs<'a> {
    /// `None` unless `partners` are a permutation of the rows and there are as many weights.
    pub(super) fn new(partners: &[usize], weights: &'a [f64]) -> Option<Self> {
        if partners.len() != weights.len() {
            return None;
        }
        let (mut order, mut ends) = (Vec::with_capacity(partners.len()), Vec::new());
        let mut seen = vec![false; partners.len()];
        for first in 0..partners.len() {
            if seen[first] {
                continue;
            }
            let mut row = first;
            while !std::mem::replace(seen.get_mut(row)?, true) {
                order.push(row);
                row = partners[row];
            }
            if row != first {
                return None; // two rows have one partner
            }
            ends.push(order.len());
        }
        Some(Self { weights, order, ends })
    }

    /// How many rows there are.
    fn rows(&self) -> usize {
        self.order.len()
    }

    /// The rows of each cycle.
    pub(super) fn cycles(&self) -> impl Iterator<Item = &[usize]> {
        let begins = std::iter::once(&0).chain(&self.ends);
        begins.zip(&self.ends).map(|(begin, end)| &self.order[*begin..*end])
    }

    /// The weights in the kind in which numbers of this kind are weighted.
    fn weights<T: Blend>(&self) -> Vec<T::Weight> {
        self.weights.iter().map(|&weight| T::weight(weight)).collect()
    }
}

/// Blends the rows that lie one after the other in `data`, in place, on up to `threads` threads. False, and nothing happens, where
/// `data` is not a whole number of rows.
pub(super) fn in_place<T: Blend>(data: &mut [T], pairs: &Pairs<'_>, threads: usize) -> bool {
    let Some(row) = row_length(data.len(), pairs) else { return false };
    let (weights, far) = (pairs.weights::<T>(), size_of_val(data) >= FAR);
    share_out(columns(data, row), threads, || {
        let mut aside = Vec::new();
        let (pairs, weights) = (&pairs, &weights);
        move |Columns { mut pieces, .. }| {
            for cycle in pairs.cycles() {
                let [first, .., last] = cycle else { continue }; // a row that is its own partner stays as it is
                aside.clear();
                aside.extend_from_slice(pieces[*first]);
                for (at, pair) in cycle.windows(2).enumerate() {
                    let next = cycle.get(at + 2).filter(|_| far);
                    let ahead = next.map_or(Ahead::NOWHERE, |next| Ahead::of(pieces[*next]));
                    // The rows of a cycle differ, so both can be borrowed at once.
                    if let Ok([own, other]) = pieces.get_disjoint_mut([pair[0], pair[1]]) {
                        blend(own, other, weights[pair[0]], ahead);
                    }
                }
                blend(pieces[*last], &aside, weights[*last], Ahead::NOWHERE);
            }
        }
    });
    true
}

/// Writes the blends of the rows in `data` into `out`. False, and nothing happens, unless both have the same whole number of rows.
pub(super) fn into<T: Blend>(out: &mut [T], data: &[T], pairs: &Pairs<'_>, threads: usize) -> bool {
    let Some(row) = row_length(data.len(), pairs).filter(|_| out.len() == data.len()) else { return false };
    let (weights, far) = (pairs.weights::<T>(), size_of_val(data) >= FAR);
    share_out(columns(out, row), threads, || {
        let (pairs, weights) = (&pairs, &weights);
        move |Columns { begin, mut pieces }| {
            for cycle in pairs.cycles() {
                let partners = cycle.iter().cycle().skip(1);
                for (at, (&own, &other)) in cycle.iter().zip(partners).enumerate() {
                    let out = &mut *pieces[own];
                    let of = |number: usize| &data[number * row + begin..][..out.len()];
                    if own == other {
                        out.copy_from_slice(of(own));
                    } else {
                        let next = cycle.get(at + 2).filter(|_| far);
                        let ahead = next.map_or(Ahead::NOWHERE, |&next| Ahead::of(of(next)));
                        blend_into(out, of(own), of(other), weights[own], ahead);
                    }
                }
            }
        }
    });
    true
}

/// How many numbers a row has; `None` where there are no rows, no numbers, or not a whole number of rows.
fn row_length(numbers: usize, pairs: &Pairs<'_>) -> Option<usize> {
    let even = pairs.rows() > 0 && numbers > 0 && numbers.is_multiple_of(pairs.rows());
    even.then(|| numbers / pairs.rows())
}

/// A range of columns: where it begins, and each row's piece.
struct Columns<'a, T> {
    begin: usize,
    pieces: Vec<&'a mut [T]>,
}

/// The rows, cut into ranges of columns.
///
/// Short rows are not cut any further for the sake of the threads: where two cores change each row, the batch comes from the other
/// core's cache half of the time.
fn columns<T>(data: &mut [T], row: usize) -> Vec<Columns<'_, T>> {
    let width = (PIECE / size_of::<T>()).max(1);
    let rows = data.len() / row;
    let range = |begin| Columns { begin, pieces: Vec::with_capacity(rows) };
    let mut columns: Vec<_> = (0..row).step_by(width).map(range).collect();
    for row in data.chunks_mut(row) {
        for (range, piece) in columns.iter_mut().zip(row.chunks_mut(width)) {
            range.pieces.push(piece);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// The formula, in `f64`.
    fn blended(data: &[f64], partners: &[usize], weights: &[f64]) -> Vec<f64> {
        let row = data.len() / partners.len();
        let number = |at: usize| {
            let (own, column) = (at / row, at % row);
            weights[own] * data[at] + (1.0 - weights[own]) * data[partners[own] * row + column]
        };
        (0..data.len()).map(number).collect()
    }

    /// Permutations: any, the identity, one cycle of all rows, pairs.
    fn partners(rows: usize) -> impl Strategy<Value = Vec<usize>> {
        let identity: Vec<usize> = (0..rows).collect();
        let cycle = (0..rows).map(|row| (row + 1) % rows).collect::<Vec<_>>();
        let pairs = (0..rows).map(|row| if row ^ 1 < rows { row ^ 1 } else { row }).collect::<Vec<_>>();
        prop_oneof![4 => Just(identity.clone()).prop_shuffle(), 1 => Just(identity), 1 => Just(cycle), 1 => Just(pairs)]
    }

    fn weight() -> impl Strategy<Value = f64> {
        prop_oneof![4 => 0.5..1.0, 1 => Just(0.5), 1 => Just(1.0)]
    }

    /// Rows, most of them shorter than a piece, some of them of several pieces and a part of one.
    fn rows() -> impl Strategy<Value = (Vec<f64>, Vec<usize>, Vec<f64>)> {
        let row = prop_oneof![4 => 1_usize..70, 1 => 2 * PIECE / 8..2 * PIECE / 8 + 9];
        (1_usize..9, row).prop_flat_map(|(rows, row)| {
            let seed = any::<u32>().prop_map(move |seed| {
                let number = |at: u32| f64::from(at.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 8) / 8e6 - 1.0;
                (0..(rows * row) as u32).map(number).collect()
            });
            (seed, partners(rows), vec(weight(), rows))
        })
    }

    /// Compares both with the formula, in place and not, on one thread and on several.
    fn check<T: Blend + PartialEq + std::fmt::Debug>(
        (data, partners, weights): &(Vec<f64>, Vec<usize>, Vec<f64>),
        to: impl Fn(f64) -> T,
        from: impl Fn(T) -> f64,
        epsilon: f64,
    ) {
        let data: Vec<T> = data.iter().map(|&number| to(number)).collect();
        let exact: Vec<f64> = data.iter().map(|&number| from(number)).collect();
        let wanted = blended(&exact, partners, weights);
        let pairs = Pairs::new(partners, weights).expect("a permutation");
        let mut first: Option<Vec<T>> = None;
        for threads in [1, 2, 5] {
            let (mut own, mut out) = (data.clone(), data.clone());
            assert!(in_place(&mut own, &pairs, threads) && into(&mut out, &data, &pairs, threads));
            assert_eq!(own, out, "in place and not, {threads} threads");
            let bits = first.get_or_insert_with(|| own.clone());
            assert_eq!(*bits, own, "{threads} threads");
            for (at, (got, wanted)) in own.iter().zip(&wanted).enumerate() {
                let got = from(*got);
                assert!((got - wanted).abs() <= epsilon * 4.0, "number {at}: {got} for {wanted}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn blends_each_kind_by_the_formula_to_its_own_precision(rows in rows()) {
            check::<f64>(&rows, |number| number, |number| number, f64::EPSILON);
            check::<f32>(&rows, |number| number as f32, f64::from, f64::from(f32::EPSILON));
            check::<f16>(&rows, f16::from_f64, f16::to_f64, f16::EPSILON.to_f64());
            check::<bf16>(&rows, bf16::from_f64, bf16::to_f64, bf16::EPSILON.to_f64());
        }

        /// Rounded once: the nearest `f16` to the sum in `f32`.
        #[test]
        fn computes_half_precision_in_f32(own in -1.0_f32..1.0, other in -1.0_f32..1.0, weight in weight()) {
            let mut data = [own, other].map(f16::from_f32);
            let [own, other] = data.map(f16::to_f32);
            let pairs = [weight, weight];
            assert!(in_place(&mut data, &Pairs::new(&[1, 0], &pairs).expect("a permutation"), 1));
            let weight = weight as f32;
            assert_eq!(data[0], f16::from_f32(weight * own + (1.0 - weight) * other));
        }
    }

    #[test]
    fn keeps_the_bits_of_a_row_that_is_its_own_partner() {
        let numbers = [0.1_f32, f32::NAN, f32::INFINITY, -0.0, 1e-45, 3.3];
        let weights = [0.7, 0.9];
        let pairs = Pairs::new(&[0, 1], &weights).expect("a permutation");
        let (mut own, mut out) = (numbers, [0.0; 6]);
        assert!(in_place(&mut own, &pairs, 1) && into(&mut out, &numbers, &pairs, 1));
        assert_eq!([own, out].map(|numbers| numbers.map(f32::to_bits)), [numbers.map(f32::to_bits); 2]);
    }

    #[test]
    fn leaves_alone_what_is_not_a_permutation_or_not_a_whole_number_of_rows() {
        let weights = [0.5, 0.6, 0.7];
        for partners in [&[0, 0, 1][..], &[1, 2, 1], &[0, 1, 3], &[1, 0]] {
            assert!(Pairs::new(partners, &weights).is_none(), "{partners:?}");
        }
        let pairs = Pairs::new(&[1, 2, 0], &weights).expect("a permutation");
        let (mut data, mut short) = ([1.0_f32, 2.0, 3.0, 4.0], [0.0_f32; 3]);
        assert!(!in_place(&mut data, &pairs, 1) && !into(&mut short, &data, &pairs, 1));
        assert!(!in_place::<f32>(&mut [], &pairs, 1));
        assert!(!in_place::<f32>(&mut [], &Pairs::new(&[], &[]).expect("of nothing"), 1));
        assert_eq!((data, short), ([1.0, 2.0, 3.0, 4.0], [0.0; 3]));
    }
}
