//! `describe`: a callback in one line, for a learner's summary.

use std::fmt::Debug;

/// The name and some fields: `MixUp(alpha 0.4, stack_x false)`. An option that is not set is left out.
#[doc(hidden)]
#[must_use]
pub fn fields(name: &str, fields: &[(&str, &dyn Debug)]) -> String {
    let field = |(name, value): &(&str, &dyn Debug)| Some(format!("{name} {}", set(&format!("{value:?}"))?));
    let fields: Vec<_> = fields.iter().filter_map(field).collect();
    if fields.is_empty() { name.to_owned() } else { format!("{name}({})", fields.join(", ")) }
}

/// The `Debug` output of what an `Option` holds, and of anything else as it is. `None` if the option holds nothing.
fn set(text: &str) -> Option<&str> {
    let held = text.strip_prefix("Some(").and_then(|text| text.strip_suffix(')'));
    (text != "None").then(|| held.unwrap_or(text))
}

/// The `Debug` output of a callback.
#[doc(hidden)]
#[must_use]
pub fn whole(callback: &impl Debug) -> String {
    format!("{callback:?}")
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn options_that_are_not_set_are_left_out() {
        let described = fields("Clip", &[("norm", &Some(1.0)), ("value", &None::<f64>), ("name", &"Some")]);
        assert_eq!(described, "Clip(norm 1.0, name \"Some\")");
        assert_eq!(fields("Clip", &[("value", &None::<f64>)]), "Clip");
    }
}
