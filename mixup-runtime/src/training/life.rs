//! A learner's life over all its runs, as a few numbers; everything random is a function of them.

use serde::{Deserialize, Serialize};

use super::Position;
use crate::{
    rng::{ItemRngs, Place, Rng, TorchSeeds, Use, hash, stream},
    state::{State, StateError, Stateful},
};

/// A learner's life so far.
#[derive(Debug)]
pub(crate) struct Life {
    pub seed: u64,
    /// Which of several processes this is. It is not saved: all go on from what the first one has saved.
    rank: usize,
    /// The seed of what each process draws for itself.
    own: u64,
    torch: TorchSeeds,
    /// How many epochs have begun.
    pub epochs: usize,
    /// How many validations and predictions there were outside of trainings.
    pub own_runs: usize,
    /// How often libtorch's generator was seeded for the training: at the begin and end of each epoch, and for each training
    /// batch.
    moments: u32,
    /// How many batches of validations there were in trainings: between training batches, and at the ends of epochs.
    validated: [u32; 2],
}

impl Life {
    /// Begins a life, and seeds libtorch's generator for the initial values of the model, which are the same in all processes.
    pub(crate) fn begin(seed: u64, rank: usize) -> Self {
        TorchSeeds::of(seed).seed(Use::Training, 0);
        Self::of(seed, rank)
    }

    fn of(seed: u64, rank: usize) -> Self {
        let own = of_rank(seed, rank);
        Self { seed, rank, own, torch: TorchSeeds::of(own), epochs: 0, own_runs: 0, moments: 0, validated: [0; 2] }
    }

    /// Seeds libtorch's generator for the next part of the training.
    pub(crate) fn next_moment(&mut self) {
        self.moments = self.moments.wrapping_add(1);
        self.torch.seed(Use::Training, self.moments);
    }

    /// Seeds libtorch's generator for the next batch of a validation, so that a training can go on in the middle of it.
    pub(crate) fn next_validation_batch(&mut self, mid_epoch: bool) {
        let what = if mid_epoch { Use::MidEpochBatch } else { Use::EpochEndBatch };
        let count = &mut self.validated[usize::from(!mid_epoch)];
        *count = count.wrapping_add(1);
        self.torch.seed(what, *count);
    }

    /// Seeds libtorch's generator for something outside of the training, without an effect on what the training draws.
    pub(crate) fn seed_beside(&self, what: Use) {
        let count = if what == Use::OwnRun { self.own_runs as u32 } else { self.moments };
        self.torch.seed(what, count);
    }

    /// The generator of a drawer: a callback, given by the hash of its name, in a hook.
    pub(crate) fn stream(&self, drawer: u64, position: Position, purpose: &str) -> Rng {
        stream(self.own, drawer, position.place(), purpose)
    }

    /// The generators of the items of a pass over the data: the same in all processes, so that an item does not depend on which
    /// one has it.
    pub(crate) fn items(&self, position: Position) -> ItemRngs {
        let rngs = ItemRngs::new(self.seed, position.epochs_before);
        if position.train { rngs } else { rngs.valid() }
    }

    /// The generator of an epoch's order, of the training or of the validation data: the same in all processes, so that they
    /// can divide one order among them.
    pub(crate) fn order(&self, position: Position) -> Rng {
        let purpose = if position.train { "training" } else { "validation" };
        stream(self.seed, hash("order"), position.place(), purpose)
    }
}

/// The seed of what a process draws for itself; that of the first one is the common seed.
fn of_rank(seed: u64, rank: usize) -> u64 {
    use rand::RngExt as _;

    let place = Place { epoch: rank as u32, ..Place::default() };
    if rank == 0 { seed } else { stream(seed, hash("rank"), place, "seed").random() }
}

/// What is saved of a life. Counts that are far below `usize::MAX` go on without overflow.
#[derive(Serialize, Deserialize)]
struct Saved {
    seed: u64,
    epochs: u32,
    own_runs: u32,
    moments: u32,
    validated: [u32; 2],
}

impl Stateful for Life {
    fn save(&self) -> Result<State, StateError> {
        let Self { seed, epochs, own_runs, moments, validated, .. } = *self;
        State::of_data(&Saved { seed, epochs: epochs as u32, own_runs: own_runs as u32, moments, validated })
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let Saved { seed, epochs, own_runs, moments, validated } = state.data()?;
        let (epochs, own_runs) = (epochs as usize, own_runs as usize);
        *self = Self { epochs, own_runs, moments, validated, ..Self::of(seed, self.rank) };
        Ok(())
    }
}
