//! Batches of inputs and targets, and where they come from.
//!
//! A [`Dataset`] knows its items and gathers any of them into a [`Batch`](crate::batch::Batch). A [`Loader`] cuts a data set into batches, in
//! an order that is drawn anew for each epoch. [`Data`] is what a learner takes: a training loader, perhaps one for
//! validation, and the names of the classes.
//!
//! | what there is | how it becomes [`Data`] |
//! |---|---|
//! | folders of images, an archive of them, IDX files, the embedded digits | [`ImageData`] |
//! | tensors in memory | [`TensorDataset`], then [`Data::builder`] |
//! | batches, already made | [`Data::from_batches`] |
//! | something of your own | implement [`Dataset`], then [`Data::builder`] |

mod dataset;
mod error;
mod images;
mod loader;
mod progress;
mod splits;
mod tensors;

pub use self::{
    dataset::Dataset,
    error::{DataError, ImageSize},
    images::{ImageData, ImageDataset},
    loader::Loader,
    splits::{Data, DataBuilder},
    tensors::TensorDataset,
};
