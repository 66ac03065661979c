//! Manifold mixup: `MixUp` passes items, partners and weights to the model (`stack_x`), and the model mixes at any layer.
//!
//! `cargo run --release --example manifold_mixup` trains the same network on the bundled digits three times: without mixing, with
//! mixed inputs, and with one layer mixed, which is chosen at random for each batch.

#[path = "manifold_mixup/network.rs"]
mod network;

use std::error::Error;

use mixup::{callbacks::mixing::Mode, prelude::*};
use network::Manifold;

fn main() -> Result<(), Box<dyn Error>> {
    // The paper's weights: one λ per batch from Beta(2, 2), used as drawn.
    let mixing = || -> Result<MixUp, Box<dyn Error>> { Ok(MixUp::new(2.0)?.mode(Mode::Batch).heavier(false)) };
    let arms: [(&str, Option<MixUp>, &'static [usize]); 3] = [
        ("without mixing", None, &[]),
        ("input mixup", Some(mixing()?), &[]),
        ("manifold mixup", Some(mixing()?.stack_x(true)), &[0, 1, 2]),
    ];
    let mut data = ImageData::digits()?.build()?;
    for (name, mixup, places) in arms {
        let mut builder = Learner::builder(data, move |vs| Manifold::new(vs, &[64, 128, 128, 10], places));
        if let Some(mixup) = mixup {
            builder = builder.callback(mixup);
        }
        let mut learn = builder.metric(accuracy).seed(1).quiet().build()?;
        let report = learn.fit(30, 1e-3)?;
        println!("{name:<15} accuracy {:.4}", report.metric("accuracy").unwrap_or(f64::NAN));
        data = learn.into_data();
    }
    Ok(())
}
