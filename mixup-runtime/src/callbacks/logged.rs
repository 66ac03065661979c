//! What a logger writes without being told: every number that a training has, by name.

use crate::training::{ReadError, Value, Values};

/// The names of an epoch's numbers, in the order of the table: the losses, the metrics, and what callbacks publish.
pub(super) fn names(values: &Values) -> impl Iterator<Item = &str> {
    values.iter().map(Value::name).filter(|name| *name != "smooth_loss") // which is `train_loss` at the end of an epoch
}

/// An epoch's numbers, in the order of [`names`]. `None` for what the epoch does not have: a metric of an epoch without validation, and a
/// value that nobody has set in it.
pub(super) fn of_epoch(values: &Values, train: f64, valid: Option<f64>) -> Result<Vec<(&str, Option<f64>)>, ReadError> {
    let number = |name| {
        let Some(value) = values.get(name) else { return Ok((name, None)) };
        let number = match (name, valid) {
            ("train_loss", _) => Some(train),
            // The metrics are those of an earlier validation.
            (_, None) if value.numbers().is_none() => None,
            _ => value.mean()?,
        };
        Ok((name, number))
    };
    names(values).map(number).collect()
}

/// What callbacks have published in this epoch, the last number of each.
pub(super) fn of_batch(values: &Values) -> Result<Vec<(&str, f64)>, ReadError> {
    let last = |value: &Value| Ok(value.numbers().map_or(Ok(Vec::new()), |it| it.read())?.last().copied());
    values.published().filter_map(|value| last(value).transpose().map(|it| Ok((value.name(), it?)))).collect()
}
