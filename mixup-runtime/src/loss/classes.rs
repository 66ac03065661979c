//! Checks of class indices.

use tch::{Kind, TchError, Tensor};

use super::LossError;

/// Finds the class index that was out of range, if that is why libtorch returned an error. This is done only then, because
/// a look at each batch would wait for the device.
pub(super) fn refused(
    loss: &'static str,
    output: &Tensor,
    classes: &Tensor,
    ignore_index: i64,
    error: TchError,
) -> LossError {
    let count = output.size().get(1).copied().unwrap_or(0);
    let wrong = |class: &i64| *class != ignore_index && !(0..count).contains(class);
    let indices =
        if classes.kind() == Kind::Int64 { classes.f_flatten(0, -1).and_then(Vec::try_from) } else { Ok(vec![]) };
    match indices.ok().and_then(|indices| indices.into_iter().find(wrong)) {
        Some(class) => LossError::Class { loss, class, classes: count },
        None => error.into(),
    }
}

/// Checks that class indices have the output's shape without the dimension of classes.
pub(super) fn class_shape<'a>(
    loss: &'static str,
    output: &Tensor,
    classes: &'a Tensor,
) -> Result<&'a Tensor, LossError> {
    let shape = output.size();
    let without_classes = shape.iter().enumerate().filter(|(dim, _)| *dim != 1).map(|(_, size)| *size);
    if shape.len() >= 2 && classes.kind() == Kind::Int64 && without_classes.eq(classes.size()) {
        Ok(classes)
    } else {
        Err(LossError::Shapes {
            loss,
            wanted: "scores `[n, classes, d…]` and class indices `[n, d…]` (i64)",
            output: shape,
            target: classes.size(),
        })
    }
}
