//! `describe`: a callback in one line, for a learner's summary.

use std::fmt::Debug;

/// The name and some fields: `MixUp(alpha 0.4, stack_x false)`.
#[doc(hidden)]
#[must_use]
pub fn fields(name: &str, fields: &[(&str, &dyn Debug)]) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name} {value:?}")).collect();
    format!("{name}({})", fields.join(", "))
}

/// The `Debug` output of a callback.
#[doc(hidden)]
#[must_use]
pub fn whole(callback: &impl Debug) -> String {
    format!("{callback:?}")
}
