//! The draws: Beta(α, α) and a permutation, from the given generator.

use mixup::prelude::*;
use rand::SeedableRng as _;

fn draws(items: usize, alpha: f64, seed: u64) -> Draws {
    Draws::random(items, alpha, &mut Rng::seed_from_u64(seed)).expect("alpha is above 0")
}

/// For Beta(α, α), with d = |2λ − 1|: E d² = 1/(2α+1) and E d⁴ = 3/((2α+1)(2α+3)), the central moments 1/(4(2α+1)) and
/// 3/(16(2α+1)(2α+3)) times 4 and 16. They do not depend on the sign that max(λ, 1−λ) removes.
#[test]
fn the_weights_have_the_moments_of_beta() {
    const COUNT: usize = 200_000;
    for (alpha, seed) in [(0.1, 1), (0.4, 2), (1.0, 3), (5.0, 4), (0.001, 5), (1000.0, 6)] {
        let squares: Vec<f64> = draws(COUNT, alpha, seed).weights().iter().map(|w| (2.0 * w - 1.0).powi(2)).collect();
        let mean = squares.iter().sum::<f64>() / COUNT as f64;
        let (second, fourth) = (1.0 / (2.0 * alpha + 1.0), 3.0 / ((2.0 * alpha + 1.0) * (2.0 * alpha + 3.0)));
        let sampling_error = ((fourth - second * second) / COUNT as f64).sqrt();
        assert!(
            (mean - second).abs() < 4.0 * sampling_error,
            "alpha {alpha}: {mean} instead of {second} ± {sampling_error}"
        );
    }
}

#[test]
fn an_item_is_always_the_heavier_part_of_its_blend() {
    for alpha in [0.01, 0.1, 0.4, 1.0, 5.0, 100.0] {
        assert!(draws(10_000, alpha, 9).weights().iter().all(|weight| (0.5..=1.0).contains(weight)));
    }
    let given = Draws::new(vec![0.0, 0.25, 0.5, 0.75, 1.0], vec![0, 1, 2, 3, 4]).expect("a permutation");
    assert_eq!(given.weights(), [1.0, 0.75, 0.5, 0.75, 1.0]);
}

#[test]
fn the_smallest_and_the_largest_alphas_have_weights_too() {
    for alpha in [f64::MIN_POSITIVE, 5e-324, 1e-300, 1e-3, 1e3, 1e6, 1e100, 1e154, 1e200, 1e308, f64::MAX] {
        let weights = draws(2_000, alpha, 7).weights().to_vec();
        assert!(weights.iter().all(|weight| (0.5..=1.0).contains(weight)), "alpha {alpha:e}: {weights:?}");
        let mean = weights.iter().sum::<f64>() / 2_000.0;
        let limit = if alpha < 1.0 { 1.0 } else { 0.5 };
        assert!((mean - limit).abs() < 0.02, "alpha {alpha:e}: a mean of {mean} instead of about {limit}");
    }
}

#[test]
fn each_item_has_its_own_weight() {
    let draws = draws(64, 1.0, 3);
    let mut weights = draws.weights().to_vec();
    weights.sort_by(f64::total_cmp);
    weights.dedup();
    assert_eq!(weights.len(), 64);
}

#[test]
fn every_permutation_of_three_is_as_likely_as_any_other() {
    const COUNT: u32 = 60_000;
    let mut rng = Rng::seed_from_u64(11);
    let mut counts = std::collections::BTreeMap::<Vec<usize>, u32>::new();
    for _ in 0..COUNT {
        let draws = Draws::random(3, 0.4, &mut rng).expect("alpha is above 0");
        *counts.entry(draws.partners().to_vec()).or_default() += 1;
    }
    assert_eq!(counts.len(), 6);
    let expected = f64::from(COUNT) / 6.0;
    let chi_square: f64 = counts.values().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    assert!(chi_square < 20.5, "χ² is {chi_square}, which has a probability below 0.001: {counts:?}"); // 5 degrees of freedom
}

#[test]
fn draws_depend_only_on_the_generator() {
    assert_eq!(draws(64, 0.4, 1), draws(64, 0.4, 1));
    assert_ne!(draws(64, 0.4, 1), draws(64, 0.4, 2));
    let mut rng = Rng::seed_from_u64(1);
    let (first, second) = (Draws::random(64, 0.4, &mut rng), Draws::random(64, 0.4, &mut rng));
    assert_ne!(first.expect("alpha is 0.4"), second.expect("alpha is 0.4"));
}

#[test]
fn the_draws_for_an_empty_batch_are_empty() {
    let draws = draws(0, 0.4, 1);
    assert!(draws.is_empty());
    assert_eq!(draws.len(), 0);
}
