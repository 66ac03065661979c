//! What a validation has measured, as data that processes can exchange.

use crate::state::State;

/// What the batches of a validation have given, before its numbers are computed: `tally: &mut Tally` in `on_validate_tally`.
///
/// It has the loss and the metrics of each batch, with the number of its items, and the states of the metrics of the whole set.
/// If several processes have validated a part each, a callback exchanges the [`state`](Self::state) with the others, and
/// [joins](Self::join) all of them: the numbers are then those of one process that has validated everything. The metrics of the
/// whole set are joined by their [`OverSet::merge`](crate::metrics::OverSet::merge).
///
/// It is computed only if a callback has this hook.
///
/// ```
/// use mixup::{prelude::*, training::Tally};
///
/// /// Counts the validation twice, as if another process had measured the same.
/// struct Twice;
///
/// #[callback]
/// impl Twice {
///     fn on_validate_tally(tally: &mut Tally) {
///         let (own, other) = (tally.state().clone(), tally.state().clone()); // from the other process
///         tally.join(vec![own, other]);
///     }
/// }
///
/// # fn main() -> Result<(), BoxError> {
/// let learner = || -> Result<_, BoxError> {
///     let data = ImageData::digits()?.build()?;
///     Ok(Learner::builder(data, |vs| simple_cnn(vs, &[1, 8, 10])).metric(Recall::default()).quiet())
/// };
/// let once = learner()?.build()?.validate()?;
/// let twice = learner()?.callback(Twice).build()?.validate()?;
/// assert!((once.loss - twice.loss).abs() < 1e-6);
/// assert_eq!(once.metrics, twice.metrics);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tally {
    state: State,
    joined: Option<Vec<State>>,
}

impl Tally {
    pub(crate) fn new(state: State) -> Self {
        Self { state, joined: None }
    }

    /// What this process has measured.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Has the numbers computed from all these states together, in this order; this process's own one must be among them. The
    /// numbers have the same bits in all processes that join the same states in the same order.
    pub fn join(&mut self, states: Vec<State>) {
        self.joined = Some(states);
    }

    /// What the numbers are to be computed from, if a callback has joined something.
    pub(crate) fn into_joined(self) -> Option<Vec<State>> {
        self.joined
    }
}
