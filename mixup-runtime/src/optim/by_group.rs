//! Several optimizers as one: each for some groups of the parameters.

use std::cell::{Ref, RefCell};

use tch::TchError;

use super::{Hypers, Optimizer, SettingError};
use crate::{
    model::{GroupError, Params},
    state::{State, StateError, Stateful},
};

/// The optimizers of a learner that was built with [`optimizer_for`](crate::learner::LearnerBuilder::optimizer_for), each for some groups of the
/// parameters.
///
/// Hooks see it as `opt`. Its settings are those of all groups, so a schedule sets `opt.hyper_mut("generator")?.lr`; each optimizer gets the settings
/// of its groups before its step.
pub struct Optimizers {
    hypers: Hypers,
    all: Vec<One>,
}

struct One {
    name: String,
    groups: Vec<String>,
    opt: RefCell<Box<dyn Optimizer>>,
}

impl Optimizers {
    /// Joins optimizers, each with its name and its groups. All groups must be among those of the parameters.
    pub(crate) fn new(
        params: &Params,
        optimizers: Vec<(String, Vec<String>, Box<dyn Optimizer>)>,
    ) -> Result<Self, GroupError> {
        let mut hypers = Hypers::default();
        hypers.set_params(params);
        let mut all = Vec::new();
        for (name, groups, mut opt) in optimizers {
            let chosen: Vec<_> = groups.iter().map(String::as_str).collect();
            opt.hypers_mut().set_params(&params.only(&chosen)?);
            for group in &groups {
                *hypers.get_mut(group)? = *opt.hypers().get(group)?;
            }
            all.push(One { name, groups, opt: RefCell::new(opt) });
        }
        Ok(Self { hypers, all })
    }

    /// Replaces the optimizer of a name. Its groups begin with the new one's settings. Does nothing if there is none of this name.
    pub(crate) fn replace(
        &mut self,
        params: &Params,
        name: &str,
        mut opt: Box<dyn Optimizer>,
    ) -> Result<(), GroupError> {
        let Some(one) = self.all.iter_mut().find(|one| one.name == name) else { return Ok(()) };
        let groups: Vec<_> = one.groups.iter().map(String::as_str).collect();
        opt.hypers_mut().set_params(&params.only(&groups)?);
        for group in groups {
            *self.hypers.get_mut(group)? = *opt.hypers().get(group)?;
        }
        one.opt = RefCell::new(opt);
        Ok(())
    }

    /// The names of the optimizers: each is the name under which it was added; that of `optimizer(…)` is `default`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|one| one.name.as_str())
    }

    /// One of the optimizers, by its name; `None` if there is none of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Ref<'_, dyn Optimizer>> {
        let one = self.all.iter().find(|one| one.name == name)?;
        Some(Ref::map(one.opt.borrow(), |opt| &**opt))
    }

    /// Each optimizer's name and groups.
    pub(crate) fn groups(&self) -> Vec<(&str, Vec<&str>)> {
        self.all.iter().map(|one| (one.name.as_str(), one.groups.iter().map(String::as_str).collect())).collect()
    }
}

impl One {
    /// Takes a step with the settings that its groups have now. Parameters of other optimizers are left alone.
    fn step(&mut self, params: &Params, hypers: &Hypers) -> Result<(), TchError> {
        let opt = self.opt.get_mut();
        for (group, hyper) in opt.hypers_mut().iter_mut() {
            if let Ok(set) = hypers.get(group) {
                *hyper = *set;
            }
        }
        let is_own = |group: &&str| self.groups.iter().any(|own| own == group);
        let own: Vec<_> = params.groups().iter().map(String::as_str).filter(is_own).collect();
        match own.len() {
            0 => Ok(()),
            all if all == params.groups().len() => opt.step(params),
            _ => match params.only(&own) {
                Ok(params) => opt.step(&params),
                Err(_) => Ok(()), // the groups are its own
            },
        }
    }
}

impl Optimizer for Optimizers {
    fn step(&mut self, params: &Params) -> Result<(), TchError> {
        self.all.iter_mut().try_for_each(|one| one.step(params, &self.hypers))
    }

    fn hypers(&self) -> &Hypers {
        &self.hypers
    }

    fn hypers_mut(&mut self) -> &mut Hypers {
        &mut self.hypers
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }

    fn check(&self) -> Result<(), SettingError> {
        self.hypers.check()?;
        self.all.iter().try_for_each(|one| one.opt.borrow().check())
    }

    fn describe(&self) -> String {
        let of_each = self.all.iter().map(|one| format!("{}: {}", one.name, one.opt.borrow().describe()));
        of_each.collect::<Vec<_>>().join(", ")
    }
}

impl Stateful for Optimizers {
    fn save(&self) -> Result<State, StateError> {
        let state = State::new().with_part("hypers", &self.hypers)?;
        self.all.iter().try_fold(state, |state, one| {
            let mut opt = one.opt.borrow_mut();
            state.with_part(&format!("optimizer/{}", one.name), &opt.stateful())
        })
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let mut hypers = self.hypers.clone();
        state.part("hypers")?.load_into(&mut hypers)?;
        for one in &mut self.all {
            let saved = state.part(&format!("optimizer/{}", one.name))?;
            saved.load_into(&mut one.opt.get_mut().stateful())?;
        }
        self.hypers = hypers;
        Ok(())
    }
}

impl std::fmt::Debug for Optimizers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Optimizers").field(&self.describe()).finish()
    }
}
