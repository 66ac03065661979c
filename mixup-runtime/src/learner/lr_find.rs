//! A sweep over learning rates, after which everything is as before.

use std::mem;

use super::{Learner, LearnerState, resume::Points, snapshot::Whole};
use crate::{
    callbacks::{LrCurve, LrFinder},
    state::{State, StateError},
    training::{EpochReport, Error, Outcome, Values},
};

/// What a sweep changes and must be brought back.
struct Before {
    states: LearnerState,
    params: State,
    points: Points,
    resumed: bool,
    values: Values,
    rows: Vec<EpochReport>,
    value_names: Vec<String>,
    ended: Outcome,
}

impl Learner {
    /// Trains for up to 100 steps of the optimizer with learning rates from 1e-7 to 10, until the loss diverges, and returns the losses. After
    /// that everything is as before, to the bit: parameters, optimizer, all states, what was drawn, and the report of the last training.
    ///
    /// Callbacks run as in any training, MixUp and accumulation too, and are brought back if they have a state. Nothing is validated, and no
    /// checkpoint is written.
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// let data = ImageData::digits()?.build()?;
    /// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 8, 10])).mixup().quiet().build()?;
    /// let found = learn.lr_find()?;
    /// println!("{found}"); // valley 1.7e-2, steepest 9.1e-2
    /// learn.fit_one_cycle(1, found.valley().unwrap_or(1e-3))?;
    /// # assert!(found.valley().is_some_and(|lr| (1e-4..1.0).contains(&lr)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The error that ended the sweep, as for [`fit`](Self::fit).
    pub fn lr_find(&mut self) -> Result<LrCurve, Error> {
        self.lr_find_with(LrFinder::default())
    }

    /// As [`lr_find`](Self::lr_find), with settings of your own: `LrFinder::default().between(1e-5, 1.0)`.
    ///
    /// # Errors
    /// As for [`lr_find`](Self::lr_find).
    pub fn lr_find_with(&mut self, finder: LrFinder) -> Result<LrCurve, Error> {
        const NAME: &str = "lr_find";
        let failed = |source| Error::Resume { source };
        let before = self.set_aside().map_err(failed)?;
        // Each epoch has at least one step.
        let epochs = finder.most();
        let sweep = |learner: &mut Self| {
            learner.run(Some(epochs), Self::train)?;
            Ok(learner.get_named::<LrFinder>(NAME).map_or_else(LrCurve::default, |finder| finder.curve()))
        };
        let (swept, brought_back) =
            self.finally(|learner| learner.with_callback(NAME, finder, sweep), |learner| learner.bring_back(before));
        let curve = swept?;
        brought_back.map(|()| curve).map_err(failed)
    }

    fn set_aside(&mut self) -> Result<Before, StateError> {
        let (states, params) = (self.state()?, State::of(&Whole(&self.state.params))?);
        let state = &mut self.state;
        Ok(Before {
            states,
            params,
            points: mem::take(&mut self.points),
            resumed: state.resumed,
            values: mem::take(&mut state.values),
            rows: state.rows.clone(),
            value_names: state.value_names.clone(),
            ended: state.ended.clone(),
        })
    }

    fn bring_back(&mut self, before: Before) -> Result<(), StateError> {
        let Before { states, params, points, resumed, values, rows, value_names, ended } = before;
        self.points = points;
        let brought_back = self.load_state(&states).and_then(|()| params.load_into(&mut Whole(&self.state.params)));
        let state = &mut self.state;
        (state.resumed, state.values) = (resumed, values);
        (state.rows, state.value_names, state.ended) = (rows, value_names, ended);
        brought_back
    }
}
