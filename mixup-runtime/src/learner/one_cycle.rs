//! Trainings with a callback of their own: `fit_one_cycle`.

use super::{Learner, snapshot::Snapshot};
use crate::{
    callback::Callback,
    callbacks::OneCycle,
    optim::Lr,
    training::{Error, Report},
};

/// The name of the callback, under which checkpoints have its state.
const NAME: &str = "fit_one_cycle";

impl Learner {
    /// Trains with one cycle of the learning rate and the momentum over all epochs, with the defaults of fastai v2: from `lr / 25` up to `lr` in the
    /// first quarter, then down to `lr / 100,000`, and the momentum (Adam's β₁) from 0.95 to 0.85 and back.
    ///
    /// Apart from that it is as [`fit`](Self::fit). A checkpoint has the place in the cycle, so [`resume`](Self::resume) goes on with it.
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// let data = ImageData::digits()?.build()?;
    /// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 8, 10])).quiet().build()?;
    /// learn.fit_one_cycle(1, 3e-3)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`fit`](Self::fit).
    pub fn fit_one_cycle(&mut self, epochs: usize, lr: impl Into<Lr>) -> Result<Report, Error> {
        self.fit_one_cycle_with(OneCycle::default(), epochs, lr)
    }

    /// As [`fit_one_cycle`](Self::fit_one_cycle), with settings of your own: `OneCycle::default().pct_start(0.3)`.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), and if a setting is out of range.
    pub fn fit_one_cycle_with(&mut self, cycle: OneCycle, epochs: usize, lr: impl Into<Lr>) -> Result<Report, Error> {
        self.with_callback(NAME, cycle, |learner| learner.fit(epochs, lr))
    }

    /// Goes on with a training that [`fit_one_cycle`](Self::fit_one_cycle) may have begun.
    pub(super) fn resume_cycle(&mut self, snapshot: Snapshot, epochs: usize) -> Result<Report, Error> {
        if !snapshot.states.0.contains_key(&format!("callback/{NAME}")) {
            return self.resume_snapshot(snapshot, epochs);
        }
        // Its settings are in the snapshot.
        self.with_callback(NAME, OneCycle::default(), |learner| learner.resume_snapshot(snapshot, epochs))
    }

    /// Runs something with one more callback, which is removed afterwards, also after a panic.
    pub(crate) fn with_callback<T>(
        &mut self,
        name: &str,
        callback: impl Callback,
        run: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.callback_named(name, callback);
        let (done, ()) = self.finally(run, |learner| {
            learner.callbacks.remove_named(name);
            learner.list();
        });
        done
    }
}
