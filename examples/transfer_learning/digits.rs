//! Some of the bundled digits.

use std::ops::Range;

use mixup::{data::Loader, prelude::*};

/// The bundled digits of these classes, counted from 0: up to `images` of them for training, and all that there are for validation.
pub fn digits(classes: Range<i64>, images: i64) -> Result<Data, BoxError> {
    let data = ImageData::digits()?.build()?;
    let some = |loader: &Loader, most: i64| -> Result<TensorDataset, BoxError> {
        let batch = loader.all()?;
        let (images, labels) = (batch.input.one()?, batch.target.tensor());
        let chosen = labels.ge(classes.start).logical_and(&labels.lt(classes.end)).nonzero().flatten(0, -1);
        let chosen = chosen.narrow(0, 0, most.min(chosen.size1()?));
        Ok(TensorDataset::new(images.index_select(0, &chosen), labels.index_select(0, &chosen) - classes.start)?)
    };
    let valid = some(data.valid().ok_or("they have a validation part")?, i64::MAX)?;
    Ok(Data::builder(some(data.train(), images)?).valid(valid).batch_size(25).build()?)
}
