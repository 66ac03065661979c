//! A user's program. `cargo xtask package` checks that it compiles with the crates as they are published.

use mixup::prelude::*;

struct StopAt {
    accuracy: f64,
}

#[callback]
impl StopAt {
    fn on_epoch_end(&self, last_metrics: &[f64]) -> Option<StopTraining> {
        let reached = last_metrics.first().is_some_and(|accuracy| *accuracy >= self.accuracy);
        reached.then(|| StopTraining::because("the accuracy is reached"))
    }
}

#[callback(on_epoch_end)]
fn shout(epoch: usize) {
    println!("{epoch}");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = ImageData::digits()?.build()?;
    let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10]))
        .metric(accuracy)
        .callback(MixUp::default())
        .callback(StopAt { accuracy: 0.9 })
        .callback(shout)
        .callback(hook!(on_batch_end, |iteration: usize| println!("{iteration}")))
        .build()?;
    learn.fit(1, 1e-3)?;
    Ok(())
}
