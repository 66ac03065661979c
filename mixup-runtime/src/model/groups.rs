//! Groups of parameters are a partition, in which the first group that matches a parameter has it. Rules apply across the groups.

use tch::Tensor;

use super::Param;
use crate::names::listed;

/// The name of the group that has what no other group has.
pub(crate) const DEFAULT_GROUP: &str = "default";

/// Whether a group or a rule matches the parameter with this name.
type Matches = Box<dyn Fn(&str, &Tensor) -> bool>;

/// The groups and rules that a learner's builder was given.
#[derive(Default)]
pub(crate) struct Grouping {
    groups: Vec<(String, Matches)>,
    no_decay: Vec<Matches>,
}

/// A trainable parameter as the `VarStore` has it.
pub(super) struct Found {
    pub name: String,
    pub tensor: Tensor,
    /// The number from `tch`'s `Path::set_group`; 0 by default.
    pub number: usize,
}

/// The group of a parameter, in the order of the groups.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Named(usize),
    /// In no named group, with `tch`'s number.
    Numbered(usize),
}

impl Grouping {
    pub(crate) fn group(&mut self, name: String, matches: impl Fn(&str, &Tensor) -> bool + 'static) {
        self.groups.push((name, Box::new(matches)));
    }

    /// Adds the group of the parameters under a path, unless there is a group of this name: the names of `tch`'s groups and `default` are reserved.
    pub(crate) fn add_path(&mut self, path: &str) {
        if !is_reserved(path) && self.groups.iter().all(|(name, _)| name != path) {
            let prefix = format!("{path}.");
            self.group(path.to_owned(), move |name, _| name.starts_with(&prefix));
        }
    }

    pub(crate) fn no_decay(&mut self, matches: impl Fn(&str, &Tensor) -> bool + 'static) {
        self.no_decay.push(Box::new(matches));
    }

    /// Returns the names of the groups in their order, at least one, and the parameters with their groups.
    pub(super) fn part(&self, found: Vec<Found>) -> Result<(Vec<String>, Vec<Param>), GroupError> {
        self.check_names()?;
        let places: Vec<_> = found.iter().map(|param| self.place_of(param)).collect();
        let mut groups = places.clone();
        groups.sort_unstable();
        groups.dedup();
        self.check_groups(&groups, &places, &found)?;
        self.check_rules(&found)?;
        let in_group = |(param, place): (Found, Place)| Param {
            group: groups.binary_search(&place).unwrap_or(0), // it is among them
            decays: !self.no_decay.iter().any(|matches| matches(&param.name, &param.tensor)),
            name: param.name,
            tensor: param.tensor,
        };
        let params = found.into_iter().zip(places).map(in_group).collect();
        let mut names: Vec<_> = groups.iter().map(|&place| self.name_of(place)).collect();
        if names.is_empty() {
            names.push(DEFAULT_GROUP.to_owned());
        }
        Ok((names, params))
    }

    fn place_of(&self, Found { name, tensor, number }: &Found) -> Place {
        let named = self.groups.iter().position(|(_, matches)| matches(name, tensor));
        named.map_or(Place::Numbered(*number), Place::Named)
    }

    fn name_of(&self, place: Place) -> String {
        match place {
            Place::Named(index) => self.groups.get(index).map(|(name, _)| name.clone()).unwrap_or_default(),
            Place::Numbered(0) => DEFAULT_GROUP.to_owned(),
            Place::Numbered(number) => number.to_string(),
        }
    }

    fn check_names(&self) -> Result<(), GroupError> {
        for (index, (name, _)) in self.groups.iter().enumerate() {
            if is_reserved(name) {
                return Err(GroupError::Reserved { group: name.clone() });
            }
            if self.groups[..index].iter().any(|(other, _)| other == name) {
                return Err(GroupError::Twice { group: name.clone() });
            }
        }
        Ok(())
    }

    /// Each named group must have a parameter.
    fn check_groups(&self, groups: &[Place], places: &[Place], found: &[Found]) -> Result<(), GroupError> {
        for (index, (group, matches)) in self.groups.iter().enumerate() {
            if groups.contains(&Place::Named(index)) {
                continue;
            }
            let group = group.clone();
            let taken = found.iter().zip(places).find(|(param, _)| matches(&param.name, &param.tensor));
            return Err(match taken {
                Some((param, place)) => {
                    GroupError::Taken { group, parameter: param.name.clone(), earlier: self.name_of(*place) }
                }
                None => GroupError::Nothing { group, parameters: names(found) },
            });
        }
        Ok(())
    }

    fn check_rules(&self, found: &[Found]) -> Result<(), GroupError> {
        let empty =
            self.no_decay.iter().position(|matches| !found.iter().any(|param| matches(&param.name, &param.tensor)));
        match empty {
            Some(index) => Err(GroupError::NoDecay { rule: index + 1, parameters: names(found) }),
            None => Ok(()),
        }
    }
}

/// Whether a group of this name is made by the learner.
fn is_reserved(name: &str) -> bool {
    name == DEFAULT_GROUP || name.parse::<usize>().is_ok()
}

fn names(found: &[Found]) -> Vec<String> {
    found.iter().map(|param| param.name.clone()).collect()
}

/// Why groups, rules or the name of a group were rejected.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// No group has this name.
    #[error("no group is named `{group}`: the groups are {}", listed(groups))]
    Unknown {
        /// The name.
        group: String,
        /// The names of all groups.
        groups: Vec<String>,
    },
    /// There is no group before the one up to which groups were to be frozen.
    #[error(
        "there is no group to freeze before `{group}`: the groups are {}, in this order; use `unfreeze()` to train all of them",
        listed(groups)
    )]
    First {
        /// The group.
        group: String,
        /// All groups in their order.
        groups: Vec<String>,
    },
    /// Two groups have the same name.
    #[error("two groups are named `{group}`: give one of them another name, or write one group that matches both")]
    Twice {
        /// The name.
        group: String,
    },
    /// The name is one of those that the learner gives.
    #[error(
        "no group can be named `{group}`: `default` is the group of all other parameters, and numbers are the groups of `tch`'s \
         `Path::set_group`"
    )]
    Reserved {
        /// The name.
        group: String,
    },
    /// A group matches no parameter.
    #[error("the group `{group}` matches no parameter: the parameters are {}", some(parameters))]
    Nothing {
        /// The group.
        group: String,
        /// The names of all parameters.
        parameters: Vec<String>,
    },
    /// Earlier groups have all parameters that a group matches.
    #[error(
        "the group `{group}` has no parameter: earlier groups have all that it matches, such as `{parameter}` in `{earlier}`; put \
         the narrower group first"
    )]
    Taken {
        /// The group.
        group: String,
        /// A parameter that it matches.
        parameter: String,
        /// The group that has this parameter.
        earlier: String,
    },
    /// A rule matches no parameter.
    #[error("rule {rule} of `no_decay` matches no parameter: the parameters are {}", some(parameters))]
    NoDecay {
        /// Which rule, counted from 1.
        rule: usize,
        /// The names of all parameters.
        parameters: Vec<String>,
    },
    /// libtorch can't freeze the parameter.
    #[error("`{parameter}` can't be frozen: {message}")]
    NotFrozen {
        /// The parameter.
        parameter: String,
        /// The message of libtorch.
        message: String,
    },
}

crate::error::debug_with_sources!(GroupError);

/// The first few names, and the number of the others.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 6;
    match names.len() {
        count if count <= SHOWN => listed(names),
        count => {
            let shown = names[..SHOWN].iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
            format!("{} and {} more", shown.join(", "), count - SHOWN)
        }
    }
}
