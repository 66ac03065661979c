//! The notebook's epoch: trains `simple_cnn` with AdamW on 12,396 images of 3×28×28 in batches of 64, then validates on 2,038 images.
//! The learner, without and with MixUp, is compared with the same loop by hand in `tch`, and the learner with MixUp with that without it.
//!
//! The images are noise, because their content does not change the time. The hand-written loop holds them as f32 and gathers each
//! batch with one `index_select`; the learner holds them as bytes, as every image data set does.

use mixup::prelude::*;
use rand::{SeedableRng as _, seq::SliceRandom as _};
use tch::{
    Device, Kind, Tensor,
    nn::{self, ModuleT as _, OptimizerConfig as _},
};

#[path = "support/notebook.rs"]
mod notebook;
mod support;
use notebook::{BATCH, TRAIN, VALID, labels, learner, pixels};
use support::{Timed, compare};

const ROUNDS: usize = 21;
/// The training loop, written without a learner.
struct ByHand {
    model: nn::SequentialT,
    opt: nn::Optimizer,
    train: (Tensor, Tensor),
    valid: (Tensor, Tensor),
    rng: Rng,
}

impl ByHand {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let vs = nn::VarStore::new(Device::Cpu);
        let mut model = nn::seq_t();
        for (layer, pair) in [3_i64, 16, 16, 2].windows(2).enumerate() {
            let config = nn::ConvConfig { stride: 2, padding: 1, ..Default::default() };
            model = model.add(nn::conv2d(vs.root() / layer, pair[0], pair[1], 3, config)).add_fn(Tensor::relu);
        }
        let model = model.add_fn(|x| x.adaptive_avg_pool2d([1, 1]).flatten(1, -1));
        let opt = nn::adamw(0.9, 0.99, 0.01).build(&vs, 3e-3)?;
        let floats = |n| pixels(n).to_kind(Kind::Float) / 255.0;
        let (train, valid) = ((floats(TRAIN), labels(TRAIN)), (floats(VALID), labels(VALID)));
        Ok(Self { model, opt, train, valid, rng: Rng::seed_from_u64(0) })
    }

    fn epoch(&mut self) {
        let mut order: Vec<i64> = (0..TRAIN).collect();
        order.shuffle(&mut self.rng);
        let mut smooth = 0.0;
        for indices in order.chunks(BATCH) {
            let indices = Tensor::from_slice(indices);
            let (x, y) = (self.train.0.index_select(0, &indices), self.train.1.index_select(0, &indices));
            let loss = self.model.forward_t(&x, true).cross_entropy_for_logits(&y);
            smooth = 0.98 * smooth + 0.02 * loss.double_value(&[]);
            self.opt.zero_grad();
            loss.backward();
            self.opt.step();
        }
        let _no_grad = tch::no_grad_guard();
        let (mut loss_sum, mut right) = (0.0, 0.0);
        for start in (0..VALID).step_by(BATCH) {
            let n = (VALID - start).min(BATCH as i64);
            let (x, y) = (self.valid.0.narrow(0, start, n), self.valid.1.narrow(0, start, n));
            let output = self.model.forward_t(&x, false);
            loss_sum += output.cross_entropy_for_logits(&y).double_value(&[]) * n as f64;
            right += output.argmax(1, false).eq_tensor(&y).sum(Kind::Float).double_value(&[]);
        }
        assert!((smooth + loss_sum + right).is_finite());
    }
}

/// One epoch.
fn timed(run: &mut dyn FnMut()) -> Timed<'_> {
    Timed { run, units: 1 }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tch::manual_seed(0);
    let mut by_hand = ByHand::new()?;
    let mut theirs = || by_hand.epoch();
    let (mut without, mut with) = (learner(false)?, learner(true)?);
    let mut without = || drop(without.fit(1, 3e-3).expect("it trains"));
    let mut with = || drop(with.fit(1, 3e-3).expect("it trains"));
    compare("epoch", "without MixUp", "tch by hand", ROUNDS, timed(&mut without), timed(&mut theirs));
    compare("epoch", "with MixUp", "tch by hand", ROUNDS, timed(&mut with), timed(&mut theirs));
    compare("epoch", "with MixUp", "without MixUp", ROUNDS, timed(&mut with), timed(&mut without));
    Ok(())
}
