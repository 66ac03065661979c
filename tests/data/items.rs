//! Items that are made one by one.

use mixup::{
    data::{Array, Collated, Item, Items, Label},
    prelude::*,
};
use tch::{Kind, Tensor};

use crate::{on, seen};

/// Items that a function makes from their index.
struct Made<F>(usize, F);

impl<F: Fn(usize, &mut Rng) -> Result<Item, DataError> + Send + Sync> Items for Made<F> {
    fn len(&self) -> usize {
        self.0
    }

    fn get(&self, index: usize, rng: &mut Rng) -> Result<Item, DataError> {
        self.1(index, rng)
    }
}

fn batch<F: Fn(usize, &mut Rng) -> Result<Item, DataError> + Send + Sync + 'static>(
    made: F,
    indices: &[usize],
) -> Result<Batch, DataError> {
    Collated::new(Made(10, made)).batch(indices, &ItemRngs::new(0, 0))
}

#[test]
fn items_become_a_batch_in_the_order_of_their_indices() -> Result<(), Box<dyn std::error::Error>> {
    let image = |index: usize, _: &mut Rng| {
        let pixels = vec![0, 51, 255, index as u8 * 51];
        Ok(Item { input: Array::new([1, 2, 2], pixels)?, label: Label::Class(index as i64) })
    };
    let images = batch(image, &[3, 1])?;
    let input = images.input.one()?;
    assert_eq!((input.size(), input.kind()), (vec![2, 1, 2, 2], Kind::Float));
    let expected = [0.0_f32, 0.2, 1.0, 0.6, 0.0, 0.2, 1.0, 0.2];
    assert_eq!(Vec::<f32>::try_from(input.flatten(0, -1))?, expected);
    assert!(matches!(&images.target, Target::Classes(classes) if *classes == Tensor::from_slice(&[3_i64, 1])));

    let words = |index: usize, _: &mut Rng| {
        let label = Array::new([], vec![index as f32])?;
        Ok(Item { input: Array::new([3], vec![index as i64; 3])?, label: label.into() })
    };
    let words = batch(words, &[2, 2])?;
    assert_eq!((words.input.one()?.size(), words.input.one()?.kind()), (vec![2, 3], Kind::Int64));
    assert!(matches!(&words.target, Target::Dense(numbers) if *numbers == Tensor::from_slice(&[2.0_f32, 2.0])));
    Ok(())
}

#[test]
fn the_error_for_items_that_are_not_alike_describes_both() {
    let input =
        |index: usize| if index == 4 { Array::new([2], vec![0.0_f32; 2]) } else { Array::new([3], vec![0_u8; 3]) };
    let error = batch(move |index, _| Ok(Item { input: input(index)?, label: Label::Class(0) }), &[1, 4]);
    assert_eq!(
        error.expect_err("two shapes").to_string(),
        "the input of item 4 is floats of [2], but that of the first item in its batch is bytes of [3]: all items of a batch must \
         be alike"
    );
    let label =
        |index: usize| if index == 4 { Array::new([1], vec![0.0_f32]).map(Label::Dense) } else { Ok(Label::Class(0)) };
    for (indices, expected) in [
        ([1, 4], "the label of item 4 is numbers, but that of the first item in its batch is a class: "),
        ([4, 1], "the label of item 1 is a class, but that of the first item in its batch is numbers: "),
    ] {
        let error = batch(move |index, _| Ok(Item { input: input(0)?, label: label(index)? }), &indices);
        let error = error.expect_err("two kinds").to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn numbers_must_fill_their_shape() {
    for (shape, count) in [(vec![2, 3], 5), (vec![2, 3], 7), (vec![], 0), (vec![usize::MAX, 2], 0)] {
        let error = Array::new(shape.clone(), vec![0.0_f32; count]).expect_err("they do not");
        assert_eq!(error.to_string(), format!("{count} numbers do not have the shape {shape:?}"));
    }
    assert!(Array::new([0, 3], Vec::<f32>::new()).is_ok(), "no number at all fills a shape of none");
}

#[test]
fn the_error_for_an_item_that_is_missing_or_cannot_be_made_names_it() {
    let fails = |index: usize, _: &mut Rng| {
        if index == 2 {
            Err(DataError::other("file 2 is broken"))
        } else {
            Ok(Item { input: Array::new([1], vec![0.0_f32])?, label: Label::Class(0) })
        }
    };
    assert_eq!(batch(fails, &[0, 2]).expect_err("it fails").to_string(), "file 2 is broken");
    assert!(matches!(batch(fails, &[0, 10]), Err(DataError::Index { index: 10, items: 10 })));
}

/// Twelve items. Each is its index times 1000, plus a random number up to 999.
fn noisy(batch_size: usize, shuffle: bool) -> Learner {
    let made = |index: usize, rng: &mut Rng| {
        let number = index as f32 * 1000.0 + rng.random_range(0..1000) as f32;
        let array = || Array::new([1], vec![number]);
        Ok(Item { input: array()?, label: array()?.into() })
    };
    let data = Data::builder(Collated::new(Made(12, made))).batch_size(batch_size).shuffle(shuffle).build();
    on(data.expect("there are items")).build().expect("nothing is wrong with it")
}

#[test]
fn the_draws_of_an_item_depend_only_on_the_epoch_and_the_item() {
    let epochs = |mut learn: Learner| -> Vec<Vec<i64>> {
        let all = seen(&mut learn, 2).concat();
        let sorted = |items: &[i64]| {
            let mut items = items.to_vec();
            items.sort_unstable();
            items
        };
        all.chunks(12).map(sorted).collect()
    };
    let expected = epochs(noisy(4, false));
    assert_ne!(expected[0], expected[1], "each epoch draws anew");
    assert_eq!(epochs(noisy(5, false)), expected, "in batches of another size");
    assert_eq!(epochs(noisy(4, true)), expected, "in another order");
    let mut mixed = noisy(4, true);
    mixed.callback(MixUp::default().stack_y(false));
    mixed.fit(1, 1e-9).expect("it trains");
    mixed.remove::<MixUp>().expect("it is there");
    assert_eq!(epochs(mixed)[0], expected[1], "after an epoch with MixUp");
}

#[test]
fn several_threads_make_the_same_items_as_one() {
    let made = Made(12, |index: usize, rng: &mut Rng| {
        let drawn = vec![index as f32, rng.random()];
        Ok(Item { input: Array::new([2], drawn)?, label: Label::Class(0) })
    });
    let rngs = ItemRngs::new(5, 3);
    let one: Vec<Item> = (0..12).map(|index| made.get(index, &mut rngs.of(index)).expect("an item")).collect();
    let made = &made;
    let several = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                scope.spawn(move || {
                    let own = (0..12).rev().filter(|index| index % 3 == thread);
                    own.map(|index| (index, made.get(index, &mut rngs.of(index)).expect("an item"))).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert_eq!(several.len(), 12);
    assert!(several.iter().all(|(index, item)| *item == one[*index]));
}
