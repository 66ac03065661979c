//! Blends rows with each other along the cycles of a permutation.
//!
//! Row `i` becomes λᵢ·rowᵢ + (1−λᵢ)·row of its partner (arXiv:1710.09412, equation 1). Along a cycle each row's partner is the
//! row that is blended next: it is in the cache already when its turn comes, so each row comes from memory once and goes
//! there once. In place only the cycle's first row is set aside, for the last one, whose partner it is. All of this is done
//! for some columns at a time: few enough that two rows of them stay in the cache, and threads share out the columns.
//!
//! How the columns are cut and who blends them does not touch the numbers: the bits are the same with any number of threads.

use std::sync::{Mutex, PoisonError};

use super::kernel::{self, Number};

/// How many bytes of a row are blended at a time: two such pieces, and the one set aside, fit into a core's second cache, and
/// each is long enough that the memory is read ahead.
const PIECE: usize = 64 * 1024;

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
    fn cycles(&self) -> impl Iterator<Item = &[usize]> {
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
    let weights = pairs.weights::<T>();
    share_out(columns(data, row), threads, || {
        let mut aside = Vec::new();
        let (pairs, weights) = (&pairs, &weights);
        move |_, mut pieces: Vec<&mut [T]>| {
            for cycle in pairs.cycles() {
                let [first, .., last] = cycle else { continue }; // who is its own partner stays as it is
                aside.clear();
                aside.extend_from_slice(pieces[*first]);
                for pair in cycle.windows(2) {
                    // Rows of one cycle differ, so they can be had both at once.
                    if let Ok([own, other]) = pieces.get_disjoint_mut([pair[0], pair[1]]) {
                        kernel::blend(own, other, weights[pair[0]]);
                    }
                }
                kernel::blend(pieces[*last], &aside, weights[*last]);
            }
        }
    });
    true
}

/// Writes the blends of the rows in `data` into `out`. False, and nothing is done, where lengths don't come out even.
pub(super) fn into<T: Number>(out: &mut [T], data: &[T], pairs: &Pairs<'_>, threads: usize) -> bool {
    let Some(row) = row_length(data.len(), pairs).filter(|_| out.len() == data.len()) else { return false };
    let weights = pairs.weights::<T>();
    share_out(columns(out, row), threads, || {
        let (pairs, weights) = (&pairs, &weights);
        move |begin, mut pieces: Vec<&mut [T]>| {
            for cycle in pairs.cycles() {
                let partners = cycle.iter().cycle().skip(1);
                for (&own, &other) in cycle.iter().zip(partners) {
                    let out = &mut *pieces[own];
                    let of = |number: usize| &data[number * row + begin..][..out.len()];
                    if own == other {
                        out.copy_from_slice(of(own));
                    } else {
                        kernel::blend_into(out, of(own), of(other), weights[own]);
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

/// Has each range of columns blended, by this thread and up to `threads - 1` others; each asks `worker` for its own hands.
fn share_out<'a, T: Number, W: FnMut(usize, Vec<&'a mut [T]>)>(
    columns: Vec<(usize, Vec<&'a mut [T]>)>,
    threads: usize,
    worker: impl Fn() -> W + Sync,
) {
    let threads = threads.clamp(1, columns.len().max(1));
    if threads == 1 {
        let mut work = worker();
        return columns.into_iter().for_each(|(begin, pieces)| work(begin, pieces));
    }
    let columns = Mutex::new(columns.into_iter());
    let work = || {
        let mut work = worker();
        loop {
            // A panic can't come between: nothing but `next` runs while the lock is held.
            let next = columns.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((begin, pieces)) = next else { return };
            work(begin, pieces);
        }
    };
    rayon::in_place_scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| work());
        }
        work();
    });
}
