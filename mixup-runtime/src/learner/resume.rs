//! Going on with a training that was interrupted: where snapshots are taken, and how the loop gets back to where it was.

use super::{
    Learner,
    checkpoint::Writer,
    fit::Exit,
    pass::{Begun, Pass},
    snapshot::Snapshot,
};
use crate::{
    data::Sampler as _,
    state::StateError,
    training::{Error, Measured, Next, Phase, Report, Run},
};

/// What is done at the points of a training at which it can go on.
#[derive(Default)]
pub(super) struct Points {
    /// All snapshots, for a test of whether a training goes on with the same bits.
    pub taken: Option<Vec<Snapshot>>,
    pub writer: Option<Writer>,
    /// The training to go on with.
    resumed: Option<Snapshot>,
    /// What the loop has not reached yet.
    run: Option<Run>,
}

impl Learner {
    /// Trains on from a snapshot, to `epochs` in all.
    pub(super) fn resume_snapshot(&mut self, snapshot: Snapshot, epochs: usize) -> Result<Report, Error> {
        self.with_points(|learner| {
            learner.restore(&snapshot).map_err(|source| Error::Resume { source })?;
            learner.points.resumed = Some(snapshot);
            learner.run(Some(epochs), Self::train)
        })?;
        Ok(self.report())
    }

    /// Runs a training that may write checkpoints or go on from one. Nothing of that is left when it is over, also after an error
    /// or a panic: the folder is free, and the next training begins anew.
    pub(super) fn with_points<T>(&mut self, training: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let (done, ()) = self.finally(training, |learner| learner.points.end());
        done
    }

    /// Brings everything to where it was, once `on_train_begin` has run, and returns the epoch that comes first.
    pub(super) fn go_on(&mut self) -> Result<usize, Exit> {
        let Some(snapshot) = self.points.resumed.take() else { return Ok(0) };
        let failed = |source| Error::Resume { source };
        let data = self.state.data.train();
        if self.state.world.is_shared() && data.has_own_state() {
            return Err(failed(StateError::SharedStream { stream: data.describe() }).into());
        }
        let run = Run::of(&snapshot.run).map_err(failed)?;
        self.restore(&snapshot).map_err(failed)?;
        run.load(&mut self.state, self.callbacks.board()).map_err(failed)?;
        if let Some(writer) = &mut self.points.writer {
            writer.go_on_at(self.state.iteration);
        }
        let Next { epoch, phase, .. } = run.next();
        self.points.run = (phase != Phase::Epochs).then_some(run);
        Ok(epoch)
    }

    /// Whether the loop is on its way to one of these phases.
    pub(super) fn goes_on_in(&self, phases: &[Phase]) -> bool {
        self.points.run.as_ref().is_some_and(|run| phases.contains(&run.next().phase))
    }

    /// The run to go on with, if it was in this pass or after it.
    pub(super) fn take_run(&mut self, pass: Pass<'_>) -> Option<Run> {
        let run = self.points.run.take()?;
        let later = run.next().phase != Phase::Training && pass.trains();
        if later {
            self.points.run = Some(run.clone()); // for the validation
        }
        Some(run)
    }

    /// Goes on within a pass, or in the validation after it.
    pub(super) fn go_on_in_pass(&mut self, pass: Pass<'_>, run: &Run) -> Result<Option<Begun>, Exit> {
        let Next { phase, batch, valid_batch, .. } = run.next();
        if (pass.trains(), phase) != (true, Phase::EpochEnd) {
            self.draw_again(pass)?;
        }
        let orders = self.state.internal.orders.clone();
        let measured = run.measured().map_err(|source| Error::Resume { source })?;
        let begun = match (pass.trains(), phase) {
            (true, Phase::EpochEnd) => return Ok(None),
            (true, _) => {
                let batches = self.state.data.train().batches_in(&orders.training);
                if phase == Phase::MidEpoch {
                    // The validation may have been in a later batch of its own.
                    (self.state.num_batch, self.state.batches) = (batch.saturating_sub(1), batches);
                    self.validate_now()?;
                }
                self.state.batches = batches;
                Begun { order: orders.training, first: batch, measured: Measured::new(self.state.metric_names.len()) }
            }
            (false, _) => {
                if let Some(loader) = self.state.data.valid() {
                    self.state.batches = loader.batches_in(&orders.validation);
                }
                Begun { order: orders.validation, first: valid_batch, measured }
            }
        };
        Ok(Some(begun))
    }

    /// Draws the order of a pass again where several processes train together: the checkpoint is that of the first one, which
    /// had another part.
    fn draw_again(&mut self, pass: Pass<'_>) -> Result<(), Exit> {
        if !self.state.world.is_shared() {
            return Ok(());
        }
        let sampler = &mut self.state.sampler;
        if pass.trains() && sampler.stateful().is_some() {
            let source = StateError::SharedSampler { sampler: sampler.describe() };
            return Err(Error::Resume { source }.into());
        }
        let order = self.order(pass)?.into();
        self.state.internal.orders.keep(pass.trains(), order);
        Ok(())
    }

    /// Whether all processes that train together can go on from what the first one has here: it has no gradients of its own
    /// part, and no measurements.
    fn is_common(&self, next: Next) -> bool {
        let kept = || self.state.params.iter().any(|(_, tensor)| tensor.grad().defined());
        !self.state.world.is_shared() || (next.valid_batch == 0 && !kept())
    }

    /// A point before a batch.
    pub(super) fn point(&mut self, pass: Pass<'_>, num_batch: usize, measured: &Measured) -> Result<(), Exit> {
        let state = &self.state;
        if self.points.are_none() || state.internal.own_run.is_some() {
            return Ok(());
        }
        let (phase, batch, valid_batch) = match (pass.trains(), state.internal.after_batch) {
            (true, _) => (Phase::Training, num_batch, 0),
            (false, Some(after)) => (Phase::MidEpoch, after + 1, num_batch),
            (false, None) => (Phase::EpochEnd, 0, num_batch),
        };
        self.take(Next { phase, epoch: state.epoch, batch, valid_batch }, Some(measured))
    }

    /// The point between two epochs.
    pub(super) fn point_between_epochs(&mut self, epoch: usize) -> Result<(), Exit> {
        if self.points.are_none() {
            return Ok(());
        }
        self.take(Next { phase: Phase::Epochs, epoch, batch: 0, valid_batch: 0 }, None)
    }

    fn take(&mut self, next: Next, measured: Option<&Measured>) -> Result<(), Exit> {
        let due = self.checkpoint_due(next);
        if (due.is_none() && self.points.taken.is_none()) || !self.is_common(next) {
            return Ok(());
        }
        let nothing = Measured::new(self.state.metric_names.len());
        let snapshot = self.snapshot(next, measured.unwrap_or(&nothing)).map_err(|source| Error::Resume { source })?;
        if let Some(due) = due {
            self.write_checkpoint(next, &snapshot, due)?;
        }
        if let Some(taken) = &mut self.points.taken {
            taken.push(snapshot);
        }
        Ok(())
    }
}

impl Points {
    pub(super) fn new(writer: Option<Writer>) -> Self {
        Self { writer, ..Self::default() }
    }

    fn are_none(&self) -> bool {
        self.taken.is_none() && self.writer.is_none()
    }

    /// Ends a training: frees the folder of its checkpoints, and forgets what it has gone on from.
    fn end(&mut self) {
        (self.resumed, self.run) = (None, None);
        if let Some(writer) = &mut self.writer {
            writer.end();
        }
    }
}
