//! Data sets that are made of others.

use mixup::{
    data::{Array, Collated, Concat, Dataset, Item, Items, Label, Subset},
    prelude::*,
};

/// Items with their number and one that is drawn.
struct From(usize, usize);

impl Items for From {
    fn len(&self) -> usize {
        self.1
    }

    fn get(&self, index: usize, rng: &mut Rng) -> Result<Item, DataError> {
        let number = (self.0 + index) as f32;
        Ok(Item { input: Array::new([2], vec![number, rng.random::<f32>()])?, label: Label::Class(0) })
    }
}

/// The numbers and the draws of these items.
fn items(data: &dyn Dataset, indices: &[usize]) -> Result<(Vec<f32>, Vec<f32>), BoxError> {
    let batch = data.batch(indices, &ItemRngs::new(1, 0))?;
    let input = batch.input.one()?;
    Ok((Vec::try_from(input.select(1, 0))?, Vec::try_from(input.select(1, 1))?))
}

#[test]
fn several_sets_are_one_in_any_order_with_generators_of_their_own() -> Result<(), BoxError> {
    let both = Concat::new([Collated::new(From(0, 3)), Collated::new(From(10, 4))]);
    assert_eq!(both.len(), 7);
    let (numbers, draws) = items(&both, &[5, 4, 0, 1, 6, 2, 3])?;
    assert_eq!(numbers, [12.0, 11.0, 0.0, 1.0, 13.0, 2.0, 10.0]);
    let mut different = draws.clone();
    different.sort_by(f32::total_cmp);
    different.dedup();
    assert_eq!(different.len(), 7);
    let threads = both.for_threads().ok_or("its parts have them")?;
    assert_eq!(items(&threads, &[5, 4, 0, 1, 6, 2, 3])?, (numbers, draws));
    assert!(matches!(both.batch(&[7], &ItemRngs::new(1, 0)), Err(DataError::Index { index: 7, items: 7 })));
    Ok(())
}

#[test]
fn a_subset_has_the_items_and_the_draws_of_the_whole() -> Result<(), BoxError> {
    let whole = || Collated::new(From(100, 9));
    let some = Subset::new(whole(), [8, 2, 2, 5])?;
    assert_eq!(items(&some, &[0, 1, 2, 3])?, items(&whole(), &[8, 2, 2, 5])?);
    assert_eq!((some.len(), items(&some, &[3])?), (4, items(&whole(), &[5])?));
    let error = Subset::new(whole(), [3, 9]).err().ok_or("there is no item 9")?;
    assert_eq!(error.to_string(), "item 9 was asked for, but the data has 9, counted from 0");
    Ok(())
}
