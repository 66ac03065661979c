//! `#[callback]`: a plain `impl` block, a function or a closure becomes the hooks of a training.
//!
//! The pipeline is the list of rooms, each of which imports only those below it; `tests/layers.rs` checks the order:
//!
//! - `item`: what the macros stand on: an `impl` block, a function, a closure,
//! - `expand`: the implementation of `Callback`, as `snapshots` shows it,
//! - `check`: what is wrong with hooks, functions and closures, all at once,
//! - `options`, `filters`, `params`: what stands in parentheses, parsed and checked,
//! - `suggest`: which name was probably meant by one that does not exist,
//! - `runtime`: what `mixup-runtime` gets from the table,
//! - `hooks`: the one table of hooks and values,
//! - `tokens` (where the compiler shows them), `mistakes` (collected), `parse` (parts of an item).
//!
//! Users find it as `mixup::callback`.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod check;
mod expand;
mod filters;
mod hooks;
mod item;
mod mistakes;
mod options;
mod params;
mod parse;
mod runtime;
mod suggest;
#[cfg(test)]
mod tests;
mod tokens;

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
/// The block stays as it is: a hook is still a method, and what is no hook is left alone, save that a method is taken for a
/// slip if its name begins with `on_` or is that of an event in fastai v2, as `before_batch`. Such a helper belongs in a block
/// without `#[callback]`. A type has one block with it.
///
/// # Hooks
///
/// A hook takes `&mut self`, `&self`, or no `self` at all. Type parameters, lifetimes and bounds are the block's; `#[cfg(…)]`
/// may stand on the block, on a hook and on a parameter. A callback is `Send` and borrows nothing, so that it can stay with
/// the learner.
///
/// [`#[on(…)]`](macro@on) makes a hook of a method of any name, for one moment or several, and says when it runs. Several
/// methods may serve one hook: they run in the order in which they are written, and of what they return the one that skips the
/// most is taken.
///
/// # Parameters
///
/// What is a copy is taken by value (`epoch: usize`), what can be read by `&` (`last_metrics: &[f64]`), and what can be
/// changed by `&mut`, or by `&` if it stays as it is (`last_input: &mut Input`, `last_target: &Target`). The next hook, and
/// whoever else asks, sees what was changed. A parameter that is not used may begin with an underscore: `_epoch` asks for
/// `epoch`. Only what some callback asks for is computed, where computing it costs something.
///
/// Who wants everything asks for the event itself: `event: &mut BatchBegin<'_>` in `on_batch_begin`, with the hook's values as its
/// fields.
///
/// Another callback is asked for by its type: `recorder: &Recorder`, `mixup: Option<&mut MixUp>`. Where it is not an `Option`, a
/// learner without it is not built.
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
///     #[on(batch_end, train, every = 50)]
///     fn log(&mut self, iteration: usize, smooth_loss: f64) -> std::io::Result<()> {
///         writeln!(self.0, "{iteration}\t{smooth_loss}")
///     }
/// }
/// ```
///
/// # Functions
///
/// A function is a callback too. `#[callback(…)]` says its hook, and when it runs, as `#[on(…)]` does for a method. The
/// function's name is then that of a type, and of its one value, which a learner takes; the function itself is
/// `shout::shout`. So it cannot have the name of a value that hooks ask for. A closure is made one by [`hook!`](macro@hook).
///
/// ```
/// # use mixup::prelude::*;
/// #[callback(on_epoch_end, every = 5)]
/// fn shout(epoch: usize, valid_loss: Option<f64>) {
///     println!("{epoch}: {valid_loss:?}");
/// }
///
/// # let data = ImageData::digits()?.build()?;
/// let learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10])).callback(shout).build()?;
/// # let _ = learn;
/// shout::shout(3, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Options
///
/// | option | what it says |
/// |---|---|
/// | `order = 10` | Its place among the others, an `i32` known at compile time: the smaller runs earlier, and in hooks named `…_end` later. 0 unless given. |
/// | `before = Other`, `after = Other` | Its place beside a callback of another type, where there is one; this weighs more than `order`. May be there several times. |
/// | `name = "watch"` | What messages and listings call it, and the key of its state: the type's name unless given. |
/// | `state`, `state(best, waited)` | Its state belongs to a checkpoint: all of it (which then is `Serialize` and `DeserializeOwned`), or these fields. |
/// | `describe`, `describe(alpha)` | What a learner's summary tells of it: all fields (the type is `Debug`), or these. |
/// | `crate = my::mixup` | Where the crate `mixup` is, if it isn't `::mixup`: for who has it under another name. |
/// | `on_epoch_end, train, every = 5, …` | On a function: its hooks, and [when](macro@on) it runs. |
///
#[doc = include_str!("hooks.md")]
#[proc_macro_attribute]
pub fn callback(options: TokenStream, item: TokenStream) -> TokenStream {
    item::callback(options.into(), &item.into()).into()
}

