//! A way out of a training or of a part of it: what happens, at which moment, and what is then left out.

use std::fmt;

use mixup::{
    callback::Hook,
    training::{Interrupt, Position},
};

use crate::{
    script::{EPOCHS, Moment, Script},
    support::fuse::{Flow, Place, Trouble},
};

/// What the saboteur does, or a part with the fuse in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    Error,
    Panic,
    Interrupt,
    /// The hook returns this.
    Request(Flow),
}

impl Deed {
    pub fn trouble(&self, interrupt: Interrupt) -> Trouble {
        match self {
            Self::Error => Trouble::Error,
            Self::Panic => Trouble::Panic,
            Self::Interrupt => Trouble::Interrupt(interrupt),
            Self::Request(flow) => Trouble::Return(flow.clone()),
        }
    }

    /// The request of a name in the list of [`Hook::flows`].
    fn request(name: &str) -> Self {
        let Trouble::Return(stop) = Trouble::stop() else { unreachable!("a stop is returned") };
        let all = [
            stop,
            Flow::SkipEpoch,
            Flow::SkipBatch,
            Flow::SkipValidation,
            Flow::SkipBackward,
            Flow::SkipStep,
            Flow::KeepGradients,
            Flow::Validate,
        ];
        let found = all.into_iter().find(|flow| format!("{flow:?}").starts_with(name));
        Self::Request(found.unwrap_or_else(|| panic!("add `{name}` here, and to `Way::leaves_out` what it leaves out")))
    }
}

#[derive(Clone, Debug)]
pub struct Way {
    pub deed: Deed,
    /// The moment's number in the script.
    pub number: usize,
    pub moment: Moment,
}

/// `Panic, on_batch_end, epoch 0, training batch 1`.
impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {:?}, {}", self.deed, self.moment.place, self.moment.at)
    }
}

impl Way {
    /// Each deed at each moment at which it is possible, after the way on which nothing happens.
    pub fn all(script: &Script) -> Vec<Self> {
        let mut ways = vec![Self::through(script)];
        for (number, &moment) in script.moments().iter().enumerate() {
            let mut deeds = vec![Deed::Error, Deed::Panic];
            if let Place::Hook(hook) = moment.place {
                deeds.push(Deed::Interrupt);
                deeds.extend(hook.flows().iter().map(|name| Deed::request(name)));
            }
            ways.extend(deeds.into_iter().map(|deed| Self { deed, number, moment }));
        }
        ways
    }

    /// The way on which nothing happens.
    pub fn through(script: &Script) -> Self {
        Self { deed: Deed::Request(Flow::Continue), number: 0, moment: script.moments()[0] }
    }

    /// Whether it makes the training validate after this batch.
    pub fn validates(&self, at: Position) -> bool {
        let place = self.moment.place == Place::Hook(Hook::BatchEnd);
        self.deed == Deed::Request(Flow::Validate) && place && self.moment.at == at
    }

    /// Whether the hook or the part fails: then no further callback runs at this moment.
    pub fn fails(&self) -> bool {
        matches!(self.deed, Deed::Error | Deed::Panic)
    }

    /// Whether this happens only at `on_train_end`, after the training itself has finished.
    pub fn is_too_late(&self) -> bool {
        self.moment.place == Place::Hook(Hook::TrainEnd)
    }

    /// Whether the training does not reach a moment because of this way out. Owed moments are never left out.
    pub fn leaves_out(&self, script: &Script, number: usize) -> bool {
        let moment = script.moments()[number];
        if number <= self.number || moment.owed_since.is_some() {
            return false;
        }
        let here = self.moment.at;
        let same_epoch = moment.at.epoch == here.epoch;
        let same_validation = same_epoch && !moment.at.train && moment.at.after_batch == here.after_batch;
        let same_pass = moment.at.batch.is_some()
            && (same_validation || same_epoch && moment.at.train)
            && moment.at.train == here.train;
        let same_batch = same_pass && moment.at.batch == here.batch;
        // A validation between two batches follows the hook whose callbacks ask for it.
        let asks = moment.at.after_batch.and_then(|batch| {
            script.number(Hook::BatchEnd, Position { batch: Some(batch), train: true, after_batch: None, ..moment.at })
        });
        if asks.is_some_and(|asks| self.leaves_out(script, asks)) {
            return true;
        }
        match &self.deed {
            Deed::Error | Deed::Panic | Deed::Request(Flow::StopTraining(_)) => true,
            Deed::Interrupt => self.heard(script).is_some_and(|heard| number >= heard),
            Deed::Request(Flow::SkipEpoch) if self.moment.place == Place::Hook(Hook::EpochBegin) => {
                same_epoch && moment.place != Place::Hook(Hook::EpochEnd)
            }
            Deed::Request(Flow::SkipEpoch) => same_pass,
            Deed::Request(Flow::SkipBatch) => same_batch,
            Deed::Request(Flow::SkipValidation) => same_validation,
            Deed::Request(Flow::SkipBackward) => same_batch && moment.place != Place::Hook(Hook::BatchEnd),
            Deed::Request(Flow::SkipStep) => same_batch && moment.place == Place::Optimizer,
            Deed::Request(Flow::KeepGradients | Flow::Continue | Flow::Validate) => false,
        }
    }

    /// The moment before which an interrupt is noticed: when the next batch is to be loaded.
    pub fn heard(&self, script: &Script) -> Option<usize> {
        let loads = |(number, moment): &(usize, &Moment)| *number > self.number && moment.place == Place::Data;
        script.moments().iter().enumerate().find(loads).map(|(number, _)| number)
    }

    /// The place of the training when an interrupt is noticed: in the batch before, or before the first one of a pass.
    pub fn interrupted_at(&self, script: &Script) -> Position {
        match self.heard(script) {
            Some(heard) => {
                let at = script.moments()[heard].at;
                Position { batch: at.batch.and_then(|batch| batch.checked_sub(1)), ..at }
            }
            None => END,
        }
    }
}

/// The place of a training that has finished.
pub const END: Position = Position {
    epoch: Some(EPOCHS - 1),
    epochs_before: EPOCHS - 1,
    batch: None,
    train: true,
    after_batch: None,
    own_run: None,
    predict: false,
};
