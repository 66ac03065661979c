#![doc = include_str!("../README.md")]
//!
//! # What a release may change
//!
//! The macros and the runtime are generated from one table of hooks. So `mixup`, `mixup-macros` and `mixup-runtime` are released
//! together, and each release requires the others in exactly the same version.
//!
//! - A patch release (0.1.0 to 0.1.1) may add hooks, values, flow values, filters and options, and may reword the compiler's
//!   messages. An existing callback still compiles and runs at the same moments. There are two exceptions: a function with
//!   `#[callback]` cannot have the name of a value, so it may need a new name when a value is added; and an event may get new
//!   fields, so a pattern for it must end with `..`.
//! - A minor release (0.1 to 0.2) may also rename or remove hooks and values, change the type of a value or the hooks that have
//!   it, and change the order in which hooks run. The changelog lists every such change.
#![forbid(unsafe_code)]

/// The pages in `docs`, by name: their examples are tested as those of these comments are.
#[cfg(doctest)]
mod pages {
    macro_rules! pages {
        ($($page:ident),*) => { $(#[doc = include_str!(concat!("../docs/", stringify!($page), ".md"))] mod $page {})* };
    }

    pages!(
        callbacks,
        checkpoints,
        coming_from,
        data,
        fine_tuning,
        first_hour,
        losses,
        mixing,
        own_project,
        predicting,
        ready_made,
        saving,
        steps
    );
}

pub use mixup_macros::{callback, hook, on};
pub use mixup_runtime::*;
