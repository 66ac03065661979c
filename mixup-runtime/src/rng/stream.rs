//! A separate generator for each drawer and place. Nothing is passed on from one to the next, so nobody's draws depend on who else draws,
//! and no generator's state has to be saved.
//!
//! The seed, the drawer and the place are the key of the generator. ChaCha is a pseudo-random function of its key: the streams of two keys
//! are independent, even if the keys differ in one bit only.

use rand::SeedableRng as _;

use super::Rng;

/// A place in a learner's life, as part of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// The epoch, counted over all trainings.
    pub epoch: u32,
    /// The training batch, counted from 1; 0 outside of one.
    pub batch: u32,
    /// The validation batch, counted from 1; 0 outside of one.
    pub valid_batch: u32,
}

/// The generator of a drawer at a place. `purpose` distinguishes the different draws of a drawer there.
pub(crate) fn stream(seed: u64, drawer: u64, place: Place, purpose: &str) -> Rng {
    let purpose = hash(purpose);
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&drawer.to_le_bytes());
    key[16..20].copy_from_slice(&place.epoch.to_le_bytes());
    key[20..24].copy_from_slice(&place.batch.to_le_bytes());
    key[24..28].copy_from_slice(&place.valid_batch.to_le_bytes());
    key[28..].copy_from_slice(&((purpose ^ (purpose >> 32)) as u32).to_le_bytes());
    Rng::from_seed(key)
}

/// The FNV-1a hash of a name, as in <http://www.isthe.com/chongo/tech/comp/fnv/>.
pub(crate) fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The generators of the items of a batch. The draws of an item depend only on the seed, the epoch and the item, and not on its batch
/// or on other items, so any number of threads may draw.
///
/// ```
/// use mixup::rng::ItemRngs;
/// use rand::RngExt as _;
///
/// let rngs = ItemRngs::new(42, 0); // seed 42, the first epoch
/// let turned: bool = rngs.of(7).random();
/// assert_eq!(turned, rngs.of(7).random::<bool>()); // from the beginning at each call
/// assert_ne!(rngs.of(7), rngs.of(8));
/// assert_ne!(rngs.of(7), ItemRngs::new(42, 1).of(7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemRngs {
    seed: u64,
    epoch: u32,
    part: &'static str,
    /// Where the items begin among those that have generators.
    shift: usize,
}

impl ItemRngs {
    /// The generators of the training items in an epoch, which is counted from 0 over all trainings of a learner with this seed.
    #[must_use]
    pub fn new(seed: u64, epoch: usize) -> Self {
        Self { seed, epoch: epoch as u32, part: "training", shift: 0 }
    }

    /// The generators of the validation items.
    #[must_use]
    pub fn valid(self) -> Self {
        Self { part: "validation", ..self }
    }

    /// The generators of items that begin at `shift` in a larger set.
    pub(crate) fn shifted(self, shift: usize) -> Self {
        Self { shift: self.shift + shift, ..self }
    }

    /// Returns the generator of the item with this index, always from its beginning.
    #[must_use]
    pub fn of(&self, index: usize) -> Rng {
        self.stream("item", self.shift.wrapping_add(index))
    }

    /// Returns the generator of batch `k`, for data whose items have no index.
    pub(crate) fn of_batch(&self, k: usize) -> Rng {
        self.stream("batch", k)
    }

    fn stream(&self, drawer: &str, number: usize) -> Rng {
        let number = number as u64;
        let place = Place { epoch: self.epoch, batch: number as u32, valid_batch: (number >> 32) as u32 };
        stream(self.seed, hash(drawer), place, self.part)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn hashes_names_by_fnv_1a() {
        for (name, expected) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            assert_eq!(hash(name), expected, "{name}");
        }
    }

    #[test]
    fn a_difference_anywhere_gives_another_generator() {
        let place = Place { epoch: 1, batch: 2, valid_batch: 3 };
        let mut keys = HashSet::new();
        for seed in [0, 1, 1 << 40] {
            for name in ["MixUp", "MixUp#2"] {
                for place in
                    [place, Place { epoch: 2, ..place }, Place { batch: 3, ..place }, Place { valid_batch: 2, ..place }]
                {
                    for purpose in ["on_batch_begin", "on_batch_end"] {
                        keys.insert(stream(seed, hash(name), place, purpose).get_seed());
                    }
                }
            }
        }
        assert_eq!(keys.len(), 3 * 2 * 4 * 2);
    }

    #[test]
    fn an_item_beyond_four_billion_has_its_own_generator() {
        let rngs = ItemRngs::new(0, 0);
        assert_ne!(rngs.of(5), rngs.of(5 + (1 << 32)));
        assert_ne!(rngs.of(5), rngs.of_batch(5));
        assert_ne!(rngs.of(5), rngs.valid().of(5));
    }
}
