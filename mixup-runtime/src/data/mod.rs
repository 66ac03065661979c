//! Batches of inputs and targets, and where they come from.
//!
//! A [`Dataset`] knows its items and gathers any of them into a [`Batch`](crate::batch::Batch). A [`Sampler`] draws the items of an epoch and
//! their order. A [`Loader`] cuts that order into batches. [`Data`] is what a learner takes: a training loader, perhaps one for validation and
//! one for tests, and the names of the classes.
//!
//! | what there is | how it becomes [`Data`] |
//! |---|---|
//! | images in folders, with a CSV file, in an archive, IDX files, the bundled digits | [`ImageData`] |
//! | a data set at a public address | `untar_data`, then [`ImageData`] |
//! | tensors in memory | [`TensorDataset`], then [`Data::builder`] |
//! | tensors in files, also larger than memory | [`ArrayFile`] and [`FileItems`], then [`Data::builder`] with [`Collated`] |
//! | batches that are ready | [`Data::from_batches`] |
//! | items that are made one by one | implement [`Items`], then [`Data::builder`] with [`Collated`] |
//! | batches that are gathered by number | implement [`Dataset`], then [`Data::builder`] |
//! | batches that come one after another, without a length | implement [`Stream`], then [`Data::stream`] |

mod ahead;
mod array_file;
mod collated;
mod dataset;
mod drawing;
mod error;
mod images;
mod items;
mod loader;
mod packed;
mod parts;
mod progress;
mod sampler;
mod show;
mod splits;
mod stream;
mod summary;
mod tensors;
#[cfg(feature = "download")]
mod untar;

#[cfg(feature = "download")]
pub use self::untar::{ByHand, Downloads, UntarError, Url, UrlError, untar_data};
pub use self::{
    array_file::{ArrayFault, ArrayFile, FileItems},
    collated::Collated,
    dataset::Dataset,
    error::{DataError, ImageSize},
    images::{Columns, ImageData, ImageDataset, KFold, NameSplit, RandomSplit, Split},
    items::{Array, Item, Items, Label, Numbers},
    loader::Loader,
    parts::{Concat, Subset},
    sampler::{InOrder, Sampler, Sampling, Shard, Shuffled, Weighted},
    splits::{Data, DataBuilder, Part},
    stream::Stream,
    summary::DataSummary,
    tensors::TensorDataset,
};
pub(crate) use self::{
    drawing::{Cell, Colour, draw},
    images::Preparation,
};
