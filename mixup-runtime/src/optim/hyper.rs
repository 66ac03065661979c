//! The settings that schedules change from step to step, for each group of parameters.

use std::iter;

use serde::{Deserialize, Serialize};

use super::OptimizerError;
use crate::{
    model::{DEFAULT_GROUP, GroupError, Param, Params},
    state::{State, StateError, Stateful},
};

/// The settings that every optimizer has and that schedules change from step to step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hyper {
    /// The learning rate.
    pub lr: f64,
    /// The momentum; β₁ for `Adam` and `AdamW`, 0 if there is none.
    pub momentum: f64,
    /// The weight decay.
    pub weight_decay: f64,
}

/// Learning rate 0.001, no momentum, no weight decay.
impl Default for Hyper {
    fn default() -> Self {
        Self { lr: 1e-3, momentum: 0.0, weight_decay: 0.0 }
    }
}

impl Hyper {
    pub(super) fn new(weight_decay: f64, momentum: f64) -> Self {
        Self { momentum, weight_decay, ..Self::default() }
    }
}

/// An optimizer's settings for each group of parameters, in the order of the groups. There is at least one group.
///
/// An optimizer holds one value of this type. The learner creates the groups in it when it is built, and the optimizer's step
/// gets the settings of each parameter from [`of`](Self::of).
#[derive(Clone, Debug, PartialEq)]
pub struct Hypers {
    before: Vec<(String, Hyper)>,
    last: (String, Hyper),
    /// The names and shapes of the parameters, once they are known: a saved state must have the same.
    params: Option<Vec<(String, Vec<i64>)>>,
}

/// One group, `default`, with the default settings.
impl Default for Hypers {
    fn default() -> Self {
        Self::new(Hyper::default())
    }
}

impl Hypers {
    /// One group, `default`, with these settings.
    #[must_use]
    pub fn new(hyper: Hyper) -> Self {
        Self { before: Vec::new(), last: (DEFAULT_GROUP.to_owned(), hyper), params: None }
    }

    /// Has the groups of these parameters from now on. A new group begins with the settings of the last one.
    pub(crate) fn set_params(&mut self, params: &Params) {
        let begin = |name: &String| (name.clone(), *self.get(name).unwrap_or(&self.last.1));
        if let Some((last, before)) = params.groups().split_last() {
            (self.before, self.last) = (before.iter().map(begin).collect(), begin(last));
        }
        self.params = Some(params.iter().map(|(name, tensor)| (name.to_owned(), tensor.size())).collect());
    }

    /// The shape of a parameter of which a saved state has the entry `key`; `None` if the parameters are not known yet.
    pub(super) fn check_parameter(&self, param: &str, key: &str) -> Result<Option<&Vec<i64>>, OptimizerError> {
        let Some(params) = &self.params else { return Ok(None) };
        let found = params.iter().find(|(name, _)| name == param).map(|(_, size)| size);
        found.map(Some).ok_or_else(|| OptimizerError::Parameter { key: key.to_owned() })
    }

    /// The settings for a parameter: those of its group, without weight decay if a rule excepts the parameter.
    #[must_use]
    pub fn of(&self, param: &Param) -> Hyper {
        let (_, hyper) = self.before.get(param.group()).unwrap_or(&self.last);
        Hyper { weight_decay: if param.decays() { hyper.weight_decay } else { 0.0 }, ..*hyper }
    }

    /// The settings of a group.
    ///
    /// # Errors
    /// [`GroupError::Unknown`], which lists the groups.
    pub fn get(&self, group: &str) -> Result<&Hyper, GroupError> {
        let found = self.iter().find(|(name, _)| *name == group);
        found.map(|(_, hyper)| hyper).ok_or_else(|| self.unknown(group))
    }

    /// The settings of a group, mutably, for the following steps.
    ///
    /// # Errors
    /// [`GroupError::Unknown`], which lists the groups.
    pub fn get_mut(&mut self, group: &str) -> Result<&mut Hyper, GroupError> {
        self.get(group)?; // the error lists the names, which can't be borrowed below
        let (_, hyper) = self.before.iter_mut().find(|(name, _)| *name == group).unwrap_or(&mut self.last);
        Ok(hyper)
    }

    fn unknown(&self, group: &str) -> GroupError {
        GroupError::Unknown { group: group.to_owned(), groups: self.names() }
    }

