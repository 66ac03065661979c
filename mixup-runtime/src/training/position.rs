//! The position of a learner in its life, for messages and for randomness.

use std::{fmt, num::NonZeroUsize};

use crate::rng::Place;

/// The position of a learner in its life: which epoch and batch, and whether in training or validation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The epoch, counted from 0 in each training, as in hooks; `None` before the first epoch and outside of a training.
    pub epoch: Option<usize>,
    /// How many epochs the learner has begun before this one, in all its trainings.
    pub epochs_before: usize,
    /// The batch in this pass over the data, counted from 0; `None` outside of a batch.
    pub batch: Option<usize>,
    /// Whether the model is being trained; false in validation.
    pub train: bool,
    /// For a validation in the middle of an epoch, the training batch after which it runs.
    pub after_batch: Option<usize>,
    /// For a validation or prediction outside of a training, its number, counted from 1 over the learner's life.
    pub own_run: Option<NonZeroUsize>,
    /// Whether this is in predictions.
    pub predict: bool,
}

impl Position {
    /// The position as part of the key of a generator.
    pub(crate) fn place(self) -> Place {
        let counted = |batch: Option<usize>| batch.map_or(0, |batch| batch as u32 + 1);
        let (batch, valid_batch) = if self.train { (self.batch, None) } else { (self.after_batch, self.batch) };
        // A run outside of a training gets a number that is never reached by training batches.
        let batch = self.own_run.map_or(counted(batch), |run| u32::MAX - run.get() as u32);
        Place { epoch: self.epochs_before as u32, batch, valid_batch: counted(valid_batch) }
    }
}

/// Shows the position as messages do: `epoch 1, training batch 2`; `epoch 1, validation batch 0 after training batch 2`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self { predict: true, .. } => "prediction",
            Self { train: true, .. } => "training",
            _ => "validation",
        };
        let after = self.after_batch.map_or_else(String::new, |batch| format!(" after training batch {batch}"));
        let pass = match self.batch {
            Some(batch) => format!("{kind} batch {batch}{after}"),
            None if after.is_empty() => String::new(),
            None => format!("{kind}{after}"),
        };
        match (self.epoch, pass.as_str()) {
            (None, "") => f.write_str("outside of the epochs"),
            (None, pass) => f.write_str(pass),
            (Some(epoch), "") => write!(f, "epoch {epoch}"),
            (Some(epoch), pass) => write!(f, "epoch {epoch}, {pass}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const EPOCH: Position = Position {
        epoch: Some(1),
        epochs_before: 4,
        batch: None,
        train: true,
        after_batch: None,
        own_run: None,
        predict: false,
    };
    const VALIDATION: Position = Position { train: false, ..EPOCH };

    #[test]
    fn shows_each_position_in_words() {
        let shown = [
            (EPOCH, "epoch 1"),
            (Position { batch: Some(2), ..EPOCH }, "epoch 1, training batch 2"),
            (VALIDATION, "epoch 1"),
            (Position { batch: Some(0), ..VALIDATION }, "epoch 1, validation batch 0"),
            (Position { after_batch: Some(7), ..VALIDATION }, "epoch 1, validation after training batch 7"),
            (
                Position { batch: Some(1), after_batch: Some(7), ..VALIDATION },
                "epoch 1, validation batch 1 after training batch 7",
            ),
            (Position::default(), "outside of the epochs"),
            (Position { own_run: NonZeroUsize::new(1), batch: Some(3), ..Position::default() }, "validation batch 3"),
            (Position { predict: true, batch: Some(3), ..Position::default() }, "prediction batch 3"),
            (Position { predict: true, ..Position::default() }, "outside of the epochs"),
        ];
        for (position, text) in shown {
            assert_eq!(position.to_string(), text);
        }
    }

    #[test]
    fn no_two_positions_have_the_same_place() {
        let mut places = HashSet::new();
        let mut count = 0;
        let mut add = |position: Position| {
            count += 1;
            places.insert(position.place());
        };
        for epochs_before in 0..3 {
            let epoch = Position { epochs_before, ..EPOCH };
            let validation = Position { epochs_before, ..VALIDATION };
            add(epoch); // the validation at its end has the same place, but its own hooks
            for batch in [Some(0), Some(1), Some(5)] {
                add(Position { batch, ..epoch });
                add(Position { batch, ..validation });
                for after_batch in [Some(0), Some(1)] {
                    add(Position { batch, after_batch, ..validation });
                }
            }
            for run in [NonZeroUsize::new(1), NonZeroUsize::new(2)] {
                let own = Position { epoch: None, own_run: run, ..validation };
                add(own);
                add(Position { batch: Some(0), ..own });
            }
        }
        assert_eq!(places.len(), count);
    }
}
