//! Fetches numbers into the cache before they are read.
//!
//! Within a slice the processor reads ahead by itself. But it cannot guess where the next slice begins, so it would wait for
//! the first numbers of that slice and then read slowly for a while. For slices of 32 KiB in main memory this takes a third of
//! the time.

#![allow(unsafe_code, reason = "a prefetch takes an address")]
#![allow(clippy::inline_always, reason = "only what is inlined into a function is compiled for its registers")]

/// The beginning of the numbers that will be read next, if there are any.
#[derive(Clone, Copy)]
pub(crate) struct Ahead<T>(Option<*const T>);

impl<T> Ahead<T> {
    /// How many bytes are fetched at a time.
    const STEP: usize = 1024;

    pub(crate) const NOWHERE: Self = Self(None);

    pub(crate) fn of(numbers: &[T]) -> Self {
        Self(Some(numbers.as_ptr()))
    }

    /// How many of `len` numbers to work on between two calls of [`fetch`](Self::fetch): all of them if nothing is fetched.
    pub(crate) fn step(self, len: usize) -> usize {
        if self.0.is_some() { Self::STEP / size_of::<T>() } else { len.max(1) }
    }

    /// Fetches `len` numbers, from the `at`-th on, into the cache. Does nothing if the processor is not an x86-64.
    #[inline(always)]
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "only x86-64 has it in stable Rust"))]
    pub(crate) fn fetch(self, at: usize, len: usize) {
        #[cfg(target_arch = "x86_64")]
        if let Self(Some(begin)) = self {
            use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
            const LINE: usize = 64;
            for line in (0..len).step_by(LINE / size_of::<T>()) {
                let line = begin.wrapping_add(at + line).cast();
                // SAFETY: a prefetch neither reads nor changes anything that a program can see, whatever the address is.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(line) };
            }
        }
    }
}
