#![doc = include_str!("../README.md")]

/// The pages in `docs`, by name: their examples are tested as those of these comments are.
#[cfg(doctest)]
mod pages {
    macro_rules! pages {
        ($($page:ident),*) => { $(#[doc = include_str!(concat!("../docs/", stringify!($page), ".md"))] mod $page {})* };
    }

    pages!(callbacks, mixing);
}

pub use mixup_macros::{callback, hook, on};
pub use mixup_runtime::*;
