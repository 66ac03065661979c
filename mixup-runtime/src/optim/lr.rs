//! Learning rates for groups of parameters.
//!
//! Source of the spread: fastai's `slice(start, stop)`, whose rates are `even_mults(start, stop, groups)`
//! (`fastai/learner.py`, `fastcore/basics.py`): each is the one before it, times the same factor.

use crate::names::listed;

/// The learning rate of a training: one, or one for each group of parameters.
///
/// ```
/// use mixup::prelude::*;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let groups = ["stem", "trunk", "head"].map(String::from);
/// assert_eq!(Lr::from(0.1).rates(&groups)?, [0.1, 0.1, 0.1]);
/// assert_eq!(Lr::each([0.01, 0.02, 0.1]).rates(&groups)?, [0.01, 0.02, 0.1]);
/// assert_eq!(Lr::from([0.01, 0.02, 0.1]), Lr::each([0.01, 0.02, 0.1])); // so `learn.fit(1, [0.01, 0.02, 0.1])` takes them
/// let spread = Lr::spread(1e-5, 1e-3).rates(&groups)?;
/// assert_eq!((spread[0], spread[2]), (1e-5, 1e-3));
/// assert!((spread[1] - 1e-4).abs() < 1e-12);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Lr(Rates);

#[derive(Clone, Debug, PartialEq)]
enum Rates {
    One(f64),
    Spread { first: f64, last: f64 },
    Each(Vec<f64>),
}

/// One rate for all groups.
impl From<f64> for Lr {
    fn from(lr: f64) -> Self {
        Self(Rates::One(lr))
    }
}

/// One rate for each group, as [`Lr::each`].
impl<const N: usize> From<[f64; N]> for Lr {
    fn from(rates: [f64; N]) -> Self {
        Self::each(rates)
    }
}

impl Lr {
    /// From `first` for the first group to `last` for the last one, each rate the one before it times the same factor.
    #[must_use]
    pub fn spread(first: f64, last: f64) -> Self {
        Self(Rates::Spread { first, last })
    }

    /// One rate for each group, in the order of the groups.
    #[must_use]
    pub fn each(rates: impl IntoIterator<Item = f64>) -> Self {
        Self(Rates::Each(rates.into_iter().collect()))
    }

    /// The rate of each of these groups.
    ///
    /// # Errors
    /// An [`LrError`] if a rate is negative or not a finite number, if there are not as many rates as groups, or if a single group is to have a
    /// spread.
    pub fn rates(&self, groups: &[String]) -> Result<Vec<f64>, LrError> {
        let rates = match &self.0 {
            Rates::One(lr) => vec![*lr; groups.len()],
            Rates::Spread { first, last } => spread(*first, *last, groups)?,
            Rates::Each(rates) if rates.len() != groups.len() => {
                return Err(LrError::Count { rates: rates.len(), groups: groups.to_vec() });
            }
            Rates::Each(rates) => rates.clone(),
        };
        match rates.iter().find(|lr| !(lr.is_finite() && **lr >= 0.0)) {
            Some(&lr) => Err(LrError::Rate { lr }),
            None => Ok(rates),
        }
    }
}

fn spread(first: f64, last: f64, groups: &[String]) -> Result<Vec<f64>, LrError> {
    if !(first > 0.0 && last > 0.0) {
        return Err(LrError::Ends { first, last });
    }
    let steps = match groups.len() {
        0 | 1 => return Err(LrError::OneGroup { groups: groups.to_vec() }),
        count => count - 1,
    };
    let factor = (last / first).powf(1.0 / steps as f64);
    let mut rates: Vec<_> = (0..steps).map(|step| first * factor.powi(step as i32)).collect();
    rates.push(last);
    Ok(rates)
}

/// Why learning rates were rejected.
#[derive(Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LrError {
    /// A rate is negative or not a finite number.
    #[error("the learning rate is {lr}: it must be a finite number of at least 0")]
    Rate {
        /// The rate.
        lr: f64,
    },
    /// A rate at an end of a spread is not above 0, so there is no factor between them.
    #[error("the learning rates can't be spread from {first} to {last}: both must be above 0")]
    Ends {
        /// The first group's rate.
        first: f64,
        /// The last group's.
        last: f64,
    },
    /// A spread needs several groups.
    #[error(
        "learning rates can't be spread over one group, {}: add groups with `.group(…)`, or give a single rate",
        listed(groups)
    )]
    OneGroup {
        /// The group.
        groups: Vec<String>,
    },
    /// There are not as many rates as groups.
    #[error("there are {rates} learning rates for {} groups: give one for each of {}", groups.len(), listed(groups))]
    Count {
        /// The number of rates.
        rates: usize,
        /// The groups.
        groups: Vec<String>,
    },
}

crate::error::debug_with_sources!(LrError);
