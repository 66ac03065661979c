//! The whole family in trainings: which batches are mixed and how, and that everything is restored at the end.

use std::sync::{Arc, Mutex};

use mixup::{callback::Callback, callbacks::mixing::Mode, prelude::*};
use tch::Kind;

use crate::numbers::{classes, f64s, prepared, random};

/// How a batch was mixed: not at all, blended, or with a box of another image in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kinds {
    Plain,
    Blended,
    Cut,
}

/// What the model was about to see: the epoch, whether it is trained, and how the batch was mixed.
type Sight = (usize, bool, Kinds);

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Sight>>>);

#[callback(order = 10)]
impl Seen {
    fn on_batch_begin(&mut self, epoch: usize, train: bool, last_target: &Target) -> Result<(), String> {
        // In images of 8×8, a box leaves a whole number of sixty-fourths; MixUp's weights are not such numbers.
        let kind = match last_target {
            Target::Mixed { weight, .. } if f64s(weight).iter().all(|weight| (64.0 * weight).fract() == 0.0) => {
                Kinds::Cut
            }
            Target::Mixed { .. } => Kinds::Blended,
            _ => Kinds::Plain,
        };
        self.0.lock().map_err(|error| error.to_string())?.push((epoch, train, kind));
        Ok(())
    }
}

/// Batches of five images.
fn images(batches: i64) -> Data {
    let batch = |seed| {
        let seed = seed as u64;
        (random(&[5, 1, 8, 8], Kind::Float, seed), Target::from(classes(&[5], 3, seed)))
    };
    prepared(&(0..batches).map(batch).collect::<Vec<_>>()).expect("whole batches")
}

fn learner(callback: impl Callback, batches: i64) -> Learner {
    let builder = Learner::builder(images(batches), |vs| simple_cnn(vs, &[1, 4, 3])).callback(callback);
    builder.seed(4).quiet().build().expect("nothing is wrong with it")
}

/// The batches of a training of some epochs; the loss function must be restored after it.
fn seen(callback: impl Callback, batches: i64, epochs: usize) -> Vec<Sight> {
    let seen = Seen::default();
    let mut learn = learner(callback, batches);
    learn.callback(seen.clone());
    let before = learn.loss_func().clone();
    learn.fit(epochs, 0.01).expect("a training");
    assert!(learn.loss_func().is_same(&before));
    let seen = seen.0.lock().expect("no thread panicked");
    assert!(seen.iter().all(|(_, train, kind)| *train || *kind == Kinds::Plain), "validation was mixed: {seen:?}");
    seen.iter().copied().filter(|(_, train, _)| *train).collect()
}

fn share(of: Kinds, seen: &[Sight]) -> f64 {
    count(of, seen) as f64 / seen.len() as f64
}

fn count(of: Kinds, seen: &[Sight]) -> usize {
    seen.iter().filter(|(_, _, kind)| *kind == of).count()
}

#[test]
fn alpha_is_the_number_that_was_given() {
    assert_eq!(MixUp::default().alpha().to_bits(), 0.4_f64.to_bits());
    assert_eq!(MixUp::new(2.5).expect("it is above 0").alpha().to_bits(), 2.5_f64.to_bits());
}

#[test]
fn cutmix_cuts_every_training_batch() {
    for mode in [Mode::Batch, Mode::Elem] {
        let seen = seen(CutMix::default().mode(mode), 4, 2);
        assert_eq!(count(Kinds::Cut, &seen), seen.len(), "{mode:?}: {seen:?}");
    }
}

#[test]
fn each_of_the_two_is_chosen_with_its_probability() {
    for switch_prob in [0.0, 0.25, 1.0] {
        let mixing = MixUpOrCutMix::default().switch_prob(switch_prob).expect("a probability");
        let seen = seen(mixing, 100, 1);
        assert_eq!(count(Kinds::Plain, &seen), 0);
        let bound = 4.0 * (switch_prob * (1.0 - switch_prob) / 100.0_f64).sqrt();
        assert!((share(Kinds::Cut, &seen) - switch_prob).abs() <= bound, "switch_prob {switch_prob}");
    }
}

#[test]
fn a_probability_leaves_some_batches_unchanged_with_their_plain_targets() {
    let prob = |prob| (MixUp::default().prob(prob).expect("one"), CutMix::default().prob(prob).expect("one"));
    let (mixup, cutmix) = prob(0.5);
    for seen in [seen(mixup, 100, 1), seen(cutmix, 100, 1), {
        let (mixup, cutmix) = prob(0.5);
        seen(MixUpOrCutMix::new(mixup, cutmix), 100, 1)
    }] {
        assert!((share(Kinds::Plain, &seen) - 0.5).abs() < 0.2, "{}", share(Kinds::Plain, &seen));
    }
    let (never, _) = prob(0.0);
    assert_eq!(count(Kinds::Plain, &self::seen(never, 3, 2)), 6);
}

