//! `#[callback]`: a plain `impl` block becomes the hooks of a training.
//!
//! The pipeline is the list of files: `parse` (what stands there), `check` (what is wrong with it, all at once), `expand`
//! (the trait's implementation), against the one table in `hooks`. Users find it as `mixup::callback`.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod check;
mod expand;
mod hooks;
mod mistakes;
mod parse;
mod runtime;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes a callback of an `impl` block: its methods named after hooks run there, with the values that they ask for by name.
#[proc_macro_attribute]
pub fn callback(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::callback(options.into(), &item.into()).into()
}

/// What the runtime has of the table of hooks: only for `mixup-runtime`.
#[doc(hidden)]
#[proc_macro]
pub fn __runtime(_: TokenStream) -> TokenStream {
    runtime::expand().into()
}
