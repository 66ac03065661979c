//! A training that ends after some batches or some time.

use std::time::{Duration, Instant};

use mixup_macros::callback;

use crate::callback::StopTraining;

/// Ends the training after some batches, or at the first batch after some time.
///
/// The batches are those of the whole training. The time is that of this process: after a
/// [`resume`](crate::learner::Learner::resume) it begins anew, as a job's time on a cluster does.
#[derive(Debug)]
pub struct StopAfter {
    batches: Option<usize>,
    time: Option<Duration>,
    began: Option<Instant>,
}

impl StopAfter {
    /// Ends the training after so many training batches.
    #[must_use]
    pub fn batches(batches: usize) -> Self {
        Self { batches: Some(batches), time: None, began: None }
    }

    /// Ends the training at the end of the first training batch after this time.
    #[must_use]
    pub fn time(time: Duration) -> Self {
        Self { batches: None, time: Some(time), began: None }
    }
}

#[callback(crate = crate, describe(batches, time), stateless)]
impl StopAfter {
    fn on_train_begin(&mut self) {
        self.began = Some(Instant::now());
    }

    #[on(batch_end, train)]
    fn stop(&self, iteration: usize) -> Option<StopTraining> {
        let enough = self.batches.filter(|batches| iteration + 1 >= *batches);
        let late = self.time.filter(|time| self.began.is_some_and(|began| began.elapsed() >= *time));
        match (enough, late) {
            (Some(batches), _) => Some(StopTraining::because(format!("{batches} batches are trained"))),
            (_, Some(time)) => Some(StopTraining::because(format!("the training has taken {time:?}"))),
            _ => None,
        }
    }
}
