//! Your own callback: how do I stop when the accuracy is good enough, and keep the gradients small?
//!
//! `cargo run --example own_callback`

use mixup::prelude::*;
use tch::nn;

/// Stops the training when the accuracy is reached.
struct StopAt {
    accuracy: f64,
}

#[callback]
impl StopAt {
    fn on_epoch_end(&self, epoch: usize, last_metrics: &[f64]) -> Option<StopTraining> {
        let reached = last_metrics.first().is_some_and(|accuracy| *accuracy >= self.accuracy);
        reached.then(|| StopTraining::because(format!("accuracy {} reached in epoch {epoch}", self.accuracy)))
    }
}

/// Limits the norm of the gradients, and counts how often that was necessary.
#[derive(Default)]
struct ClipNorm {
    clipped: usize,
}

#[callback]
impl ClipNorm {
    const MAX: f64 = 1.0;

    fn on_backward_end(&mut self, gradients: &Gradients) -> Result<(), GradientError> {
        if gradients.clip_norm(Self::MAX)? > Self::MAX {
            self.clipped += 1;
        }
        Ok(())
    }

    fn on_train_end(&self, outcome: &Outcome) {
        println!("{outcome}; the gradients of {} batches were clipped", self.clipped);
    }
}

fn main() -> Result<(), BoxError> {
    let data = ImageData::digits()?.build()?;
    let mut learn = Learner::builder(data, |vs| {
        nn::seq()
            .add(nn::conv2d(vs / "conv", 1, 32, 3, nn::ConvConfig::default()))
            .add_fn(|x| x.relu().flatten(1, -1))
            .add(nn::linear(vs / "out", 32 * 6 * 6, 10, nn::LinearConfig::default()))
    })
    .metric(accuracy)
    .callback(StopAt { accuracy: 0.98 })
    .callback(ClipNorm::default())
    .seed(42)
    .build()?;
    learn.show_training_loop();
    learn.fit(20, 3e-3)?;
    Ok(())
}
