//! What every error needs: the type of a user's own, and libtorch's messages without its stack.

use std::fmt;

/// Any error of a user's own.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An error's words without libtorch's stack of C++ frames, which follow them and say nothing to a user.
pub(crate) fn brief(error: &(impl fmt::Display + ?Sized)) -> String {
    let mut text = error.to_string();
    if let Some(end) = text.find("\nException raised from ") {
        text.truncate(end);
    }
    text
}
