//! `#[callback]`: a plain `impl` block becomes the hooks of a training.
//!
//! The pipeline is the list of files: `parse` (what stands there), `check` (what is wrong with it, all at once; `meant`
//! finds what to say), `expand` (the trait's implementation), against the one table in `hooks`. Users find it as `mixup::callback`.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod check;
mod expand;
mod hooks;
mod meant;
mod mistakes;
mod parse;
mod runtime;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes a callback of a type, out of one of its `impl` blocks.
///
/// A method that is named after a hook runs at that moment of the training. Its parameters ask for what there is by name,
/// and get exactly that:
///
/// ```
/// use mixup::prelude::*;
///
/// struct StopAt {
///     accuracy: f64,
/// }
///
/// #[callback]
/// impl StopAt {
///     fn on_epoch_end(&self, epoch: usize, last_metrics: &[f64]) -> Option<StopTraining> {
///         let reached = last_metrics.first().is_some_and(|accuracy| *accuracy >= self.accuracy);
///         reached.then(|| StopTraining::because(format!("{} reached in epoch {epoch}", self.accuracy)))
///     }
/// }
///
/// assert_eq!(StopAt::NAME, "StopAt");
/// ```
///
/// The block stays as it is: a hook is still a method, and what is no hook is left alone, save that a method that begins
/// with `on_` and is no hook is taken for a slip. Such a helper belongs in a block without `#[callback]`. A type has one block
/// with it.
///
/// # Hooks
///
/// A hook takes `&mut self` or `&self`. Type parameters, lifetimes and bounds are the block's; `#[cfg(…)]` may stand on the
/// block, on a hook and on a parameter. A callback is `Send` and borrows nothing, so that it can stay with the learner.
///
/// # Parameters
///
/// What is a copy is taken by value (`epoch: usize`), what can be read by `&` (`last_metrics: &[f64]`), and what can be
/// changed by `&mut`, or by `&` if it stays as it is (`last_input: &mut Input`, `last_target: &Target`). The next hook, and
/// whoever else asks, sees what was changed. A parameter that is not used may begin with an underscore: `_epoch` asks for
/// `epoch`. Only what some callback asks for is computed, where computing it costs something.
///
/// # What a hook returns
///
/// Nothing, one of its flow values, an `Option` of one, or a `Result` of any of these. An error ends the training and says
/// which callback it came from, in which hook, epoch and batch. Its type is a `std::error::Error + Send + Sync`, or what
/// becomes one as `String` does.
///
/// ```
/// # use mixup::prelude::*;
/// struct Watch<W>(W);
///
/// #[callback(order = 10, name = "watch")]
/// impl<W: std::io::Write + Send> Watch<W> {
///     fn on_batch_end(&mut self, iteration: usize, smooth_loss: f64) -> std::io::Result<()> {
///         writeln!(self.0, "{iteration}\t{smooth_loss}")
///     }
/// }
/// ```
///
/// # Options
///
/// | option | what it says |
/// |---|---|
/// | `order = 10` | Its place among the others, an `i32` known at compile time: the smaller runs earlier, and in hooks named `…_end` later. 0 unless given. |
/// | `name = "watch"` | What messages and listings call it: the type's name unless given. |
/// | `crate = my::mixup` | Where the crate `mixup` is, if it isn't `::mixup`: for who has it under another name. |
///
#[doc = include_str!("hooks.md")]
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
