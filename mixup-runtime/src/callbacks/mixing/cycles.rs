//! Blends rows with each other along the cycles of a permutation.
//!
//! Row `i` becomes λᵢ·rowᵢ + (1−λᵢ)·row of its partner (arXiv:1710.09412, equation 1). Along a cycle each row's partner is the
//! row that is blended next: it is in the cache already when its turn comes, so each row comes from memory once and goes
//! there once. In place only the cycle's first row is set aside, for the last one, whose partner it is. All of this is done
//! for some columns at a time: few enough that two rows of them stay in the cache, and threads share out the columns.
//!
//! How the columns are cut and who blends them does not touch the numbers: the bits are the same with any number of threads.

use std::sync::{Mutex, PoisonError};

use super::kernel::{self, Ahead, Number};

/// How many bytes of a row are blended at a time: two such pieces, and the one set aside, fit into a core's second cache, and
/// each is long enough that the memory is read ahead.
const PIECE: usize = 32 * 1024;

/// From this size on a batch does not stay in the cache from where it was made to here: the next row is then fetched while one
/// is blended. What is in the cache already comes faster without. (Tests go both ways.)
const FAR: usize = if cfg!(test) { 4096 } else { 8 * 1024 * 1024 };

/// Who is blended with whom, and by which weight.
#[derive(Debug)]
pub(super) struct Pairs<'a> {
    weights: &'a [f64],
    /// All rows, one cycle behind the other: a row's partner is the next one, the last one's the first.
    order: Vec<usize>,
    /// Where in `order` each cycle ends.
    ends: Vec<usize>,
}

impl<'a> Pairs<'a> {
    /// None where `partners` are no permutation of the rows, or there are not as many weights.
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

    /// The weights as numbers of this kind are weighed.
    fn weights<T: Number>(&self) -> Vec<T::Weight> {
        self.weights.iter().map(|&weight| T::weight(weight)).collect()
    }
}

/// Blends the rows that lie one behind the other in `data`, in place, with up to so many threads. False, and nothing is done,
/// where `data` does not come out even.
pub(super) fn in_place<T: Number>(data: &mut [T], pairs: &Pairs<'_>, threads: usize) -> bool {
    let Some(row) = row_length(data.len(), pairs) else { return false };
    let (weights, far) = (pairs.weights::<T>(), size_of_val(data) >= FAR);
    share_out(columns(data, row), threads, || {
        let mut aside = Vec::new();
        let (pairs, weights) = (&pairs, &weights);
        move |_, mut pieces: Vec<&mut [T]>| {
            for cycle in pairs.cycles() {
                let [first, .., last] = cycle else { continue }; // who is its own partner stays as it is
                aside.clear();
                aside.extend_from_slice(pieces[*first]);
                for (at, pair) in cycle.windows(2).enumerate() {
                    let next = cycle.get(at + 2).filter(|_| far);
                    let ahead = next.map_or(Ahead::NOWHERE, |next| Ahead::of(pieces[*next]));
                    // Rows of one cycle differ, so they can be had both at once.
                    if let Ok([own, other]) = pieces.get_disjoint_mut([pair[0], pair[1]]) {
                        kernel::blend(own, other, weights[pair[0]], ahead);
                    }
                }
                kernel::blend(pieces[*last], &aside, weights[*last], Ahead::NOWHERE);
            }
        }
    });
    true
}

/// Writes the blends of the rows in `data` into `out`. False, and nothing is done, where lengths don't come out even.
pub(super) fn into<T: Number>(out: &mut [T], data: &[T], pairs: &Pairs<'_>, threads: usize) -> bool {
    let Some(row) = row_length(data.len(), pairs).filter(|_| out.len() == data.len()) else { return false };
    let (weights, far) = (pairs.weights::<T>(), size_of_val(data) >= FAR);
    share_out(columns(out, row), threads, || {
        let (pairs, weights) = (&pairs, &weights);
        move |begin, mut pieces: Vec<&mut [T]>| {
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
                        kernel::blend_into(out, of(own), of(other), weights[own], ahead);
                    }
                }
            }
        }
    });
    true
}

