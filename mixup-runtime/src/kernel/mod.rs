//! The only folder with `unsafe`: the memory of tensors as slices, loops in the widest registers, and work on threads.
//!
//! | file | what it offers | what its `unsafe` relies on |
//! |---|---|---|
//! | `span` | where the numbers of a tensor lie | nothing: it has none |
//! | `memory` | the numbers of tensors of one layout, as slices | the tensors are borrowed, dense and do not overlap |
//! | `filled` | new tensors that are written once | nobody else has a new tensor |
//! | `numbers` | the numbers of a parameter and of what belongs to it, cut into parts | nothing: it has none |
//! | `sets` | the same for many sets of tensors at once, each of its own layout | as `memory`, for all sets together |
//! | `wide` | a loop compiled for the processor's widest registers | the processor was asked whether it has them |
//! | `ahead` | numbers fetched into the cache before they are read | a prefetch has no effect that a program can see |
//! | `cuda` | libtorch's CUDA library, loaded by name | its initializers only register it with libtorch |
//! | `threads` | work distributed over libtorch's own threads | the signatures of two functions of GCC's OpenMP |
//!
//! The kernel knows nothing about the rooms above it. Its callers decide what is computed, in safe code on slices.
//!
//! After a change here, run the tests in these files and all of `tests/mixup` under the compiler's address sanitizer;
//! `CONTRIBUTING.md` has the command.

pub(crate) mod ahead;
pub(crate) mod cuda;
pub(crate) mod filled;
pub(crate) mod memory;
pub(crate) mod numbers;
pub(crate) mod sets;
pub(crate) mod span;
pub(crate) mod threads;
pub(crate) mod wide;
