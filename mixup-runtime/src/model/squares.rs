//! The sum of the squares of a tensor's numbers, in one pass over its memory.

#![allow(clippy::inline_always, reason = "only what is inlined into the kernel is compiled for wide registers")]

use half::{bf16, f16};
use tch::Tensor;

use crate::kernel::{
    memory::{Number, with_slices},
    threads::{share_out, threads_for},
    wide::{Loop, in_widest_registers},
};

/// The sum in `f64`; `None` unless the tensor is a dense one of floating-point numbers on the CPU. It is the same for any number of threads.
pub(super) fn sum_of_squares(tensor: &Tensor) -> Option<f64> {
    fn of<T: Number + Into<f64>>(tensor: &Tensor) -> Option<f64> {
        with_slices([], [tensor], |[]: [&mut [T]; 0], [numbers]: [&[T]; 1]| sum(numbers))
    }
    of::<f32>(tensor).or_else(|| of::<f64>(tensor)).or_else(|| of::<f16>(tensor)).or_else(|| of::<bf16>(tensor))
}

/// How many numbers are summed at a time, by one thread.
const PART: usize = 64 * 1024;

fn sum<T: Number + Into<f64>>(numbers: &[T]) -> f64 {
    let mut sums = vec![0.0; numbers.len().div_ceil(PART)];
    let parts = numbers.chunks(PART).zip(&mut sums).map(|(numbers, sum)| Squares { numbers, sum }).collect();
    share_out(parts, threads_for(size_of_val(numbers)), || |part: Squares<'_, T>| in_widest_registers(part));
    sums.iter().sum()
}

struct Squares<'a, T> {
    numbers: &'a [T],
    sum: &'a mut f64,
}

impl<T: Number + Into<f64>> Loop for Squares<'_, T> {
    #[inline(always)]
    fn run(self) {
        /// How many sums there are, so that an addition need not wait for the one before it.
        const LANES: usize = 16;
        let (blocks, rest) = self.numbers.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for block in blocks {
            for (sum, &number) in sums.iter_mut().zip(block) {
                let number: f64 = number.into();
                *sum += number * number;
            }
        }
        for (sum, &number) in sums.iter_mut().zip(rest) {
            let number: f64 = number.into();
            *sum += number * number;
        }
        *self.sum = sums.iter().sum();
    }
}