#[test]
fn batches_are_unchanged_from_the_off_epoch_on_in_each_training() {
    let mixing = MixUpOrCutMix::new(MixUp::default().off_epoch(1), CutMix::default().off_epoch(1));
    let seen = Seen::default();
    let mut learn = learner(mixing, 3);
    learn.callback(seen.clone());
    learn.fit(3, 0.01).expect("a training");
    learn.fit(2, 0.01).expect("a second training");
    let seen = seen.0.lock().expect("no thread panicked");
    let trained: Vec<_> = seen.iter().filter(|(_, train, _)| *train).collect();
    assert_eq!(trained.len(), 15);
    assert!(trained.iter().all(|(epoch, _, kind)| (*kind == Kinds::Plain) == (*epoch >= 1)), "{trained:?}");
}

#[test]
fn a_training_with_each_callback_of_the_family_depends_only_on_the_seed() {
    fn bits(callback: impl Callback) -> Vec<f64> {
        let mut learn = learner(callback, 3);
        learn.fit(2, 0.01).expect("a training");
        learn.params().iter().flat_map(|(_, tensor)| f64s(tensor)).collect()
    }
    let elem = || CutMix::default().mode(Mode::Elem).prob(0.7).expect("a probability");
    assert_eq!(bits(CutMix::default()), bits(CutMix::default()));
    assert_eq!(bits(elem()), bits(elem()));
    assert_eq!(bits(MixUpOrCutMix::default()), bits(MixUpOrCutMix::default()));
    assert_ne!(bits(CutMix::default()), bits(elem()));
}

/// The first batch as the model was about to see it.
#[derive(Clone, Default)]
struct First(Arc<Mutex<Vec<f64>>>);

#[callback(order = 10)]
impl First {
    fn on_batch_begin(&mut self, last_input: &Input) -> StopTraining {
        *self.0.lock().expect("no thread panicked") = last_input.one().map(f64s).unwrap_or_default();
        StopTraining::because("one batch is enough")
    }
}

/// The generator of a callback in a hook of the first training batch, by the design notes.
fn stream(seed: u64, callback: &str, hook: &str) -> Rng {
    use rand::SeedableRng as _;

    let fnv_1a = |name: &str| {
        name.bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let purpose = fnv_1a(hook);
    let (epoch, batch, valid_batch) = (0_u32, 1_u32, 0_u32);
    let key = [&seed.to_le_bytes()[..], &fnv_1a(callback).to_le_bytes()[..]].concat();
    let place = [epoch, batch, valid_batch, (purpose ^ (purpose >> 32)) as u32].map(u32::to_le_bytes).concat();
    Rng::from_seed([key, place].concat().try_into().expect("32 bytes"))
}

/// The documentation of `MixUp` describes its draws: weights in the items' order, then the permutation.
#[test]
fn mixup_with_its_defaults_blends_by_the_draws_that_its_seed_always_had() {
    let x = random(&[6, 2], Kind::Float, 1);
    let data = || prepared(&[(x.shallow_clone(), classes(&[6], 3, 2).into())]).expect("a whole batch");
    let first = First::default();
    let build = |vs: &mixup::model::Vars<'_>| tch::nn::linear(vs, 2, 3, tch::nn::LinearConfig::default());
    let mut learn =
        Learner::builder(data(), build).mixup().callback(first.clone()).seed(17).quiet().build().expect("a learner");
    learn.fit(1, 0.01).expect("a training");

    let draws = Draws::random(6, 0.4, &mut stream(17, "MixUp", "on_batch_begin")).expect("0.4 is above 0");
    let x = f64s(&x);
    let blend = |at: usize| {
        let (item, weight) = (at / 2, draws.weights()[at / 2]);
        weight * x[at] + (1.0 - weight) * x[draws.partners()[item] * 2 + at % 2]
    };
    let want: Vec<_> = (0..12).map(blend).collect();
    crate::numbers::assert_close("blend", &first.0.lock().expect("no thread panicked"), &want, 1e-6, 2.0);
}

#[test]
fn the_error_for_inputs_that_are_not_images_says_so_and_names_the_place() {
    let batch = (random(&[2, 4], Kind::Float, 1), Target::from(classes(&[2], 3, 2)));
    let build = |vs: &mixup::model::Vars<'_>| tch::nn::linear(vs, 4, 3, tch::nn::LinearConfig::default());
    let data = prepared(&[batch]).expect("a whole batch");
    let mut learn = Learner::builder(data, build).callback(CutMix::default()).quiet().build().expect("a learner");
    let before = learn.loss_func().clone();
    assert_eq!(
        learn.fit(1, 0.01).expect_err("rows are no images").to_string(),
        "callback `CutMix`, hook `on_batch_begin`, epoch 0, training batch 0: CutMix takes images `[n, c, h, w]`, none of \
         these 0, but the input is [2, 4]"
    );
    assert!(learn.loss_func().is_same(&before));
}

#[test]
fn the_error_for_two_mixing_callbacks_names_the_one_that_has_both() {
    let mut learn = learner(MixUp::default(), 2);
    learn.callback(CutMix::default());
    let before = learn.loss_func().clone();
    let message = learn.fit(1, 0.01).expect_err("the second finds a mixed batch").to_string();
    assert!(message.contains("callback `CutMix`") && message.contains("`MixUpOrCutMix`"), "{message}");
    assert!(learn.loss_func().is_same(&before), "both wrappers are off");
}
