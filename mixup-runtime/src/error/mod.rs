//! What every error needs: a type for users' own errors, and what libtorch rejects, with its message and without its stack trace.

mod refusal;
mod sources;

use std::{any::Any, fmt};

pub use refusal::Refusal;
pub(crate) use refusal::or_refusal;
pub(crate) use sources::{debug_with_sources, write_with_sources};

/// Any error of a user's own code. `?` turns every error into it, and also a text, as in `Err("no data")?`.
///
/// Let `main` return `Result<(), BoxError>` too: `?` cannot turn a `BoxError` into `Box<dyn std::error::Error>`.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An error's message without libtorch's stack of C++ frames, which follows it and tells a user nothing.
pub(crate) fn brief(error: &(impl fmt::Display + ?Sized)) -> String {
    let mut text = error.to_string();
    if let Some(end) = text.find("\nException raised from ") {
        text.truncate(end);
    }
    text
}

/// The text of a panic.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a text").to_owned()
}
