//! The connection of a process to the others, and how a learner gets it.

use std::{sync::Arc, time::Duration};

use mixup::{learner::LearnerBuilder, model::Model, training::World};
use mpi::Threading;

use crate::{data_parallel::DataParallel, error::ParallelError, group::Group, members::Members};

/// This process's connection to the others that `mpirun` has started. A program that was started without `mpirun` is the only
/// one.
///
/// When it and all learners that were built with it are dropped, it waits for the other processes to come to their end too, and
/// finalizes MPI.
#[derive(Clone, Debug)]
pub struct Mpi {
    group: Arc<Group>,
}

impl Mpi {
    /// Initializes MPI, at the begin of `main`.
    ///
    /// # Errors
    /// [`ParallelError::Twice`] if that was done before, and [`ParallelError::Threads`] if the library can't be called from
    /// threads.
    pub fn init() -> Result<Self, ParallelError> {
        let (universe, threads) = mpi::initialize_with_threading(Threading::Serialized).ok_or(ParallelError::Twice)?;
        let group = Group::new(universe);
        if threads < Threading::Serialized {
            return Err(ParallelError::Threads);
        }
        Ok(Self { group: Arc::new(group) })
    }

    /// Sets how long this process waits for the others before it ends with [`ParallelError::Late`], and with it all others. It
    /// must be longer than what one process does alone, such as writing a large checkpoint. Defaults to half an hour.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.group.set_timeout(timeout);
        self
    }

    /// Which of how many processes this is.
    #[must_use]
    pub fn world(&self) -> World {
        self.group.world()
    }

    /// The number of this process, counted from 0.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.world().rank()
    }

    /// How many processes there are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.world().size()
    }
}

/// A learner whose builder can be given the other processes.
pub trait Parallel {
    /// Has the learner train together with those of the other processes, which are built in the same way: sets its
    /// [`world`](LearnerBuilder::world), and adds [`DataParallel`].
    #[must_use = "a builder does nothing until `build`"]
    fn data_parallel(self, mpi: &Mpi) -> Self;
}

impl<M: Model> Parallel for LearnerBuilder<M> {
    fn data_parallel(self, mpi: &Mpi) -> Self {
        let group = &mpi.group;
        self.world(mpi.world()).callback(Members::new(group.clone())).callback(DataParallel::new(group.clone()))
    }
}
