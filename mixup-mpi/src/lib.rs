//! Trainings of several processes with [`mixup`], on one machine or on many, over MPI.
//!
//! Each process (a *rank*) has the whole model and trains on its part of each batch. Their gradients are averaged before each
//! step of the optimizer, so that the weights stay the same on all. `docs/scale.md` of the repository is the guide.
//!
//! ```no_run
//! use mixup::prelude::*;
//! use mixup_mpi::{Mpi, Parallel as _};
//!
//! # fn main() -> Result<(), BoxError> {
//! let mpi = Mpi::init()?;
//! let data = ImageData::digits()?.batch_size(32).build()?; // 32 on each rank
//! let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 8, 10]))
//!     .metric(accuracy)
//!     .mixup()
//!     .data_parallel(&mpi)
//!     .build()?;
//! learn.fit(8, 3e-3)?; // `mpirun -n 2 program`: the table is printed once
//! # Ok(())
//! # }
//! ```
//!
//! [`DataParallel`] is a callback like any other: it uses only what the language of callbacks gives to all.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

/// The guide: its examples are tested as those of these comments are.
#[cfg(doctest)]
#[doc = include_str!("../../docs/scale.md")]
mod guide {}

mod data_parallel;
mod division;
mod error;
mod flat;
mod group;
mod members;
mod mpi;
mod says;

pub use data_parallel::{DataParallel, Spent};
pub use error::ParallelError;
pub use mpi::{Mpi, Parallel};
pub use says::Moment;
