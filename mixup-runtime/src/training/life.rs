//! How far a learner has come over all its runs: few numbers, of which everything random is a function.

use super::Position;
use crate::rng::{ItemRngs, Rng, TorchSeeds, Use, hash, stream};

/// A learner's life so far.
#[derive(Debug)]
pub(crate) struct Life {
    pub seed: u64,
    torch: TorchSeeds,
    /// How many epochs have begun.
    pub epochs: usize,
    /// How many validations and predictions of their own there were.
    pub own_runs: usize,
    /// How often libtorch's generator was seeded for the training: at each epoch's begin and end, and for each training batch.
    moments: u32,
}

impl Life {
    /// Begins a life. libtorch's generator is seeded for the model's first values.
    pub(crate) fn begin(seed: u64) -> Self {
        let life = Self { seed, torch: TorchSeeds::of(seed), epochs: 0, own_runs: 0, moments: 0 };
        life.torch.seed(Use::Training, 0);
        life
    }

    /// The training goes on: libtorch's generator is seeded for what comes next of it.
    pub(crate) fn next_moment(&mut self) {
        self.moments = self.moments.wrapping_add(1);
        self.torch.seed(Use::Training, self.moments);
    }

    /// Seeds libtorch's generator for something beside the training, which goes on as if it had not been.
    pub(crate) fn seed_beside(&self, what: Use) {
        let count = if what == Use::OwnRun { self.own_runs as u32 } else { self.moments };
        self.torch.seed(what, count);
    }

    /// The generator of a drawer: a callback by the hash of its name, in a hook.
    pub(crate) fn stream(&self, drawer: u64, position: Position, purpose: &str) -> Rng {
        stream(self.seed, drawer, position.place(), purpose)
    }

    /// The generators of the items of a pass over the data.
    pub(crate) fn items(&self, position: Position) -> ItemRngs {
        let rngs = ItemRngs::new(self.seed, position.epochs_before);
        if position.train { rngs } else { rngs.valid() }
    }

    /// The generator of an epoch's order, of the training or of the validation data.
    pub(crate) fn order(&self, position: Position) -> Rng {
        self.stream(hash("order"), position, if position.train { "training" } else { "validation" })
    }
}
