//! What libtorch rejects inside of a user's code, as an error.
//!
//! Most functions of `tch` panic if libtorch rejects their input. In a model, a loss function, an optimizer or a hook this is a mistake like any other, so it
//! becomes an error, and nothing is printed. Any other panic stays a panic.

use std::{
    any::Any,
    cell::Cell,
    panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Once,
    thread,
};

use tch::TchError;

/// What libtorch rejected in a function of `tch` that then panicked, in libtorch's words.
#[derive(thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    message: String,
}

crate::error::debug_with_sources!(Refusal);

impl Refusal {
    /// Reads what libtorch rejected from the panic of a function of `tch`, which unwraps a `TchError`.
    fn of(payload: &(dyn Any + Send)) -> Option<Self> {
        let text = payload.downcast_ref::<String>()?;
        let error = text.strip_prefix("called `Result::unwrap()` on an `Err` value: Torch(\"")?;
        // The first line says what was wrong; libtorch's stack of frames follows.
        let message = error.split("\\n").next()?.trim_end_matches("\")");
        Some(Self { message: message.to_owned() })
    }
}

/// For a function of a user's own that returns libtorch's errors, as an optimizer's step does.
impl From<Refusal> for TchError {
    fn from(refusal: Refusal) -> Self {
        Self::Torch(refusal.message)
    }
}

thread_local! {
    /// Whether this thread turns a [`Refusal`] into an error.
    static HANDLED: Cell<bool> = const { Cell::new(false) };
}

/// Returns the result of the call, or as an error what libtorch rejected in it.
pub(crate) fn or_refusal<T, E: From<Refusal>>(call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    print_no_handled_refusals();
    let outside = HANDLED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    HANDLED.set(outside);
    result.unwrap_or_else(|payload| match Refusal::of(&*payload) {
        Some(refusal) => Err(refusal.into()),
        None => resume_unwind(payload),
    })
}

/// Keeps panics silent that become an error, for the rest of the process. The hook from before prints all others.
fn print_no_handled_refusals() {
    static HOOK: Once = Once::new();
    // A panic that aborts becomes no error. Where a thread panics, its hook can't be replaced.
    if HOOK.is_completed() || cfg!(panic = "abort") || thread::panicking() {
        return;
    }
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // A second one, in a destructor that the first one runs, aborts.
            let handled = Refusal::of(info.payload()).is_some() && HANDLED.replace(false);
            if !handled {
                print(info);
            }
        }));
    });
}