    /// Each group's name and settings, in the order of the groups.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Hyper)> {
        self.before.iter().chain(iter::once(&self.last)).map(|(name, hyper)| (name.as_str(), hyper))
    }

    /// Each group's name and settings, mutably, for the following steps.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&str, &mut Hyper)> {
        self.before.iter_mut().chain(iter::once(&mut self.last)).map(|(name, hyper)| (name.as_str(), hyper))
    }

    /// The groups' names, in their order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.iter().map(|(name, _)| name.to_owned()).collect()
    }

    /// The settings of the last group, which is the only one in a learner without groups.
    #[must_use]
    pub fn last(&self) -> &Hyper {
        &self.last.1
    }

    /// The learning rates, in the order of the groups.
    #[must_use]
    pub fn lrs(&self) -> Vec<f64> {
        self.iter().map(|(_, hyper)| hyper.lr).collect()
    }

    /// Sets the learning rates, in the order of the groups.
    pub fn set_lrs(&mut self, lrs: impl IntoIterator<Item = f64>) {
        self.iter_mut().zip(lrs).for_each(|((_, hyper), lr)| hyper.lr = lr);
    }

    /// Sets the learning rate of all groups.
    pub fn set_lr(&mut self, lr: f64) {
        self.iter_mut().for_each(|(_, hyper)| hyper.lr = lr);
    }

    /// Sets the momentum of all groups.
    pub fn set_momentum(&mut self, momentum: f64) {
        self.iter_mut().for_each(|(_, hyper)| hyper.momentum = momentum);
    }

    /// Sets the weight decay of all groups.
    pub fn set_weight_decay(&mut self, weight_decay: f64) {
        self.iter_mut().for_each(|(_, hyper)| hyper.weight_decay = weight_decay);
    }

    /// Checks the settings: learning rate and weight decay must not be negative, and the momentum must be in `[0, 1)`.
    ///
    /// # Errors
    /// The first setting that is out of range, with its group if there are several.
    pub fn check(&self) -> Result<(), SettingError> {
        self.check_each(|hyper| {
            not_negative("lr", hyper.lr)?;
            fraction("momentum", hyper.momentum)?;
            not_negative("weight_decay", hyper.weight_decay)
        })
    }

    pub(super) fn check_each(&self, check: impl Fn(&Hyper) -> Result<(), SettingError>) -> Result<(), SettingError> {
        self.iter().try_for_each(|(group, hyper)| {
            check(hyper).map_err(|error| match self.before.len() {
                0 => error,
                _ => SettingError { group: Some(group.to_owned()), ..error },
            })
        })
    }
}

/// The settings of each group. A state with other groups is rejected.
impl Stateful for Hypers {
    fn save(&self) -> Result<State, StateError> {
        State::of_data(&self.iter().collect::<Vec<_>>())
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let saved: Vec<(String, Hyper)> = state.data()?;
        let found: Vec<_> = saved.iter().map(|(name, _)| name.clone()).collect();
        if found != self.names() {
            return Err(OptimizerError::Groups { found, wanted: self.names() }.into());
        }
        self.iter_mut().zip(saved).for_each(|((_, hyper), (_, saved))| *hyper = saved);
        Ok(())
    }
}

/// An optimizer's setting is out of range.
#[derive(Clone, PartialEq, thiserror::Error)]
#[error("the optimizer's {name}{} is {value}: it must be {wanted}", of_group(group.as_deref()))]
pub struct SettingError {
    /// The setting's name.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// Which values are allowed.
    pub wanted: &'static str,
    /// The group of parameters, if there are several.
    pub group: Option<String>,
}

crate::error::debug_with_sources!(SettingError);

fn of_group(group: Option<&str>) -> String {
    group.map_or_else(String::new, |group| format!(" for the group `{group}`"))
}

/// Rejects a setting that is out of its range.
pub(super) fn setting(name: &'static str, value: f64, fits: bool, wanted: &'static str) -> Result<(), SettingError> {
    if value.is_finite() && fits { Ok(()) } else { Err(SettingError { name, value, wanted, group: None }) }
}

/// A setting that must be in `[0, 1)`, such as a momentum.
pub(super) fn fraction(name: &'static str, value: f64) -> Result<(), SettingError> {
    setting(name, value, (0.0..1.0).contains(&value), "at least 0 and below 1")
}

/// A setting that must be in `[0, 1]`, such as a dampening.
pub(super) fn fraction_up_to_one(name: &'static str, value: f64) -> Result<(), SettingError> {
    setting(name, value, (0.0..=1.0).contains(&value), "at least 0 and at most 1")
}

/// A setting that must not be negative, such as a weight decay.
fn not_negative(name: &'static str, value: f64) -> Result<(), SettingError> {
    setting(name, value, value >= 0.0, "a finite number of at least 0")
}
