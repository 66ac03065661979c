//! The moments of a training in which nothing goes wrong: the loop, written a second time.

use std::num::NonZeroUsize;

use mixup::{callback::Hook, training::Position};

use crate::support::fuse::Place;

pub const EPOCHS: usize = 2;
pub const TRAINING_BATCHES: usize = 3;
pub const VALIDATION_BATCHES: usize = 2;

/// A moment at which a training passes a place.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub place: Place,
    pub at: Position,
    /// The moment at which a phase begins, if every callback that reached it must also get this one, on every way out.
    pub owed_since: Option<usize>,
}

#[derive(Default)]
pub struct Script(Vec<Moment>);

impl Script {
    /// Writes the script of a training of some epochs, which also validates after the training batches that `validates` holds for.
    ///
    /// A hook that runs on every way out is written where it runs after a phase that is completed, with
    /// [`owed`](Self::owed) instead of [`hook`](Self::hook).
    pub fn of(epochs: usize, validates: impl Fn(Position) -> bool) -> Self {
        let mut script = Self::default();
        let training = script.hook(Hook::TrainBegin, Position::default());
        for epoch in 0..epochs {
            let of_epoch = Position { epoch: Some(epoch), epochs_before: epoch, train: true, ..Position::default() };
            let begun = script.hook(Hook::EpochBegin, of_epoch);
            for batch in 0..TRAINING_BATCHES {
                let at = Position { batch: Some(batch), ..of_epoch };
                script.training_batch(at);
                if validates(at) {
                    script.validation(Position { train: false, after_batch: Some(batch), ..of_epoch });
                }
            }
            script.validation(Position { train: false, ..of_epoch });
            script.hook(Hook::EpochEnd, of_epoch);
            script.owed(Hook::EpochEndAlways, of_epoch, begun);
        }
        script.owed(Hook::TrainEnd, Position::default(), training);
        script
    }

    /// Writes the script of predictions on the validation data, which are the first run of a learner.
    pub fn of_predictions() -> Self {
        let mut script = Self::default();
        let at = Position { own_run: NonZeroUsize::new(1), predict: true, ..Position::default() };
        let predictions = script.hook(Hook::PredictBegin, at);
        for batch in 0..VALIDATION_BATCHES {
            let at = Position { batch: Some(batch), ..at };
            script.part(Place::Data, at);
            let begun = script.hook(Hook::PredictBatchBegin, at);
            script.part(Place::Model, at);
            script.hook(Hook::PredictBatchEnd, at);
            script.part(Place::Loss, at);
            script.owed(Hook::PredictBatchEndAlways, at, begun);
        }
        script.hook(Hook::PredictEnd, at);
        script.owed(Hook::PredictEndAlways, at, predictions);
        script
    }

    fn training_batch(&mut self, at: Position) {
        self.part(Place::Data, at);
        let begun = self.hook(Hook::BatchBegin, at);
        self.part(Place::Model, at);
        self.hook(Hook::LossBegin, at);
        self.part(Place::Loss, at);
        self.hook(Hook::BackwardBegin, at);
        self.hook(Hook::BackwardEnd, at);
        self.part(Place::Optimizer, at);
        self.hook(Hook::StepEnd, at);
        self.hook(Hook::BatchEnd, at);
        self.owed(Hook::BatchEndAlways, at, begun);
    }

    fn validation(&mut self, at: Position) {
        let begun = self.hook(Hook::ValidateBegin, at);
        (0..VALIDATION_BATCHES).for_each(|batch| self.validation_batch(Position { batch: Some(batch), ..at }));
        self.hook(Hook::ValidateTally, at);
        self.hook(Hook::ValidateEnd, at);
        self.owed(Hook::ValidateEndAlways, at, begun);
    }

    fn validation_batch(&mut self, at: Position) {
        self.part(Place::Data, at);
        let begun = self.hook(Hook::BatchBegin, at);
        self.part(Place::Model, at);
        self.hook(Hook::LossBegin, at);
        self.part(Place::Loss, at);
        self.part(Place::Metric, at);
        self.hook(Hook::BatchEnd, at);
        self.owed(Hook::BatchEndAlways, at, begun);
    }

    fn part(&mut self, place: Place, at: Position) {
        self.0.push(Moment { place, at, owed_since: None });
    }

    /// Adds a moment, and returns its number.
    fn hook(&mut self, hook: Hook, at: Position) -> usize {
        self.part(Place::Hook(hook), at);
        self.0.len() - 1
    }

    fn owed(&mut self, hook: Hook, at: Position, since: usize) {
        self.0.push(Moment { place: Place::Hook(hook), at, owed_since: Some(since) });
    }

    pub fn moments(&self) -> &[Moment] {
        &self.0
    }

    /// The moment at which a hook runs at a position.
    pub fn number(&self, hook: Hook, at: Position) -> Option<usize> {
        self.0.iter().position(|moment| moment.place == Place::Hook(hook) && moment.at == at)
    }

    /// How many times the place of this moment is passed before it.
    pub fn passed_before(&self, moment: usize) -> usize {
        let place = self.0[moment].place;
        self.0[..moment].iter().filter(|earlier| earlier.place == place).count()
    }
}
