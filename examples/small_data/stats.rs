//! Means over seeds, and the paired t-test: Student, "The Probable Error of a Mean", Biometrika 6 (1908).

use std::error::Error;

use statrs::{
    distribution::{ContinuousCDF as _, StudentsT},
    statistics::Statistics as _,
};

/// A quantity over the seeds.
pub struct Over {
    pub mean: f64,
    /// The sample's standard deviation, with n − 1.
    pub deviation: f64,
    /// The mean's standard error, s / √n.
    pub error: f64,
}

impl Over {
    pub fn of(values: &[f64]) -> Self {
        let (mean, deviation) = (values.mean(), values.std_dev());
        Self { mean, deviation, error: deviation / (values.len() as f64).sqrt() }
    }
}

/// The difference between two arms, seed by seed.
pub struct Paired {
    pub difference: Over,
    /// The mean difference divided by its standard error.
    pub t: f64,
    /// The probability of a t at least this far from 0, on either side, if there were no difference.
    pub p: f64,
}

impl Paired {
    pub fn of(values: &[f64], against: &[f64]) -> Result<Self, Box<dyn Error>> {
        let differences: Vec<_> = values.iter().zip(against).map(|(value, other)| value - other).collect();
        let difference = Over::of(&differences);
        let t = difference.mean / difference.error;
        let student = StudentsT::new(0.0, 1.0, differences.len() as f64 - 1.0)?;
        // If all differences are equal, t is not finite and p is undefined.
        let p = if t.is_finite() { 2.0 * student.sf(t.abs()) } else { f64::NAN };
        Ok(Self { difference, t, p })
    }
}
