//! How errors look where a program prints their `Debug`: a `main` that returns an error, and `unwrap`.

use std::{error::Error, fmt};

use super::brief;

/// Implements `Debug` for errors by [`write_with_sources`]. A derived one would print fields, among which the message gets lost.
macro_rules! debug_with_sources {
    ($error:ty) => {
        impl ::std::fmt::Debug for $error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::error::write_with_sources(self, f)
            }
        }
    };
}

pub(crate) use debug_with_sources;

/// Writes an error's text, and each of its sources on a line of its own. Leaves out a source that the text names already.
pub(crate) fn write_with_sources(error: &(dyn Error + 'static), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut told = brief(error);
    f.write_str(&told)?;
    let mut source = error.source();
    while let Some(error) = source {
        let text = brief(error);
        if !told.contains(&text) {
            write!(f, "\ncaused by: {text}")?;
            told += &text;
        }
        source = error.source();
    }
    Ok(())
}
