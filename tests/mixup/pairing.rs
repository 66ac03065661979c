//! How a mixing callback draws: what the options change, and that the draws with the defaults never change.

use mixup::{
    callbacks::mixing::{MixUpError, Mode, Pairing},
    prelude::*,
};
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_distr::{Beta, Distribution as _};

fn draw(pairing: Pairing, items: usize, seed: u64) -> Option<Draws> {
    pairing.draw(items, 0, &mut Rng::seed_from_u64(seed))
}

fn pairing() -> Pairing {
    Pairing::new(0.4).expect("0.4 is above 0")
}

/// What fastai v1 draws: each item's λ from Beta(0.4, 0.4), taken as max(λ, 1−λ), and then a permutation.
fn fastai(items: usize, rng: &mut Rng) -> (Vec<f64>, Vec<usize>) {
    let beta = Beta::new(0.4, 0.4).expect("0.4 is above 0");
    let lambdas: Vec<f64> = (0..items).map(|_| beta.sample(rng)).collect();
    let mut partners: Vec<_> = (0..items).collect();
    partners.shuffle(rng);
    (lambdas.iter().map(|lambda| lambda.max(1.0 - lambda)).collect(), partners)
}

#[test]
fn by_default_the_weights_are_drawn_in_the_order_of_items_then_the_permutation_and_nothing_else() {
    let (mut ours, mut theirs) = (Rng::seed_from_u64(7), Rng::seed_from_u64(7));
    for items in [64, 1, 7] {
        let draws = pairing().heavier(true).draw(items, 0, &mut ours).expect("every batch is mixed");
        let (weights, partners) = fastai(items, &mut theirs);
        assert_eq!((draws.weights(), draws.partners()), (&weights[..], &partners[..]));
    }
    assert_eq!(ours.random::<u64>(), theirs.random::<u64>(), "something else was drawn");
}

#[test]
fn a_batch_with_one_weight_draws_once_for_all_items() {
    let (mut ours, mut theirs) = (Rng::seed_from_u64(3), Rng::seed_from_u64(3));
    let draws = pairing().mode(Mode::Batch).draw(9, 0, &mut ours).expect("every batch is mixed");
    let lambda = Beta::new(0.4, 0.4).expect("0.4 is above 0").sample(&mut theirs);
    let mut partners: Vec<_> = (0..9).collect();
    partners.shuffle(&mut theirs);
    assert_eq!((draws.weights(), draws.partners()), (&[lambda; 9][..], &partners[..]));
    assert_eq!(ours.random::<u64>(), theirs.random::<u64>(), "something else was drawn");
}

/// Beta(a, b) has the mean a / (a + b) and the variance ab / ((a + b)² (a + b + 1)).
#[test]
fn weights_with_two_parameters_have_the_moments_of_beta() {
    const COUNT: usize = 100_000;
    for (a, b, seed) in [(2.0, 5.0, 1), (5.0, 2.0, 2), (0.3, 0.6, 3), (1.0, 1.0, 4), (0.5, 30.0, 5)] {
        let pairing = Pairing::beta(a, b).expect("both are above 0");
        assert_eq!(pairing.ab(), (a, b));
        let draws = draw(pairing, COUNT, seed).expect("every batch is mixed");
        let (mean, variance) = (a / (a + b), a * b / ((a + b).powi(2) * (a + b + 1.0)));
        let of = |number: &dyn Fn(f64) -> f64| draws.weights().iter().map(|w| number(*w)).sum::<f64>() / COUNT as f64;
        let found = of(&|weight| weight);
        assert!((found - mean).abs() < 4.0 * (variance / COUNT as f64).sqrt(), "Beta({a}, {b}): {found}, not {mean}");
        let spread = of(&|weight| (weight - mean).powi(2));
        assert!((spread / variance - 1.0).abs() < 0.05, "Beta({a}, {b}): {spread}, not {variance}");
    }
}

#[test]
fn very_different_parameters_have_weights_too() {
    for (a, b, mean) in [(5e-324, 1.0, 0.0), (1.0, 5e-324, 1.0), (f64::MAX, 1e-3, 1.0), (1e-3, f64::MAX, 0.0)] {
        let draws = draw(Pairing::beta(a, b).expect("both are above 0"), 1_000, 5).expect("every batch is mixed");
        assert!(draws.weights().iter().all(|weight| (0.0..=1.0).contains(weight)), "Beta({a:e}, {b:e})");
        let found = draws.weights().iter().sum::<f64>() / 1_000.0;
        assert!((found - mean).abs() < 0.02, "Beta({a:e}, {b:e}): {found}, not {mean}");
    }
}

#[test]
fn a_share_of_the_batches_is_mixed_and_an_unmixed_batch_draws_one_number() {
    const COUNT: u32 = 20_000;
    for prob in [0.0, 0.3, 1.0] {
        let pairing = pairing().prob(prob).expect("a probability");
        let mut rng = Rng::seed_from_u64(11);
        let mixed = (0..COUNT).filter(|_| pairing.draw(2, 0, &mut rng).is_some()).count() as f64;
        let bound = 4.0 * (prob * (1.0 - prob) / f64::from(COUNT)).sqrt();
        assert!((mixed / f64::from(COUNT) - prob).abs() <= bound, "{mixed} of {COUNT} batches with prob {prob}");
    }
    let (mut ours, mut theirs) = (Rng::seed_from_u64(5), Rng::seed_from_u64(5));
    assert_eq!(pairing().prob(0.0).expect("a probability").draw(64, 0, &mut ours), None);
    let _: f64 = theirs.random();
    assert_eq!(ours.random::<u64>(), theirs.random::<u64>());
}

#[test]
fn nothing_is_mixed_or_drawn_from_the_off_epoch_on() {
    let pairing = pairing().off_epoch(2);
    let (mut ours, mut theirs) = (Rng::seed_from_u64(5), Rng::seed_from_u64(5));
    assert!(pairing.draw(3, 1, &mut ours).is_some());
    fastai(3, &mut theirs);
    for epoch in [2, 3, 100] {
        assert_eq!(pairing.draw(3, epoch, &mut ours), None);
    }
    assert_eq!(ours.random::<u64>(), theirs.random::<u64>());
    assert_eq!(pairing.off_epoch(0).draw(3, 0, &mut ours), None);
}

#[test]
fn the_error_for_options_out_of_range_names_their_values() {
    for (a, b) in [(0.0, 1.0), (1.0, -1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
        let error = Pairing::beta(a, b).expect_err("there is no such Beta distribution");
        assert!(matches!(error, MixUpError::Beta { .. }));
        assert_eq!(error.to_string(), format!("there is no Beta({a}, {b}): both must be finite numbers above 0"));
        assert!(MixUp::beta(a, b).is_err());
    }
    for prob in [-0.1, 1.1, f64::NAN] {
        let message = format!("`prob` is {prob}: a probability must be between 0 and 1");
        assert_eq!(MixUp::default().prob(prob).expect_err("no probability").to_string(), message);
        assert_eq!(CutMix::default().prob(prob).expect_err("no probability").to_string(), message);
        let error = MixUpOrCutMix::default().switch_prob(prob).expect_err("no probability").to_string();
        assert_eq!(error, format!("`switch_prob` is {prob}: a probability must be between 0 and 1"));
    }
}
