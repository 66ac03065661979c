//! Compares MixUp's work on a batch before the model sees it, including the draws, with reading two batches and writing one to a
//! reused buffer: `torch.add(out=)`. It does this for a batch that was created for its step, as by the library's own data sets, and
//! for a batch that must not change, such as a prepared batch.

use mixup::{batch::with_fresh, prelude::*};
use rand::SeedableRng as _;
use tch::{Device, Kind, Tensor};

mod support;
use support::{Timed, compare};

const ROUNDS: usize = 21;

fn main() {
    for (shape, units) in [([64_i64, 3, 28, 28], 500), ([256, 3, 32, 32], 100), ([64, 3, 224, 224], 5)] {
        let case = shape.map(|size| size.to_string()).join("x");
        for (made, what) in [(true, ""), (false, ", prepared")] {
            let kind = (Kind::Float, Device::Cpu);
            let batch = Tensor::rand(shape, kind);
            let classes = Tensor::randint(10, [shape[0]], (Kind::Int64, Device::Cpu));
            let (mut mixup, mut rng) = (MixUp::default(), Rng::seed_from_u64(0));
            // The lines of the hook, and those of the learner that lead to it, with a reused batch instead of one from the
            // loader.
            let mut ours = || {
                for _ in 0..units {
                    let mut input = Input::from(batch.shallow_clone());
                    let mut target = Target::from(classes.shallow_clone());
                    let draws = Draws::random(input.items(), mixup.alpha(), &mut rng).expect("alpha is 0.4");
                    let fresh = if made { &[&batch, &classes][..] } else { &[] };
                    let mixed = with_fresh(fresh, || mixup.mix(&mut input, &mut target, &draws));
                    mixed.expect("the batch is valid");
                }
            };
            let (other, sum) = (Tensor::rand(shape, kind), Tensor::rand(shape, kind));
            let mut add = || {
                for _ in 0..units {
                    let _ = batch.add_out(&sum, &other);
                }
            };
            let ours = Timed { run: &mut ours, units };
            let case = format!("{case}{what}");
            compare("mix", &case, "torch.add(out=)", ROUNDS, ours, Timed { run: &mut add, units });
        }
    }
}
