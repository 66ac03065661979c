//! What can go wrong between processes.

use std::time::Duration;

use mixup::{
    model::GradientError,
    state::StateError,
    training::{ReadError, World},
};
use tch::{Kind, TchError};

use crate::says::Moment;

/// Why processes can't train together, or no longer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParallelError {
    /// MPI can be initialized once in a process.
    #[error("MPI was initialized before in this process: call `Mpi::init` once, and keep what it returns")]
    Twice,
    /// The MPI library can't be called from several threads, one at a time.
    #[error(
        "this MPI library can't be called from another thread than that of `main`: it must support MPI_THREAD_SERIALIZED"
    )]
    Threads,
    /// The learner was built for another world.
    #[error(
        "the learner was built as {learner}, and this process is {here}: build it with `.data_parallel(&mpi)` and without \
         `.world(…)`"
    )]
    OtherWorld {
        /// That of the learner.
        learner: World,
        /// That of MPI.
        here: World,
    },
    /// The ranks have different models or numbers of epochs.
    #[error(
        "the ranks have different models or different numbers of epochs: all must build the same learner, and train as long"
    )]
    OtherModel,
    /// The optimizers of the ranks have different settings.
    #[error(
        "the ranks have different learning rates, momentums or weight decays: a callback that sets them must do so by numbers \
         that are the same on all ranks, such as `valid_loss`, metrics, and `train_loss`"
    )]
    OtherSettings,
    /// Another rank has failed.
    #[error("rank {rank} failed: {error}")]
    Failed {
        /// The rank.
        rank: usize,
        /// The message of its error or panic.
        error: String,
    },
    /// Another rank was interrupted, and a callback there did not wait until all agree.
    #[error("rank {rank} was interrupted")]
    Interrupted {
        /// The rank.
        rank: usize,
    },
    /// Another rank trains no more.
    #[error(
        "rank {rank} {what}, and this one is {here}: all ranks must call the same methods of their learners in the same order"
    )]
    Gone {
        /// The rank.
        rank: usize,
        /// What it has done.
        what: &'static str,
        /// What this one does.
        here: Moment,
    },
    /// The ranks are at different places.
    #[error(
        "one rank is {first} while another is {last}: all must have the same batches and validations, so a callback that \
         skips one must do so on all, and all must go on from the same checkpoint"
    )]
    Apart {
        /// The place of one that is behind.
        first: Moment,
        /// The place of one that is ahead.
        last: Moment,
    },
    /// The other ranks did not come.
    #[error(
        "the other ranks did not come within {after:.1?}, and this one is {here}: one of them hangs, or takes longer than \
         `Mpi::timeout` allows"
    )]
    Late {
        /// How long this one has waited.
        after: Duration,
        /// What it does.
        here: Moment,
    },
    /// An earlier wait was given up, so that the ranks can't communicate any more.
    #[error("the ranks can't communicate any more since one wait was given up: end the program")]
    Broken,
    /// A parameter is frozen here and trained elsewhere.
    #[error("`{name}` is frozen on this rank and trained on another one: freeze the same parameters on all")]
    Frozen {
        /// The parameter.
        name: String,
    },
    /// A tensor that can't be exchanged.
    #[error("`{name}` has the kind {kind:?}, which ranks can't exchange")]
    Kind {
        /// Its name.
        name: String,
        /// Its kind.
        kind: Kind,
    },
    /// What a validation has measured can't be exchanged.
    #[error("what rank {rank} has measured in the validation can't be read: {reason}")]
    Measured {
        /// The rank.
        rank: usize,
        /// Why.
        reason: String,
    },
    /// More than MPI can exchange at once.
    #[error(
        "the ranks have measured {bytes} bytes in the validation, and can exchange 2 GiB: use metrics that keep less"
    )]
    TooMuch {
        /// How much there is.
        bytes: u64,
    },
    /// A state.
    #[error("{0}")]
    State(#[from] StateError),
    /// The training loss.
    #[error("{0}")]
    Loss(#[from] ReadError),
    /// The gradients.
    #[error("{0}")]
    Gradient(#[from] GradientError),
    /// libtorch returned an error.
    #[error("{0}")]
    Torch(#[from] TchError),
}
