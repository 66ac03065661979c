//! Callbacks of a crate that depends on `mixup` under another name: every form states it with `crate = training`.
#![forbid(unsafe_code)]

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

/// Counts the batches that its own generator selects. (`gen` is not a keyword in this crate's edition, and a boxed slice's
/// `into_iter` borrows.)
#[derive(Debug)]
pub struct Chosen {
    gen: (bool, usize),
    boxed: Box<[usize]>,
}

#[callback(crate = training)]
#[cfg_attr(not(doc), allow(deprecated))]
impl Chosen {
    /// Whether there is anything to choose.
    #[deprecated = "a lint that the block allows is allowed in a filter too"]
    fn chooses(&self) -> bool {
        self.gen.0
    }

    #[allow(boxed_slice_into_iter)]
    #[on(batch_end, every = self.gen.1, if = self.chooses() && self.boxed.into_iter().len() == 2)]
    fn choose(gen: &mut Count) {
        gen.batches += 100;
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
    use tch::{nn, Device, Kind, Tensor};
    use training::model::Vars;

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
            .callback(Chosen { gen: (true, 1), boxed: vec![1, 2].into_boxed_slice() })
            .quiet()
            .build()
            .expect("all that is asked for is there");
        learn.fit(3, 1e-3).expect("nothing goes wrong");
        let count = learn.get::<Count>().expect("it was added");
        assert_eq!((count.batches, count.ends), (303, 3 + 10));
    }

    #[derive(Output)]
    #[output(crate = training)]
    struct Scores(Tensor);

    #[test]
    fn an_output_is_derived_under_another_name() {
        let scores = Scores(Tensor::from_slice(&[1.0, 2.0]));
        let negative = scores.map(&mut Tensor::f_neg).expect("they are numbers");
        assert_eq!(negative.0, Tensor::from_slice(&[-1.0, -2.0]));
    }

    fn linear(vars: &Vars<'_>) -> nn::Linear {
        nn::linear(vars.path() / "linear", 2, 2, nn::LinearConfig::default())
    }
}
