//! Numbers fetched into the cache before they are read.
//!
//! Within a slice the processor reads ahead by itself. The beginning of the next slice it cannot guess, so it would wait for
//! that slice's first numbers and then read slowly for a while: a third of the time where slices of 32 KiB come from main
//! memory.

#![allow(unsafe_code, reason = "a prefetch takes an address")]
#![allow(clippy::inline_always, reason = "only what is inlined into a function is compiled for its registers")]

/// Where the numbers begin that will be read next, or nowhere.
#[derive(Clone, Copy)]
pub(crate) struct Ahead<T>(Option<*const T>);

impl<T> Ahead<T> {
    /// How many bytes are fetched at a time.
    const STEP: usize = 1024;

    pub(crate) const NOWHERE: Self = Self(None);

    pub(crate) fn of(numbers: &[T]) -> Self {
        Self(Some(numbers.as_ptr()))
    }

    /// How many of `len` numbers to work on between two calls of [`fetch`](Self::fetch): all where nothing is fetched.
    pub(crate) fn step(self, len: usize) -> usize {
        if self.0.is_some() { Self::STEP / size_of::<T>() } else { len.max(1) }
    }

    /// Has the `len` numbers from the `at`-th on brought into the cache, where there is a way to do so.
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
