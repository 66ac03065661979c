//! libtorch's generator, from which dropout and the initial weights of `tch`'s layers are drawn.
//!
//! The process has one such generator, and `tch` can't read its state. So it is seeded anew wherever a learner may draw from it. Its state
//! is then a function of the place and does not have to be saved.
//!
//! The generator of the CPU takes the low 32 bits of a seed and ignores the rest. Hashes of so few bits would collide after some ten thousand
//! batches, which would then get the same noise. So the low bits are a permutation of a counter: no two places have the same bits.

use super::{Place, hash, stream::stream};

/// What libtorch's generator is seeded for. Each use has its own numbers, so that a validation takes none from the training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// The begin and the end of an epoch, and each training batch.
    Training,
    /// A validation between two training batches.
    MidEpoch,
    /// The validation at the end of an epoch.
    EpochEnd,
    /// The begin of a training.
    TrainBegin,
    /// A validation or prediction outside of a training.
    OwnRun,
    /// A batch of a validation between two training batches.
    MidEpochBatch,
    /// A batch of the validation at the end of an epoch.
    EpochEndBatch,
}

/// How many uses there are.
const USES: u32 = 7;

/// The seeds of libtorch's generator for a learner's seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TorchSeeds {
    key: [u32; 4],
}

impl TorchSeeds {
    pub(crate) fn of(seed: u64) -> Self {
        use rand::RngExt as _;

        Self { key: stream(seed, hash("libtorch"), Place::default(), "seeds").random() }
    }

    /// Seeds libtorch's generator for the `count`-th time of a use. For each use, the first 613 million counts get seeds that no other has.
    pub(crate) fn seed(&self, what: Use, count: u32) {
        tch::manual_seed(self.of_count(what, count));
    }

    fn of_count(&self, what: Use, count: u32) -> i64 {
        let low = self.permuted(count.wrapping_mul(USES).wrapping_add(what as u32));
        (u64::from(self.key[3]) << 32 | u64::from(low)).cast_signed()
    }

    /// A permutation of all 32-bit numbers: each step can be undone.
    fn permuted(&self, number: u32) -> u32 {
        self.key[..3].iter().fold(number, |number, key| {
            let mut mixed = number ^ key;
            mixed = (mixed ^ (mixed >> 16)).wrapping_mul(0x85eb_ca6b);
            mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae35);
            mixed ^ (mixed >> 16)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const ALL: [Use; USES as usize] = [
        Use::Training,
        Use::MidEpoch,
        Use::EpochEnd,
        Use::TrainBegin,
        Use::OwnRun,
        Use::MidEpochBatch,
        Use::EpochEndBatch,
    ];

    #[test]
    fn no_two_places_have_the_same_low_bits() {
        for seed in [0, 1, 42] {
            let seeds = TorchSeeds::of(seed);
            let far = (u32::MAX / USES) - 1000;
            let counts = (0..20_000).chain(far..far + 1000);
            let low: Vec<u32> = counts.flat_map(|count| ALL.map(|what| seeds.of_count(what, count) as u32)).collect();
            assert_eq!(low.iter().collect::<HashSet<_>>().len(), low.len(), "seed {seed}");
        }
    }

    #[test]
    fn another_seed_gives_another_permutation() {
        let [first, second] = [1, 2].map(|seed| TorchSeeds::of(seed).of_count(Use::Training, 7));
        assert_ne!(first as u32, second as u32);
        assert_ne!(first >> 32, second >> 32);
    }
}
