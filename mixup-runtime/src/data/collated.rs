//! Collates single items into batches.

use tch::{Kind, TchError, Tensor};

use super::{Array, DataError, Dataset, Items, Label, items::Numbers};
use crate::{
    batch::{Batch, Target},
    rng::ItemRngs,
};

/// Turns [`Items`] into a [`Dataset`]: the items of a batch are stacked, so all of them must have one shape and one kind of numbers.
///
/// Inputs `[c, h, w]` of bytes become `f32` `[n, c, h, w]` from 0 to 1; floats stay `f32`, and whole numbers stay `i64`.
#[derive(Clone, Copy, Debug)]
pub struct Collated<I>(
    /// The items.
    pub I,
);

impl<I: Items> Dataset for Collated<I> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn batch(&self, indices: &[usize], rngs: &ItemRngs) -> Result<Batch, DataError> {
        let items = self.0.len();
        let item = |&index: &usize| {
            if index >= items {
                return Err(DataError::Index { index, items });
            }
            self.0.get(index, &mut rngs.of(index))
        };
        let items = indices.iter().map(item).collect::<Result<Vec<_>, _>>()?;
        let inputs: Vec<&Array> = items.iter().map(|item| &item.input).collect();
        let labels: Vec<&Label> = items.iter().map(|item| &item.label).collect();
        Ok(Batch { input: stacked("input", indices, &inputs)?.into(), target: target(indices, &labels)? })
    }

    /// True: a batch is collated in its own memory.
    fn fresh(&self) -> bool {
        true
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}

/// The target of a batch: its labels must be all classes or all numbers.
fn target(indices: &[usize], labels: &[&Label]) -> Result<Target, DataError> {
    let kind = |label: &&Label| if matches!(label, Label::Class(_)) { "a class" } else { "numbers" };
    let first = labels.first().map_or("", kind);
    if let Some((label, &index)) = labels.iter().zip(indices).find(|(label, _)| kind(label) != first) {
        return Err(unlike("label", index, first.to_owned(), kind(label).to_owned()));
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
    Ok(Target::Dense(stacked("label", indices, &arrays)?))
}

/// Stacks arrays of one shape and kind into a tensor `[n, …]`.
fn stacked(what: &'static str, indices: &[usize], arrays: &[&Array]) -> Result<Tensor, DataError> {
    let Some(first) = arrays.first() else { return Ok(Tensor::f_zeros([0], (Kind::Float, tch::Device::Cpu))?) };
    let kind = |array: &Array| std::mem::discriminant(array.numbers());
    let differs = |array: &Array| array.shape() != first.shape() || kind(array) != kind(first);
    if let Some((array, &index)) = arrays.iter().zip(indices).find(|(array, _)| differs(array)) {
        return Err(unlike(what, index, described(first), described(array)));
    }
    let flat = match first.numbers() {
        Numbers::Bytes(_) => {
            let bytes = gathered(arrays, |numbers| if let Numbers::Bytes(bytes) = numbers { bytes } else { &[] })?;
            let mut floats = bytes.f_to_kind(Kind::Float)?;
            floats.f_div_scalar_(255.0)?
        }
        Numbers::Floats(_) => {
            gathered(arrays, |numbers| if let Numbers::Floats(floats) = numbers { floats } else { &[] })?
        }
        Numbers::Ints(_) => gathered(arrays, |numbers| if let Numbers::Ints(ints) = numbers { ints } else { &[] })?,
    };
    let shape = std::iter::once(arrays.len()).chain(first.shape().iter().copied()).map(|length| length as i64);
    Ok(flat.f_reshape(shape.collect::<Vec<_>>())?)
}

/// Concatenates the numbers of all arrays.
fn gathered<T: tch::kind::Element + Copy>(
    arrays: &[&Array],
    numbers: impl Fn(&Numbers) -> &[T],
) -> Result<Tensor, TchError> {
    let all: Vec<T> = arrays.iter().flat_map(|array| numbers(array.numbers())).copied().collect();
    Tensor::f_from_slice(&all)
}

fn unlike(what: &'static str, index: usize, expected: String, found: String) -> DataError {
    DataError::Unlike { what, index, expected, found }
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
