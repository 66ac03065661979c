//! What ranks tell each other when they meet: where they are, and how their training has ended.

use std::fmt;

use mixup::training::Outcome;

/// A place at which all ranks meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The begin of a training.
    Begin,
    /// Before the optimizer's step for this batch.
    Step {
        /// The epoch, counted from 0.
        epoch: usize,
        /// The batch, counted from 0.
        batch: usize,
    },
    /// The begin of a validation, after so many training batches in all.
    Validation {
        /// The epoch, counted from 0.
        epoch: usize,
        /// How many training batches were finished.
        iteration: usize,
    },
    /// The end of the validation.
    Tally {
        /// The epoch, counted from 0.
        epoch: usize,
        /// How many training batches were finished.
        iteration: usize,
    },
    /// The end of a training.
    End,
    /// The end of the program.
    Exit,
}

impl Moment {
    /// A number for each place.
    pub(crate) fn number(self) -> i64 {
        let of = |kind: i64, epoch: usize, batch: usize| {
            kind << 56 | (epoch as i64 & 0xff_ffff) << 32 | (batch as i64 & 0xffff_ffff)
        };
        match self {
            Self::Begin => of(1, 0, 0),
            Self::Step { epoch, batch } => of(2, epoch, batch),
            Self::Validation { epoch, iteration } => of(3, epoch, iteration),
            Self::Tally { epoch, iteration } => of(4, epoch, iteration),
            Self::End => of(5, 0, 0),
            Self::Exit => of(6, 0, 0),
        }
    }

    /// The place of a number.
    pub(crate) fn of(number: i64) -> Self {
        let (epoch, batch) = ((number >> 32 & 0xff_ffff) as usize, (number & 0xffff_ffff) as usize);
        match number >> 56 {
            1 => Self::Begin,
            2 => Self::Step { epoch, batch },
            3 => Self::Validation { epoch, iteration: batch },
            4 => Self::Tally { epoch, iteration: batch },
            5 => Self::End,
            _ => Self::Exit,
        }
    }
}

/// `in epoch 1, training batch 2`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin => f.write_str("at the begin of a training"),
            Self::Step { epoch, batch } => write!(f, "in epoch {epoch}, training batch {batch}"),
            Self::Validation { epoch, iteration } => {
                write!(f, "in the validation of epoch {epoch} after {iteration} training batches")
            }
            Self::Tally { epoch, iteration } => {
                write!(f, "at the end of the validation of epoch {epoch} after {iteration} training batches")
            }
            Self::End => f.write_str("at the end of a training"),
            Self::Exit => f.write_str("at the end of its program"),
        }
    }
}

/// How a rank has ended, from the least to the most serious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Finished = 1,
    Left = 2,
    Stopped = 3,
    Interrupted = 4,
    Failed = 5,
}

impl End {
    pub(crate) fn of(code: i64) -> Option<Self> {
        [Self::Finished, Self::Left, Self::Stopped, Self::Interrupted, Self::Failed]
            .into_iter()
            .find(|end| *end as i64 == code)
    }

    /// The end of a training, with what is to be said about it.
    pub(crate) fn of_outcome(outcome: &Outcome) -> (Self, String) {
        match outcome {
            Outcome::Finished => (Self::Finished, String::new()),
            Outcome::Stopped { .. } => (Self::Stopped, outcome.to_string()),
            Outcome::Interrupted => (Self::Interrupted, String::new()),
            Outcome::Failed { error } => (Self::Failed, error.clone()),
            other => (Self::Failed, other.to_string()),
        }
    }
}

/// What a rank says when it meets the others.
pub(crate) struct Says<'a> {
    pub at: Moment,
    /// A digest of what must be the same on all.
    pub layout: i64,
    /// A digest of the optimizer's settings.
    pub settings: i64,
    /// Its part of the batch.
    pub items: i64,
    /// Whether it was interrupted, and still goes on.
    pub interrupted: bool,
    /// How it has ended, if it has.
    pub end: Option<(End, &'a str)>,
}

impl Says<'_> {
    /// Says only where it is.
    pub(crate) fn at(at: Moment) -> Self {
        Self { at, layout: 0, settings: 0, items: 0, interrupted: false, end: None }
    }
}

/// What a rank hears when all have met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// All go on.
    All {
        same: Same,
        /// Whether one was interrupted.
        interrupted: bool,
    },
    /// One has ended.
    Ended(News),
}

/// What is the same on all ranks that go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Same {
    pub layout: bool,
    pub settings: bool,
    pub items: bool,
}

/// The most serious end, that of the first rank with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct News {
    pub rank: usize,
    pub end: End,
    pub text: String,
    /// Whether all ranks have ended in this way.
    pub all: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_a_number_of_its_own() {
        let moments = [
            Moment::Begin,
            Moment::Step { epoch: 0, batch: 0 },
            Moment::Step { epoch: 3, batch: 70_000 },
            Moment::Validation { epoch: 3, iteration: 70_000 },
            Moment::Tally { epoch: 70_000, iteration: 3 },
            Moment::End,
            Moment::Exit,
        ];
        for moment in moments {
            assert_eq!(Moment::of(moment.number()), moment);
        }
    }
}
