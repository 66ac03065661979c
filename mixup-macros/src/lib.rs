//! `#[callback]`: a plain `impl` block becomes the hooks of a training.
//!
//! The pipeline is the list of files: `parse` (what stands there), `check` (what is wrong with it, all at once), `expand`
//! (the trait's implementation), against the one table in `hooks`. Users find it as `mixup::callback`.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod hooks;
mod runtime;

use proc_macro::TokenStream;

/// What the runtime has of the table of hooks: only for `mixup-runtime`.
#[doc(hidden)]
#[proc_macro]
pub fn __runtime(_: TokenStream) -> TokenStream {
    runtime::expand().into()
}