/// Says in which hooks a method of a [`#[callback]`](macro@callback) block runs, whatever its name, and when.
///
/// ```
/// # use mixup::prelude::*;
/// struct Watch {
///     period: usize,
///     loud: bool,
/// }
///
/// #[callback]
/// impl Watch {
///     #[on(batch_end, train, first, every = self.period, last)]
///     fn loss(&self, iteration: usize, smooth_loss: f64) {
///         println!("{iteration}: {smooth_loss}");
///     }
///
///     #[on(epoch_begin, validate_begin, if = self.loud && epoch > 0)]
///     fn announce(epoch: usize) {
///         println!("epoch {epoch}");
///     }
/// }
/// ```
///
/// First the hooks, called as they are without `on_`; a method that is called as a hook needs none. Where there are several,
/// only what exists in all of them can be asked for, and returned. A method may have several `#[on(…)]`, each with filters of its
/// own.
///
/// | filter | runs only |
/// |---|---|
/// | `train`, `valid` | for batches of training, of validation |
/// | `every = N` | in a hook that is named `…_end`: when each N-th batch or epoch is done; in the others: before the first and each N-th after it. Batches of training are counted over the whole training, those of validation in their pass. N is a `usize`, known at compile time or when the hook runs (`every = self.period`); 0 is an error. |
/// | `first`, `last` | at the first, the last batch of the pass over the data; in hooks of epochs at the first, the last epoch |
/// | `if = …` | where this is so. Sees `self` and the values of the hook by their names, also those that are no parameter. |
///
/// Of `first`, `every` and `last` one is enough; all others must be so. A `StopTraining` or a `break` out of the loop makes the last
/// batch another one than `last` expects.
#[proc_macro_attribute]
pub fn on(options: TokenStream, item: TokenStream) -> TokenStream {
    let _ = options;
    item::on_without_callback(&item.into()).into()
}

/// Makes a callback of a closure, where it stands: `hook!(on_batch_end, |iteration: usize| …)`.
///
/// First the hook, then options as `#[callback(…)]` has them on a function, then the closure. Its parameters ask by name, as those
/// of a method do, and say their types. It may change what it captures; a learner keeps it, so it captures by `move` what is not
/// `'static`. Messages call it by its place in the source unless there is a `name = "…"`.
///
/// ```
/// # use mixup::prelude::*;
/// # let data = ImageData::digits()?.build()?;
/// let mut seen = 0;
/// let learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10]))
///     .callback(hook!(on_batch_end, train, every = 10, |iteration: usize, smooth_loss: f64| {
///         println!("{iteration}: {smooth_loss}");
///     }))
///     .callback(hook!(on_batch_begin, name = "ten batches", move |train: bool| {
///         seen += usize::from(train);
///         (seen > 10).then(|| StopTraining::because("ten batches are enough"))
///     }))
///     .build()?;
/// # let _ = learn;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[proc_macro]
pub fn hook(tokens: TokenStream) -> TokenStream {
    item::hook(tokens.into()).into()
}

/// The hooks' names, from the table of hooks: only for `mixup-runtime`.
#[doc(hidden)]
#[proc_macro]
pub fn __hooks(_: TokenStream) -> TokenStream {
    runtime::hooks().into()
}

/// What hooks are lent and may return, from the table of hooks: only for `mixup-runtime`.
#[doc(hidden)]
#[proc_macro]
pub fn __events(_: TokenStream) -> TokenStream {
    runtime::events().into()
}
