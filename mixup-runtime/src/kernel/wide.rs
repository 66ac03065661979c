//! Runs loops in the processor's widest registers.
//!
//! The compiler turns a plain loop over slices into code for wide registers by itself, but only for registers that every
//! processor of the target has. On x86-64 these are half as wide as those that nearly all processors have.

#![allow(clippy::inline_always, reason = "only what is inlined into a function is compiled for its registers")]

/// A loop that is worth wide registers.
///
/// Mark `run`, and the functions that it calls in the loop, with `#[inline(always)]`: only what becomes part of
/// [`in_widest_registers`] is compiled for these registers.
pub(crate) trait Loop {
    /// Runs the whole loop.
    fn run(self);
}

/// Runs the loop, compiled for the widest registers that this processor has. The result is the same to the bit in all of them.
pub(crate) fn in_widest_registers(numbers: impl Loop) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn with_avx2(numbers: impl Loop) {
            numbers.run();
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the line above has checked that this processor has AVX2.
            #[allow(unsafe_code, reason = "the compiler can't know which processor runs this")]
            return unsafe { with_avx2(numbers) };
        }
    }
    numbers.run();
}