/// How many numbers a row has; None where there are no rows or no numbers, or where they don't come out even.
fn row_length(numbers: usize, pairs: &Pairs<'_>) -> Option<usize> {
    let even = pairs.rows() > 0 && numbers > 0 && numbers.is_multiple_of(pairs.rows());
    even.then(|| numbers / pairs.rows())
}

/// The rows cut into pieces of some columns: for each such range where it begins, and each row's piece.
///
/// Short rows are not cut for the sake of the threads: where two cores change each row, the batch comes from the other one's
/// cache half of the time.
fn columns<T>(data: &mut [T], row: usize) -> Vec<(usize, Vec<&mut [T]>)> {
    let width = (PIECE / size_of::<T>()).max(1);
    let rows = data.len() / row;
    let mut columns: Vec<_> = (0..row).step_by(width).map(|begin| (begin, Vec::with_capacity(rows))).collect();
    for row in data.chunks_mut(row) {
        for ((_, pieces), piece) in columns.iter_mut().zip(row.chunks_mut(width)) {
            pieces.push(piece);
        }
    }
    columns
}

/// Has each range of columns blended, by up to so many threads, this one among them; each asks `worker` for its own hands.
///
/// Each begins with its own share, the same from batch to batch, which its core may have in its cache; who is through helps the
/// others.
fn share_out<'a, T: Number, W: FnMut(usize, Vec<&'a mut [T]>)>(
    columns: Vec<(usize, Vec<&'a mut [T]>)>,
    threads: usize,
    worker: impl Fn() -> W + Sync,
) {
    if threads <= 1 || columns.len() <= 1 {
        let mut work = worker();
        return columns.into_iter().for_each(|(begin, pieces)| work(begin, pieces));
    }
    let ranges: Vec<_> = columns.into_iter().map(|range| Mutex::new(Some(range))).collect();
    let work = |number: usize| {
        let mut work = worker();
        let (others, own) = ranges.split_at(number % threads * ranges.len() / threads);
        for range in own.iter().chain(others) {
            // A panic can't come between: nothing but `take` runs while the lock is held.
            let taken = range.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some((begin, pieces)) = taken {
                work(begin, pieces);
            }
        }
    };
    // Always by as many as libtorch uses: those that it has and are not called end, and would have to be begun anew.
    if !kernel::by_libtorch(threads, &work) {
        by_rayon(threads, &work);
    }
}

/// Has `work` called by up to so many threads, this one among them, each with its number; and waits for all of them; a panic
/// goes on only then.
fn by_rayon(threads: usize, work: &(dyn Fn(usize) + Sync)) {
    rayon::in_place_scope(|scope| {
        for number in 1..threads.min(rayon::current_num_threads()) {
            scope.spawn(move |_| work(number));
        }
        work(0);
    });
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::atomic::{AtomicUsize, Ordering},
    };

    use half::{bf16, f16};
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// The formula, in f64, of numbers that are taken as they are.
    fn blended(data: &[f64], partners: &[usize], weights: &[f64]) -> Vec<f64> {
        let row = data.len() / partners.len();
        let number = |at: usize| {
            let (own, column) = (at / row, at % row);
            weights[own] * data[at] + (1.0 - weights[own]) * data[partners[own] * row + column]
        };
        (0..data.len()).map(number).collect()
    }

    /// Permutations of each kind: any, the identity, one cycle of all, pairs.
    fn partners(rows: usize) -> impl Strategy<Value = Vec<usize>> {
        let identity: Vec<usize> = (0..rows).collect();
        let ring = (0..rows).map(|row| (row + 1) % rows).collect::<Vec<_>>();
        let pairs = (0..rows).map(|row| if row ^ 1 < rows { row ^ 1 } else { row }).collect::<Vec<_>>();
        prop_oneof![4 => Just(identity.clone()).prop_shuffle(), 1 => Just(identity), 1 => Just(ring), 1 => Just(pairs)]
    }

    fn weight() -> impl Strategy<Value = f64> {
        prop_oneof![4 => 0.5..1.0, 1 => Just(0.5), 1 => Just(1.0)]
    }

    /// Rows of some numbers, often of less than a piece, sometimes of several and a part of one.
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

    /// In place and not, with one thread and with several, against the formula.
    fn check<T: Number + PartialEq + std::fmt::Debug>(
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
        fn every_kind_is_blended_by_the_formula_to_its_own_precision(rows in rows()) {
            check::<f64>(&rows, |number| number, |number| number, f64::EPSILON);
            check::<f32>(&rows, |number| number as f32, f64::from, f64::from(f32::EPSILON));
            check::<f16>(&rows, f16::from_f64, f16::to_f64, f16::EPSILON.to_f64());
            check::<bf16>(&rows, bf16::from_f64, bf16::to_f64, bf16::EPSILON.to_f64());
        }

        /// Rounded once: the nearest `f16` to the sum in `f32`.
        #[test]
        fn half_precision_is_summed_in_f32(own in -1.0_f32..1.0, other in -1.0_f32..1.0, weight in weight()) {
            let mut data = [own, other].map(f16::from_f32);
            let [own, other] = data.map(f16::to_f32);
            let pairs = [weight, weight];
            assert!(in_place(&mut data, &Pairs::new(&[1, 0], &pairs).expect("a permutation"), 1));
            let weight = weight as f32;
            assert_eq!(data[0], f16::from_f32(weight * own + (1.0 - weight) * other));
        }
    }

    #[test]
    fn a_row_that_is_its_own_partner_keeps_its_bits() {
        let numbers = [0.1_f32, f32::NAN, f32::INFINITY, -0.0, 1e-45, 3.3];
        let weights = [0.7, 0.9];
        let pairs = Pairs::new(&[0, 1], &weights).expect("a permutation");
        let (mut own, mut out) = (numbers, [0.0; 6]);
        assert!(in_place(&mut own, &pairs, 1) && into(&mut out, &numbers, &pairs, 1));
        assert_eq!([own, out].map(|numbers| numbers.map(f32::to_bits)), [numbers.map(f32::to_bits); 2]);
    }

    #[test]
    fn what_is_no_permutation_or_does_not_come_out_even_is_left_alone() {
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

    /// Of libtorch's threads there may be none, or one: then there is less to see, and all the same.
    #[test]
    fn whoever_the_threads_belong_to_the_call_waits_for_each_and_hands_on_a_panic() {
        type Call<'a> = &'a dyn Fn(usize, &(dyn Fn(usize) + Sync)) -> bool;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads");
        let by_rayon = |threads, work: &(dyn Fn(usize) + Sync)| {
            pool.install(|| by_rayon(threads, work));
            true
        };
        let callers: [(usize, Call<'_>); 2] = [(1, &kernel::by_libtorch), (2, &by_rayon)];
        for (least, call) in callers {
            let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let count = || [&begun, &ended].map(|count| count.swap(0, Ordering::Relaxed));
            let work = |panics: bool| {
                let number = begun.fetch_add(1, Ordering::Relaxed);
                assert!(!panics || number > 0, "the first one");
                std::thread::sleep(std::time::Duration::from_millis(20));
                ended.fetch_add(1, Ordering::Relaxed);
            };
            if !call(2, &|_| work(false)) {
                continue;
            }
            let [called, through] = count();
            assert!(called >= least && called == through, "{called} called, {through} through");
            let panic = catch_unwind(AssertUnwindSafe(|| call(2, &|_| work(true)))).expect_err("one of them panics");
            assert_eq!(panic.downcast_ref(), Some(&"the first one"));
            let [called, through] = count();
            assert!(called >= least && called == through + 1, "{called} called, {through} through");
        }
    }

    #[test]
    fn a_panic_in_one_thread_reaches_the_caller_and_leaves_the_others_their_work() {
        let mut data = vec![0_f32; 64 * PIECE];
        let (threads, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            share_out::<f32, _>(columns(&mut data, 32 * PIECE), 2, || {
                threads.fetch_add(1, Ordering::Relaxed);
                |begin, _| {
                    assert!(begin > 0, "the first range of columns");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }));
        assert!(panicked.is_err());
        assert!(done.into_inner() > 0 || threads.into_inner() == 1, "the other thread had some, where there was one");
        assert!(
            in_place(&mut data, &Pairs::new(&[1, 0], &[0.5, 0.5]).expect("a permutation"), 2),
            "and more can be done"
        );
    }
}
