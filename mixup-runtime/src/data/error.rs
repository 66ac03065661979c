//! What can be wrong with data: each case with its file and its numbers.

use std::error::Error;

use tch::TchError;

/// Why data could not be opened, or a batch not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A batch of no items was asked for.
    #[error("the batch size is 0, but a batch needs at least one item")]
    BatchSize,
    /// There is nothing to train with, or nothing to validate with.
    #[error("the {part} data has no items")]
    Empty {
        /// «training» or «validation».
        part: &'static str,
    },
    /// All that there is would be dropped.
    #[error(
        "{items} training items give no whole batch of {batch_size}, and `drop_last` drops the rest: take a smaller \
         batch size, or keep the last batch"
    )]
    NoBatch {
        /// How many items there are.
        items: usize,
        /// How many a batch takes.
        batch_size: usize,
    },
    /// An item that is not there.
    #[error("item {index} was asked for, but the data has {items}, counted from 0")]
    Index {
        /// The item.
        index: usize,
        /// How many there are.
        items: usize,
    },
    /// A batch that is not there.
    #[error("batch {batch} was asked for, but an epoch has {batches}, counted from 0")]
    BatchIndex {
        /// The batch.
        batch: usize,
        /// How many an epoch has.
        batches: usize,
    },
    /// The order of an epoch that does not belong to these data.
    #[error("the order has {found} entries, but there are {expected} to put in order")]
    Order {
        /// How many entries an order of these data has.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// Inputs and targets, or several inputs, of different lengths.
    #[error("the input has {input} items and the target {target}, but each item needs both")]
    Lengths {
        /// Items of the input.
        input: usize,
        /// Items of the target.
        target: usize,
    },
    /// Several inputs of different lengths.
    #[error("input {position} has {found} items, but input 0 has {expected}: each item needs all of them")]
    Inputs {
        /// Which input, counted from 0.
        position: usize,
        /// How many items the first has.
        expected: usize,
        /// How many this one has.
        found: usize,
    },
    /// A tensor that has no first dimension to count items by, or no tensor at all.
    #[error("the {what} has no first dimension: it must be at least one tensor `[n, …]`, with n items")]
    NoItemDimension {
        /// «input» or «target».
        what: &'static str,
    },
    /// What `MixUp` made of a batch, given as data.
    #[error("the {what} is already mixed, but a data set holds single items: give plain tensors")]
    Mixed {
        /// «input» or «target».
        what: &'static str,
    },
    /// A data set that returned something else than what it was asked for.
    #[error("the data set was asked for {asked} items, but returned an input of {input} and a target of {target}")]
    WrongBatch {
        /// How many items were asked for.
        asked: usize,
        /// Items of the input.
        input: usize,
        /// Items of the target.
        target: usize,
    },
    /// A prepared batch that is empty, or whose parts do not fit each other.
    #[error("{part} batch {batch}, counted from 0, has an input of {input} items and a target of {target}")]
    PreparedBatch {
        /// «training» or «validation».
        part: &'static str,
        /// Which batch.
        batch: usize,
        /// Items of the input.
        input: usize,
        /// Items of the target.
        target: usize,
    },
    /// Tensors of another kind or shape than images have.
    #[error("{what} must be {expected}, but are {found}")]
    Layout {
        /// «images» or «labels».
        what: &'static str,
        /// The kind and shape that they must have.
        expected: &'static str,
        /// What they have.
        found: String,
    },
    /// What libtorch says.
    #[error(transparent)]
    Tch(#[from] TchError),
    /// What a data set of your own says; see [`DataError::other`].
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
}

impl DataError {
    /// Wraps an error, or a sentence, of a data set of your own.
    ///
    /// ```
    /// use mixup_runtime::data::DataError;
    ///
    /// let error = DataError::other("row 3 has no label");
    /// assert_eq!(error.to_string(), "row 3 has no label");
    /// ```
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}
