//! Single items in plain memory, without a tensor: so threads may make them, and a batch is put together from them afterwards.

use super::DataError;
use crate::rng::Rng;

/// Items that are made one by one: an image that is decoded, turned and cropped, a row of numbers. [`Collated`](super::Collated) makes batches
/// of them.
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
/// let data = Data::builder(Collated(Parabola)).batch_size(50).build()?;
/// assert_eq!(data.train().sample()?.input.one()?.size(), [1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Items: Send + Sync {
    /// How many items there are. It stays the same as long as they are in use.
    fn len(&self) -> usize;

    /// Whether there is no item at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item with this index, from 0 to `len() - 1`. What is random in it comes from `rng`, which is a function of the learner's seed, the
    /// epoch and the index: so the item is the same whichever thread makes it, and when.
    ///
    /// # Errors
    /// Whatever keeps the item from being there; an error of your own goes into [`DataError::other`].
    fn get(&self, index: usize, rng: &mut Rng) -> Result<Item, DataError>;

    /// What the items are, for the summary: «items» unless told, or «images of 3×28×28».
    fn describe(&self) -> String {
        "items".to_owned()
    }
}

/// One item: what the model gets, and what it should answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The model's input.
    pub input: Array,
    /// What the model should answer.
    pub label: Label,
}

/// What a model should answer for an item.
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

/// Numbers in plain memory, and their shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    numbers: Numbers,
}

/// The numbers of an [`Array`], the last dimension's beside each other.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// Bytes of pixels, from 0 (black) to 255: in a batch they are `f32` from 0 to 1.
    Bytes(Vec<u8>),
    /// `f32`, also in a batch.
    Floats(Vec<f32>),
    /// Whole numbers, such as those of words: `i64` in a batch.
    Ints(Vec<i64>),
}

impl Array {
    /// Numbers of this shape: `[3, 28, 28]` for an image of three colours, `[]` for a single number.
    ///
    /// # Errors
    /// [`DataError::ArrayLength`] if the shape has another number of entries.
    pub fn new(shape: impl Into<Vec<usize>>, numbers: impl Into<Numbers>) -> Result<Self, DataError> {
        let (shape, numbers) = (shape.into(), numbers.into());
        let found = numbers.len();
        let expected = shape.iter().try_fold(1_usize, |product, &length| product.checked_mul(length));
        if expected == Some(found) { Ok(Self { shape, numbers }) } else { Err(DataError::ArrayLength { shape, found }) }
    }

    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its numbers.
    #[must_use]
    pub fn numbers(&self) -> &Numbers {
        &self.numbers
    }
}

impl Numbers {
    fn len(&self) -> usize {
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
