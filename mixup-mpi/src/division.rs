//! The part of an order that a rank has.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use mixup::{
    data::{DataError, Sampler, Sampling},
    prelude::*,
    training::World,
};

/// Takes a rank's part of an order that is the same on all ranks: the entries `rank`, `rank + size`, `rank + 2 * size`, …
#[derive(Debug)]
pub(crate) struct Division {
    inner: Sampling,
    world: World,
    rule: Rule,
}

/// What is done about an order that can't be divided evenly.
#[derive(Debug)]
enum Rule {
    /// Each rank must have as many batches as the others. Batch k of all ranks together has the entries that batch k of one
    /// process with the batch size of all ranks would have. What is left over at the end for less than one entry each is left
    /// out.
    Steps { entries_per_batch: usize, drops_last: bool },
    /// The first ranks have one entry more. If there is less than one entry for each, all have the whole order, which this says.
    Entries { divided: Arc<AtomicBool> },
}

impl Division {
    /// The part of the training data.
    pub(crate) fn of_training(inner: Sampling, world: World, data: &Data) -> Self {
        let (entries_per_batch, drops_last) = (data.train().entries_per_batch(), data.train().drops_last());
        Self { inner, world, rule: Rule::Steps { entries_per_batch, drops_last } }
    }

    /// The part of the validation data. `divided` tells whether it is divided.
    pub(crate) fn of_validation(inner: Sampling, world: World, divided: Arc<AtomicBool>) -> Self {
        Self { inner, world, rule: Rule::Entries { divided } }
    }

    /// How many entries of the common order are divided.
    fn common(&self, entries: usize) -> usize {
        let Rule::Steps { entries_per_batch, drops_last } = &self.rule else { return entries };
        let rest = entries % (entries_per_batch * self.world.size());
        if *drops_last || rest < self.world.size() { entries - rest } else { entries }
    }

    fn is_whole(&self, entries: usize) -> bool {
        matches!(self.rule, Rule::Entries { .. }) && entries < self.world.size()
    }
}

impl Sampler for Division {
    fn order(&mut self, items: usize, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
        let mut order = self.inner.order(items, rng)?;
        let whole = self.is_whole(order.len());
        if let Rule::Entries { divided } = &self.rule {
            divided.store(!whole, Relaxed);
        }
        if whole {
            return Ok(order);
        }
        order.truncate(self.common(order.len()));
        Ok(order.into_iter().skip(self.world.rank()).step_by(self.world.size()).collect())
    }

    fn len(&self, items: usize) -> usize {
        let entries = self.inner.len(items);
        if self.is_whole(entries) {
            return entries;
        }
        self.common(entries).saturating_sub(self.world.rank()).div_ceil(self.world.size())
    }

    /// The same on all ranks, which go on from the checkpoint of the first one.
    fn describe(&self) -> String {
        format!("a part for each of {} ranks of {}", self.world.size(), self.inner.describe())
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        self.inner.stateful()
    }

    fn is_stateless(&self) -> bool {
        self.inner.is_stateless()
    }
}

#[cfg(test)]
mod tests {
    use mixup::data::InOrder;
    use mixup::rand::SeedableRng as _;

    use super::*;

    fn parts(items: usize, size: usize, entries_per_batch: usize, drops_last: bool) -> Vec<Vec<usize>> {
        let part = |rank| {
            let world = World::new(rank, size).expect("a rank below the size");
            let rule = Rule::Steps { entries_per_batch, drops_last };
            let mut division = Division { inner: Sampling::new(InOrder), world, rule };
            let order = division.order(items, &mut Rng::seed_from_u64(0)).expect("an order");
            assert_eq!(order.len(), division.len(items));
            order
        };
        (0..size).map(part).collect()
    }

    #[test]
    fn the_batches_of_all_ranks_together_are_those_of_one_process() {
        for items in 1..60 {
            for (size, batch) in [(2, 3), (3, 4), (4, 1)] {
                let parts = parts(items, size, batch, false);
                let joint = size * batch;
                let rest = items % joint;
                let left_out = if rest < size { rest } else { 0 };
                let steps = (items - left_out).div_ceil(joint);
                for step in 0..steps {
                    let of_rank = |part: &Vec<usize>| part.chunks(batch).nth(step).expect("a batch for each").to_vec();
                    let mut all: Vec<_> = parts.iter().flat_map(of_rank).collect();
                    all.sort_unstable();
                    let end = ((step + 1) * joint).min(items);
                    assert_eq!(all, (step * joint..end).collect::<Vec<_>>(), "{items} items, {size} ranks of {batch}");
                }
                assert!(parts.iter().all(|part| part.chunks(batch).count() == steps));
            }
        }
    }

    #[test]
    fn a_last_batch_that_is_dropped_is_dropped_on_all_ranks() {
        // Without the rule the first of two ranks would have three items of 5, a whole batch more than the other one.
        assert_eq!(parts(11, 2, 3, true), [[0, 2, 4], [1, 3, 5]]);
    }

    #[test]
    fn a_validation_with_less_than_one_item_for_each_rank_is_whole_on_each() {
        let divided = Arc::new(AtomicBool::new(true));
        let world = World::new(1, 4).expect("a rank below the size");
        let mut division = Division::of_validation(Sampling::new(InOrder), world, divided.clone());
        let mut order = |items| division.order(items, &mut Rng::seed_from_u64(0)).expect("an order");
        assert_eq!(order(3), [0, 1, 2]);
        assert!(!divided.load(Relaxed));
        assert_eq!(order(7), [1, 5]);
        assert!(divided.load(Relaxed));
    }
}
