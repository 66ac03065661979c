//! `#[callback]`: turns a plain `impl` block, a function or a closure into hooks of a training.
//!
//! The list of rooms is the pipeline. Each room imports only rooms below it, which `tests/layers.rs` checks:
//!
//! - `item`: the kinds of item that become callbacks: an `impl` block, a function, a closure,
//! - `expand`: the implementation of `Callback`, as `snapshots` shows it,
//! - `check`: the mistakes in hooks, functions and closures, all at once,
//! - `options`, `filters`, `params`, `returns`: the parts of a hook, parsed and checked,
//! - `suggest`: which name was probably meant by one that does not exist,
//! - `rivals`: other libraries' names of hooks, values and options,
//! - `runtime`: what `mixup-runtime` gets from the table,
//! - `hooks`: the one table of hooks and values,
//! - `derive`: `#[derive(Output)]`,
//! - `tokens` (and where the compiler shows them), `mistakes` (collected), `parse` (parts of an item).
//!
//! Users reach the macros through the crate `mixup`.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod check;
mod derive;
mod expand;
mod filters;
mod hooks;
mod item;
mod mistakes;
mod options;
mod params;
mod parse;
mod returns;
mod rivals;
mod runtime;
mod suggest;
#[cfg(test)]
mod tests;
mod tokens;

use proc_macro::TokenStream;

/// Turns a type into a callback: the methods of an `impl` block become hooks.
///
/// A method with the name of a hook runs at that moment of the training. Its parameters ask for values by name, and are passed
/// exactly those:
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
/// The block stays as it is: a hook is still a method, and other methods are helpers. But a method whose name begins with `on_`
/// without being a hook, or is a hook's in another library, such as fastai v2's `before_batch`, is an error that says what to
/// write. A helper of such a name belongs in a block without `#[callback]`. A type has one block with `#[callback]`.
///
/// # Hooks
///
/// A hook takes `&mut self`, `&self`, or no `self` at all. The block may have type parameters, lifetimes and bounds. `#[cfg(…)]`
/// is supported on the block, on a hook and on a parameter. A callback must be `Send` and `'static`, because the learner keeps
/// it.
///
/// [`#[on(…)]`](macro@on) turns a method of any name into a hook, for one moment or several, and filters when it runs. Several
/// methods may serve one hook: they run in the order in which they are written, and their requests are combined.
///
/// # Parameters
///
/// A copied value is taken by value (`epoch: usize`), a read-only value by `&` (`last_metrics: &[f64]`), and a mutable value by
/// `&mut`, or by `&` to only read it (`last_input: &mut Input`, `last_target: &Target`). Later hooks, and other callbacks that
/// ask for the value, see the change. An unused parameter may begin with an underscore: `_epoch` asks for `epoch`. A value that
/// is expensive to compute is computed only if a callback asks for it.
///
/// To get everything, ask for the event: `event: &mut BatchBegin<'_>` in `on_batch_begin`. Its fields are the hook's values.
///
/// To get another callback, ask for it by its type: `recorder: &Recorder`, `mixup: Option<&mut MixUp>`. If the learner does not
/// have it, `build()` returns an error, unless the parameter is an `Option`.
///
/// # What a hook returns
///
/// Nothing, one of the hook's requests, an `Option` of one, a tuple of several, or a `Result` of any of these. An error ends
/// the training; the learner's error says in which callback, hook, epoch and batch it happened. Its type must be a
/// `std::error::Error + Send + Sync`, or convert into a boxed one, as `String` does.
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
/// A function can be a callback, too. `#[callback(…)]` names its hook, and filters when it runs, as `#[on(…)]` does for a method.
/// The function's name becomes a unit struct, which is passed to the learner; the function itself becomes `shout::shout`. So
/// the function cannot have the name of a hook's value. [`hook!`](macro@hook) turns a closure into a callback.
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
/// # Ok::<(), BoxError>(())
/// ```
///
/// # Options
///
/// | option | meaning |
/// |---|---|
/// | `order = 10` | The order among callbacks, a constant `i32`. A smaller number runs earlier; in the hooks named `…_end`, later. Defaults to 0. |
/// | `before = Other`, `after = Other` | Runs before or after a callback of another type, if the learner has one. Takes precedence over `order`. May be given several times. |
/// | `name = "watch"` | The name in messages and listings, and the key of the state. Defaults to the type's name. |
/// | `state`, `state(best, waited)` | The state that is saved: the whole type (which must be `Serialize` and `DeserializeOwned`), or these fields. Implements `Stateful` for the callback. A field that is `Stateful`, such as a `Tensor`, saves itself, and serde saves any other field. |
/// | `stateful` | The callback has a state, for which it implements `Stateful` by hand. |
/// | `stateless` | Nothing that the callback remembers is needed to go on with a training after a break. A learner with checkpoints refuses a callback that takes `&mut self` and has none of these three options. |
/// | `version = 2` | The version of the state: a state of a newer version is not loaded. Defaults to 1. |
/// | `describe`, `describe(alpha)` | What a learner's summary shows: all fields (the type must be `Debug`), or these. |
/// | `crate = my::mixup` | The path of the crate `mixup`, if it is not `::mixup`: for a dependency that is renamed or re-exported. |
/// | `on_epoch_end, train, every = 5, …` | On a function: its hooks, and [when](macro@on) they run. |
///
#[doc = include_str!("hooks.md")]
#[proc_macro_attribute]
pub fn callback(options: TokenStream, item: TokenStream) -> TokenStream {
    item::callback(options.into(), &item.into()).into()
}

