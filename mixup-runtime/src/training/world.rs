//! The processes that train together.

use std::fmt;

use super::BuildError;

/// Which of how many processes that train together a learner belongs to. The first one has rank 0.
///
/// A learner that is built with a world ([`LearnerBuilder::world`](crate::learner::LearnerBuilder::world)) does what a process of
/// several does:
///
/// - Only the first one shows a progress bar and writes files: the table of epochs, loggers,
///   [`SaveBest`](crate::callbacks::SaveBest) and checkpoints. All of them go on from the checkpoints of the first one.
/// - Each one has draws of its own in callbacks, training steps and dropout, so that [`MixUp`](crate::callbacks::mixing::MixUp)
///   pairs other items on each. The first weights, the order of an epoch and what is random in an item (its augmentation) are
///   the same on all.
///
/// It does not communicate. A callback does, which asks for `world: World`; the crate `mixup-mpi` has one for MPI.
///
/// ```
/// use mixup::{prelude::*, training::World};
///
/// # fn main() -> Result<(), BoxError> {
/// let data = ImageData::digits()?.build()?;
/// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 8, 10]))
///     .world(World::new(1, 2)?) // the second of two
///     .callback(hook!(on_train_begin, |world: World| assert!(!world.is_first())))
///     .build()?;
/// learn.fit(1, 1e-3)?; // prints nothing
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    rank: usize,
    size: usize,
}

/// One process, which is the first.
impl Default for World {
    fn default() -> Self {
        Self { rank: 0, size: 1 }
    }
}

impl World {
    /// The process `rank`, counted from 0, of `size` processes.
    ///
    /// # Errors
    /// [`BuildError::World`] if there is no such process.
    pub fn new(rank: usize, size: usize) -> Result<Self, BuildError> {
        if rank < size { Ok(Self { rank, size }) } else { Err(BuildError::World { rank, size }) }
    }

    /// The number of this process, counted from 0.
    #[must_use]
    pub fn rank(self) -> usize {
        self.rank
    }

    /// How many processes there are.
    #[must_use]
    pub fn size(self) -> usize {
        self.size
    }

    /// Whether this is the first process, which writes files.
    #[must_use]
    pub fn is_first(self) -> bool {
        self.rank == 0
    }

    /// Whether there are several processes.
    #[must_use]
    pub fn is_shared(self) -> bool {
        self.size > 1
    }
}

/// `rank 1 of 2`.
impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {} of {}", self.rank, self.size)
    }
}
