//! A check for tests: does a training that is interrupted anywhere go on with the same bits?

use super::{
    Learner, LearnerState,
    snapshot::{Snapshot, Whole},
};
use crate::{
    error::BoxError,
    optim::Lr,
    state::{State, StateError},
    training::{Error, Report},
};

/// Checks that a training goes on with the same bits wherever it is interrupted, for a test of a callback, a model, a loss function or a data set of
/// your own. Returns at how many positions it was cut.
///
/// `build` must build the same learner each time, as a program that is started again does. The training runs once without a break; then a new
/// learner goes on from each position at which a checkpoint may be written: before each batch of the training and of the validations, and between
/// epochs. Parameters, buffers, the optimizer's moments, all states, and the report must be the same to the bit.
///
/// ```
/// use mixup::{learner::assert_resumes, prelude::*};
///
/// # fn main() -> Result<(), BoxError> {
/// let build = || {
///     let data = ImageData::digits()?.batch_size(500).build()?;
///     Ok(Learner::builder(data, |vs| simple_cnn(vs, &[1, 8, 10])).mixup().quiet().build()?)
/// };
/// assert_resumes(build, 2, 1e-2)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// An error of `build` or of a training; [`Error::NotResumed`], which says at which position what is different: usually a callback remembers
/// something without a [state](crate::state::Stateful); [`Error::NotRepeated`] if two whole trainings already differ.
pub fn assert_resumes(
    build: impl Fn() -> Result<Learner, BoxError>,
    epochs: usize,
    lr: impl Into<Lr>,
) -> Result<usize, BoxError> {
    let lr = lr.into();
    let mut whole = build()?;
    whole.points.taken = Some(Vec::new());
    let report = whole.fit(epochs, lr.clone())?;
    let snapshots = whole.points.taken.take().unwrap_or_default();
    let wanted = Found::of(&mut whole, &report)?;

    let mut plain = build()?;
    let report = plain.fit(epochs, lr)?;
    let found = Found::of(&mut plain, &report)?;
    wanted.compare(&found, |what| Error::NotRepeated { what })?;

    for (position, snapshot) in snapshots.iter().enumerate() {
        let at = snapshot.next()?;
        let mut learn = build()?;
        learn.points.taken = Some(Vec::new());
        let report = learn.resume_snapshot(snapshot.clone(), epochs)?;
        let found = Found::of(&mut learn, &report)?;
        let failed = |what| Error::NotResumed { at: at.to_string(), what };
        wanted.compare(&found, failed)?;
        // A training that is cut again goes on from one of these.
        let later = snapshots.get(position..).unwrap_or_default();
        let what = differing(later, &learn.points.taken.take().unwrap_or_default())?;
        if !what.is_empty() {
            return Err(failed(what).into());
        }
    }
    Ok(snapshots.len())
}

/// What is not the same in the snapshots of a training that has gone on. They have no new one where it went on, if that was between two epochs.
fn differing(wanted: &[Snapshot], found: &[Snapshot]) -> Result<Vec<String>, StateError> {
    let wanted = wanted.get(wanted.len().saturating_sub(found.len())..).unwrap_or_default();
    for (wanted, found) in wanted.iter().zip(found) {
        let (place, other) = (wanted.next()?, found.next()?);
        if place != other {
            return Ok(vec![format!("the checkpoint {place} (it is {other} instead)")]);
        }
        let states = wanted.states.0.iter().filter(|(name, state)| found.states.0.get(*name) != Some(state));
        let states = states.map(|(name, _)| format!("the state of `{name}` in the checkpoint {place}"));
        let params = wanted.params.differing(&found.params).into_iter();
        let what: Vec<_> = states.chain(params.map(|name| format!("`{name}` in the checkpoint {place}"))).collect();
        if !what.is_empty() {
            return Ok(what);
        }
    }
    Ok(Vec::new())
}

/// All that a training leaves behind.
pub(super) struct Found {
    params: State,
    states: LearnerState,
    rows: Vec<(String, Vec<u64>)>,
    outcome: String,
}

impl Found {
    pub(super) fn of(learn: &mut Learner, report: &Report) -> Result<Self, StateError> {
        let values = |names: &[String], values: &[f64]| {
            names.iter().cloned().zip(values.iter().map(|value| value.to_bits())).collect::<Vec<_>>()
        };
        let mut rows = Vec::new();
        for row in &report.epochs {
            let own = [("train_loss", row.train_loss), ("valid_loss", row.valid_loss.unwrap_or(f64::NAN))];
            let own = own.map(|(name, value)| (name.to_owned(), value.to_bits()));
            let others =
                [values(&report.metric_names, &row.metrics), values(&report.value_names, &row.values)].concat();
            for (name, bits) in own.into_iter().chain(others) {
                match rows.iter_mut().find(|(known, _): &&mut (String, Vec<u64>)| *known == name) {
                    Some((_, all)) => all.push(bits),
                    None => rows.push((name, vec![bits])),
                }
            }
        }
        Ok(Self {
            params: State::of(&Whole(&learn.state.params))?,
            states: learn.state()?,
            rows,
            outcome: report.outcome.to_string(),
        })
    }

    /// Compares to the bit. The error gets the names of all that is different.
    fn compare(&self, found: &Self, error: impl FnOnce(Vec<String>) -> Error) -> Result<(), Error> {
        let what = self.differences(found);
        if what.is_empty() { Ok(()) } else { Err(error(what)) }
    }

    /// The names of all that is not the same to the bit.
    pub(super) fn differences(&self, found: &Self) -> Vec<String> {
        let states = self.states.0.iter().filter(|(name, state)| found.states.0.get(*name) != Some(state));
        let states = states.map(|(name, _)| format!("the state of `{name}`"));
        let rows = self.rows.iter().filter(|row| !found.rows.contains(row)).map(|(name, _)| format!("`{name}`"));
        let params = self.params.differing(&found.params).into_iter().map(|name| format!("`{name}`"));
        let outcome = (self.outcome != found.outcome).then(|| "the outcome".to_owned());
        states.chain(rows).chain(params).chain(outcome).collect()
    }
}
