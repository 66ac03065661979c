//! Callbacks of a crate that calls `mixup` by another name: every form says so by `crate = training`.

use training::prelude::*;

/// Counts batches and epochs.
#[derive(Debug, Default)]
pub struct Count {
    /// Batches of training.
    pub batches: usize,
    /// Epochs and trainings that ended.
    pub ends: usize,
}

#[callback(crate = training, state(batches), describe, before = Recorder)]
impl Count {
    #[on(batch_end, train, every = 1, if = smooth_loss.is_finite())]
    fn count(&mut self, recorder: Option<&Recorder>) {
        self.batches += 1 + usize::from(recorder.is_some());
    }
}

/// Counts epochs.
#[callback(on_epoch_end, every = 1, crate = training)]
pub fn count_epochs(count: &mut Count) {
    count.ends += 1;
}

/// Counts trainings.
#[must_use]
pub fn count_trainings() -> impl Callback {
    hook!(on_train_end, crate = training, |count: &mut Count| count.ends += 10)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor, nn};
    use training::learner::Vars;

    use super::*;

    #[test]
    fn all_forms_train_under_another_name() {
        let input = Tensor::arange(8, (Kind::Float, Device::Cpu)).view([4, 2]);
        let batch =
            Batch { input: Input::Tensor(input), target: Target::Classes(Tensor::from_slice(&[0_i64, 1, 0, 1])) };
        let data = Data::from_batches(vec![batch], Vec::new()).expect("there is a batch");
        let mut learn = Learner::builder(data, linear)
            .callback(count_trainings())
            .callback(count_epochs)
            .callback(Count::default())
            .quiet()
            .build()
            .expect("all that is asked for is there");
        learn.fit(3, 1e-3).expect("nothing goes wrong");
        let count = learn.get::<Count>().expect("it was added");
        assert_eq!((count.batches, count.ends), (3, 3 + 10));
    }

    fn linear(vars: &Vars<'_>) -> nn::Linear {
        nn::linear(vars.path() / "linear", 2, 2, nn::LinearConfig::default())
    }
}
