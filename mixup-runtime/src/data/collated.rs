//! Collates single items into batches.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tch::{Kind, Tensor};

use super::{Array, DataError, Dataset, Item, Items, Label, items::Numbers};
use crate::{
    batch::{Batch, Target},
    error::panic_text,
    kernel::filled::{Unwritten, filled},
    rng::ItemRngs,
    transforms::Normalize,
};

/// Turns [`Items`] into a [`Dataset`]: the items of a batch are stacked, so all of them must have one shape and one kind of numbers.
///
/// Inputs `[c, h, w]` of bytes become `f32` `[n, c, h, w]` from 0 to 1, or normalized; floats stay `f32`, and whole numbers stay `i64`.
#[derive(Debug)]
pub struct Collated<I> {
    items: Arc<I>,
    normalize: Option<Normalize>,
}

impl<I: Items> Collated<I> {
    /// Makes batches of these items.
    pub fn new(items: I) -> Self {
        Self { items: Arc::new(items), normalize: None }
    }

    /// Sets what inputs `[c, h, w]` of bytes are normalized with. Defaults to nothing.
    #[must_use]
    pub fn normalize(self, normalize: impl Into<Option<Normalize>>) -> Self {
        Self { normalize: normalize.into(), ..self }
    }

    /// Makes an item. A panic in it becomes an error that names the item: another thread may be waiting for it.
    fn item(&self, index: usize, rngs: &ItemRngs) -> Result<Item, DataError> {
        let items = self.items.len();
        if index >= items {
            return Err(DataError::Index { index, items });
        }
        catch_unwind(AssertUnwindSafe(|| self.items.get(index, &mut rngs.of(index)))).unwrap_or_else(|payload| {
            Err(DataError::Panicked { item: self.items.name(index), message: panic_text(&*payload) })
        })
    }

    fn target(&self, indices: &[usize], labels: &[&Label]) -> Result<Target, DataError> {
        let kind = |label: &&Label| if matches!(label, Label::Class(_)) { "a class" } else { "numbers" };
        let first = labels.first().map_or("", kind);
        if let Some((label, &index)) = labels.iter().zip(indices).find(|(label, _)| kind(label) != first) {
            return Err(self.unlike("label", index, first.to_owned(), kind(label).to_owned()));
        }
        let (mut classes, mut arrays) = (Vec::new(), Vec::new());
        for label in labels {
            match label {
                Label::Class(class) => classes.push(*class),
                Label::Dense(array) => arrays.push(array),
            }
        }
        if arrays.is_empty() {
            return Ok(Target::Classes(Tensor::f_from_slice(&classes)?));
        }
        Ok(Target::Dense(self.stacked("label", indices, &arrays, None)?))
    }

    /// Stacks arrays of one shape and kind into a tensor `[n, …]`.
    fn stacked(
        &self,
        what: &'static str,
        indices: &[usize],
        arrays: &[&Array],
        normalize: Option<&Normalize>,
    ) -> Result<Tensor, DataError> {
        let Some(first) = arrays.first() else { return Ok(Tensor::f_zeros([0], (Kind::Float, tch::Device::Cpu))?) };
        let kind = |array: &Array| std::mem::discriminant(array.numbers());
        let differs = |array: &Array| array.shape() != first.shape() || kind(array) != kind(first);
        if let Some((array, &index)) = arrays.iter().zip(indices).find(|(array, _)| differs(array)) {
            return Err(self.unlike(what, index, described(first), described(array)));
        }
        let shape = std::iter::once(arrays.len()).chain(first.shape().iter().copied()).map(|length| length as i64);
        let shape: Vec<i64> = shape.collect();
        let made = match first.numbers() {
            Numbers::Ints(_) => {
                let ints = arrays
                    .iter()
                    .flat_map(|array| if let Numbers::Ints(ints) = array.numbers() { ints } else { &[][..] });
                return Ok(Tensor::f_from_slice(&ints.copied().collect::<Vec<i64>>())?.f_reshape(shape)?);
            }
            Numbers::Floats(_) => filled(&shape, |out: &mut Unwritten<'_, f32>| {
                for array in arrays {
                    if let Numbers::Floats(floats) = array.numbers() {
                        out.extend(floats.iter().copied());
                    }
                }
            })?,
            Numbers::Bytes(_) => {
                let channels = if normalize.is_some() { first.shape().first().copied().unwrap_or(1) } else { 1 };
                normalize.map_or(Ok(()), |normalize| normalize.check(channels))?;
                let tables = Normalize::tables(normalize, channels);
                filled(&shape, |out: &mut Unwritten<'_, f32>| {
                    for array in arrays {
                        let Numbers::Bytes(bytes) = array.numbers() else { continue };
                        for (plane, table) in bytes.chunks((bytes.len() / channels).max(1)).zip(&tables) {
                            out.extend(plane.iter().map(|&byte| table[usize::from(byte)]));
                        }
                    }
                })?
            }
        };
        made.ok_or_else(|| DataError::ArrayLength { shape: first.shape().to_vec(), found: first.numbers().len() })
    }

    fn unlike(&self, what: &'static str, index: usize, expected: String, found: String) -> DataError {
        DataError::Unlike { what, item: self.items.name(index), expected, found }
    }
}

impl<I: Items + 'static> Dataset for Collated<I> {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn batch(&self, indices: &[usize], rngs: &ItemRngs) -> Result<Batch, DataError> {
        let items = indices.iter().map(|&index| self.item(index, rngs)).collect::<Result<Vec<_>, _>>()?;
        let inputs: Vec<&Array> = items.iter().map(|item| &item.input).collect();
        let labels: Vec<&Label> = items.iter().map(|item| &item.label).collect();
        let input = self.stacked("input", indices, &inputs, self.normalize.as_ref())?;
        Ok(Batch { input: input.into(), target: self.target(indices, &labels)? })
    }

    /// True: a batch is collated in its own memory.
    fn fresh(&self) -> bool {
        true
    }

    fn labelled(&self) -> bool {
        self.items.labelled()
    }

    fn for_threads(&self) -> Option<Arc<dyn Dataset + Sync>> {
        Some(Arc::new(Self { items: Arc::clone(&self.items), normalize: self.normalize }))
    }

    fn name(&self, index: usize) -> String {
        self.items.name(index)
    }

    fn describe(&self) -> String {
        self.items.describe()
    }
}

/// The kind and the shape of an array, for messages: `floats of [2, 3]`.
fn described(array: &Array) -> String {
    let kind = match array.numbers() {
        Numbers::Bytes(_) => "bytes",
        Numbers::Floats(_) => "floats",
        Numbers::Ints(_) => "whole numbers",
    };
    format!("{kind} of {:?}", array.shape())
}