/// Turns a method of a [`#[callback]`](macro@callback) block, whatever its name, into a hook, and filters when it runs.
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
/// The hooks come first, without `on_`; a method with the name of a hook needs none. A method of several hooks can ask only for
/// values that exist in all of them, and return only what all of them may return. A method may have several `#[on(…)]`, each
/// with its own filters.
///
/// | filter | the method runs only |
/// |---|---|
/// | `train`, `valid` | for batches of training, or of validation |
/// | `every = N` | in a hook named `…_end`: after each N-th batch or epoch; in the other hooks: before the first, and before each N-th after it. Training batches are counted over the whole training, validation batches in their pass. N is a `usize`, a constant or a value computed when the hook runs (`every = self.period`); 0 is an error. |
/// | `first`, `last` | for the first or the last batch of the pass over the data; in hooks of epochs, for the first or the last epoch |
/// | `if = …` | if the expression is true. It can use `self` and all values of the hook by their names, also those that are not parameters. |
///
/// Of `first`, `every` and `last`, one is enough; all other filters must hold. `last` expects that the pass is completed: if it
/// ends early, as by a `StopTraining` or a `SkipEpoch`, `last` never holds.
#[proc_macro_attribute]
pub fn on(options: TokenStream, item: TokenStream) -> TokenStream {
    let _ = options;
    item::on_without_callback(&item.into()).into()
}

/// Turns a closure into a callback: `hook!(on_batch_end, |iteration: usize| …)`.
///
/// The hook comes first, then options as `#[callback(…)]` takes them on a function, then the closure. Its parameters ask for
/// values by name, as those of a method do, and must have types. The closure may change what it captures. The learner keeps it,
/// so it must own what it captures (`move`), unless that is `'static`. In messages its name is its place in the source, unless
/// it is given a `name = "…"`.
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
/// # Ok::<(), BoxError>(())
/// ```
#[proc_macro]
pub fn hook(tokens: TokenStream) -> TokenStream {
    item::hook(tokens.into()).into()
}

/// Implements `Output` for a struct whose fields are outputs, such as tensors: what a model returns.
///
/// The tensors are those of the fields, in their order. A struct that is generic over a type is an output if that type is one.
///
/// ```
/// use mixup::prelude::*;
///
/// /// With `tch::Tensor` for `T`: the images `[n, 784]`, and mean and logarithm of the variance, `[n, 20]` each.
/// #[derive(Output)]
/// struct VaeOutput<T: Output> {
///     recon: T,
///     distribution: (T, T),
/// }
/// ```
///
/// `#[output(crate = my::mixup)]` gives the path of the crate `mixup`, if it is not `::mixup`.
#[proc_macro_derive(Output, attributes(output))]
pub fn output(item: TokenStream) -> TokenStream {
    derive::output(item.into()).into()
}

/// The hooks' names, from the table of hooks: only for `mixup-runtime`.
#[doc(hidden)]
#[proc_macro]
pub fn __hooks(_: TokenStream) -> TokenStream {
    runtime::hooks().into()
}

/// What hooks borrow and may return, from the table of hooks: only for `mixup-runtime`.
#[doc(hidden)]
#[proc_macro]
pub fn __events(_: TokenStream) -> TokenStream {
    runtime::events().into()
}
