//! Single items in plain memory, without tensors, so that threads may make them. A batch is collated from them afterwards.

use super::{DataError, dataset::unnamed};
use crate::rng::Rng;

/// Items that are made one by one, such as an image that is decoded, turned and cropped, or a row of numbers.
/// [`Collated`](super::Collated) makes batches of them.
///
/// ```
/// use mixup::{data::{Array, Collated, Data, DataError, Item, Items}, rng::Rng};
/// use rand::RngExt as _;
///
/// /// Points of a parabola, each with some noise that is new in each epoch.
/// struct Parabola;
///
/// impl Items for Parabola {
///     fn len(&self) -> usize {
///         1000
///     }
///
///     fn get(&self, index: usize, rng: &mut Rng) -> Result<Item, DataError> {
///         let x = index as f32 / 500.0 - 1.0;
///         let noise = rng.random_range(-0.1..0.1);
///         Ok(Item { input: Array::new([1], vec![x])?, label: Array::new([1], vec![x * x + noise])?.into() })
///     }
/// }
///
/// let data = Data::builder(Collated::new(Parabola)).batch_size(50).build()?;
/// assert_eq!(data.train().sample()?.input.one()?.size(), [1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Items: Send + Sync {
    /// How many items there are. This must not change while they are in use.
    fn len(&self) -> usize;

    /// Whether there are no items.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the item with this index, from 0 to `len() - 1`. Draw whatever is random in it from `rng`, which is a function of the learner's
    /// seed, the epoch and the index: then the item does not depend on which thread makes it, or when.
    ///
    /// # Errors
    /// If the item can't be made. Wrap your own errors with [`DataError::other`].
    fn get(&self, index: usize, rng: &mut Rng) -> Result<Item, DataError>;

    /// Whether the items have labels. Defaults to true. Those of items that return false are ignored, and the items can only be predicted.
    fn labelled(&self) -> bool {
        true
    }

    /// Names an item in errors and in what is found about it: its file, or where it came from. Defaults to "item 17".
    fn name(&self, index: usize) -> String {
        unnamed(index)
    }

    /// Describes the items for the summary, such as "images of 3×28×28". Defaults to "items".
    fn describe(&self) -> String {
        "items".to_owned()
    }
}

/// One item: an input and a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The model's input.
    pub input: Array,
    /// The label that the model should predict.
    pub label: Label,
}

/// The label of an item.
#[derive(Clone, Debug, PartialEq)]
pub enum Label {
    /// The index of a class: `i64` `[n]` in a batch ([`Target::Classes`](crate::batch::Target::Classes)).
    Class(i64),
    /// Numbers: `[n, …]` in a batch ([`Target::Dense`](crate::batch::Target::Dense)).
    Dense(Array),
}

impl From<i64> for Label {
    fn from(class: i64) -> Self {
        Self::Class(class)
    }
}

impl From<Array> for Label {
    fn from(array: Array) -> Self {
        Self::Dense(array)
    }
}

/// An array of numbers in plain memory, with its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    numbers: Numbers,
}

/// The numbers of an [`Array`] in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// Bytes of pixels, from 0 (black) to 255. In a batch they become `f32` from 0 to 1.
    Bytes(Vec<u8>),
    /// Floats; `f32` in a batch too.
    Floats(Vec<f32>),
    /// Whole numbers, such as the indices of words; `i64` in a batch too.
    Ints(Vec<i64>),
}

impl Array {
    /// Creates an array of a shape: `[3, 28, 28]` for an image of three colours, `[]` for a single number.
    ///
    /// # Errors
    /// [`DataError::ArrayLength`] if the shape does not fit the number of numbers.
    pub fn new(shape: impl Into<Vec<usize>>, numbers: impl Into<Numbers>) -> Result<Self, DataError> {
        let (shape, numbers) = (shape.into(), numbers.into());
        let found = numbers.len();
        let expected = shape.iter().try_fold(1_usize, |product, &length| product.checked_mul(length));
        if expected == Some(found) { Ok(Self { shape, numbers }) } else { Err(DataError::ArrayLength { shape, found }) }
    }

    /// The shape of the array.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers of the array.
    #[must_use]
    pub fn numbers(&self) -> &Numbers {
        &self.numbers
    }
}

impl Numbers {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Floats(floats) => floats.len(),
            Self::Ints(ints) => ints.len(),
        }
    }
}

impl From<Vec<u8>> for Numbers {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<f32>> for Numbers {
    fn from(floats: Vec<f32>) -> Self {
        Self::Floats(floats)
    }
}

impl From<Vec<i64>> for Numbers {
    fn from(ints: Vec<i64>) -> Self {
        Self::Ints(ints)
    }
}
