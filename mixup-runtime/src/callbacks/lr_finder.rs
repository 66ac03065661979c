//! A sweep over learning rates, and what it suggests.
//!
//! Source: fastai v2, `LRFinder`, `valley` and `steep` (`fastai/callback/schedule.py`), after Smith, arXiv:1506.01186.

use std::fmt;

use mixup_macros::callback;

use crate::{
    callback::{SkipValidation, StopTraining},
    optim::{Optimizer, SettingError},
    plots::Chart,
};

/// Multiplies the learning rate by the same factor at each step of the optimizer, and records the loss:
/// [`lr_find`](crate::learner::Learner::lr_find) trains with it and brings everything back afterwards.
///
/// A callback that writes somewhere, such as a logger, leaves out the sweep if it asks for `finder: Option<&LrFinder>` and does
/// nothing if there is one.
#[derive(Clone, Debug)]
pub struct LrFinder {
    from: f64,
    to: f64,
    steps: usize,
    stops: bool,
    curve: LrCurve,
}

/// From 1e-7 to 10 in 100 steps, as in fastai.
impl Default for LrFinder {
    fn default() -> Self {
        Self { from: 1e-7, to: 10.0, steps: 100, stops: true, curve: LrCurve::default() }
    }
}

impl LrFinder {
    /// The first rate and the one after the last. Default to 1e-7 and 10.
    #[must_use]
    pub fn between(self, from: f64, to: f64) -> Self {
        Self { from, to, ..self }
    }

    /// How many steps of the optimizer there are. Defaults to 100.
    #[must_use]
    pub fn steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// Whether the sweep ends when the smoothed loss is more than four times its minimum. Defaults to true. It always ends at a
    /// loss that is not finite.
    #[must_use]
    pub fn stop_at_divergence(self, stops: bool) -> Self {
        Self { stops, ..self }
    }

    /// How many steps there are at most.
    pub(crate) fn most(&self) -> usize {
        self.steps
    }

    /// What was found so far.
    #[must_use]
    pub fn curve(&self) -> LrCurve {
        LrCurve { skipped: self.steps / 10, ..self.curve.clone() }
    }

    fn diverges(&self, loss: f64) -> bool {
        let best = self.curve.losses.iter().copied().fold(loss, f64::min);
        !loss.is_finite() || self.stops && loss > 4.0 * best
    }
}

#[callback(crate = crate, order = 900, describe(from, to, steps), stateless)]
impl LrFinder {
    fn on_train_begin(&self) -> Result<(), SettingError> {
        let refused = |name, value| Err(SettingError { name, value, wanted: "above 0 and finite", group: None });
        let fits = |lr: f64| lr > 0.0 && lr.is_finite();
        match (fits(self.from), fits(self.to)) {
            (false, _) => refused("first learning rate in a sweep", self.from),
            (_, false) => refused("last learning rate in a sweep", self.to),
            _ => Ok(()),
        }
    }

    #[on(batch_begin, train)]
    fn set(&self, opt: &mut dyn Optimizer) {
        let progress = self.curve.lrs.len() as f64 / self.steps.max(1) as f64;
        opt.set_lr(self.from * (self.to / self.from).powf(progress));
    }

    #[on(step_end, if = stepped)]
    fn look(&mut self, opt: &dyn Optimizer, smooth_loss: f64) -> Option<StopTraining> {
        if smooth_loss.is_finite() {
            self.curve.lrs.push(opt.lr());
            self.curve.losses.push(smooth_loss);
        }
        let done = self.curve.lrs.len() >= self.steps;
        (done || self.diverges(smooth_loss)).then(|| StopTraining::because("the sweep over learning rates is complete"))
    }

    fn on_validate_begin() -> SkipValidation {
        SkipValidation
    }
}

/// The smoothed loss at each learning rate of a sweep, to be plotted with a logarithmic axis of rates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LrCurve {
    /// The rates, rising.
    pub lrs: Vec<f64>,
    /// The smoothed loss after the step with each rate.
    pub losses: Vec<f64>,
    /// How many of the first numbers suggestions leave out: the smoothed loss has not settled.
    skipped: usize,
}

/// How many of the last numbers suggestions leave out: the loss explodes there.
const EXPLODES: usize = 5;

impl LrCurve {
    /// A curve of a sweep of 100 steps that was made elsewhere.
    #[must_use]
    pub fn of(lrs: Vec<f64>, losses: Vec<f64>) -> Self {
        Self { lrs, losses, skipped: 10 }
    }

    /// The rates and losses from which suggestions are made: without the first tenth and the last five, as in fastai.
    fn trimmed(&self) -> (&[f64], &[f64]) {
        let end = self.lrs.len().min(self.losses.len()).saturating_sub(EXPLODES);
        let of = |all| <[f64]>::get(all, self.skipped..end).unwrap_or_default();
        (of(&self.lrs), of(&self.losses))
    }

    /// A rate a bit past the middle of the longest fall of the loss: fastai's default suggestion. `None` if the sweep was too
    /// short.
    #[must_use]
    pub fn valley(&self) -> Option<f64> {
        let (lrs, losses) = self.trimmed();
        // The length of the longest falling subsequence that ends at each number.
        let mut falls: Vec<usize> = Vec::with_capacity(losses.len());
        for (at, loss) in losses.iter().enumerate() {
            let before = losses.iter().zip(&falls).take(at).filter(|(earlier, _)| loss < *earlier);
            falls.push(1 + before.map(|(_, fall)| *fall).max().unwrap_or(0));
        }
        let longest = *falls.iter().max()?;
        let end = falls.iter().position(|fall| *fall == longest)?;
        lrs.get((end + longest / 3 + longest / 6).saturating_sub(longest)).copied()
    }

    /// The losses over the rates as a plot, with the suggestions: `found.plot().save("rates.png")?`. It leaves out the last five, as fastai's does:
    /// the loss explodes there, and would hide all others.
    #[must_use]
    pub fn plot(&self) -> Chart {
        let shown = self.lrs.len().saturating_sub(EXPLODES).max(EXPLODES.min(self.lrs.len()));
        let points = self.lrs.iter().copied().zip(self.losses.iter().copied()).take(shown);
        let chart = Chart::new("learning rate", "smoothed loss").log_x().line("loss", points);
        let suggestions = [("valley", self.valley()), ("steepest", self.steepest())];
        suggestions.into_iter().fold(chart, |chart, (name, lr)| match lr {
            Some(lr) => chart.mark(format!("{name} {lr:.1e}"), lr),
            None => chart,
        })
    }

    /// The rate at which the loss falls fastest over the logarithm of the rate. `None` if the sweep was too short.
    #[must_use]
    pub fn steepest(&self) -> Option<f64> {
        let (lrs, losses) = self.trimmed();
        let slopes = lrs.windows(2).zip(losses.windows(2)).filter_map(|(lrs, losses)| match (lrs, losses) {
            ([lr, next_lr], [loss, next_loss]) => Some(((next_loss - loss) / (next_lr.ln() - lr.ln()), *lr)),
            _ => None,
        });
        slopes.min_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, lr)| lr)
    }
}

/// `valley 2.1e-3, steepest 6.3e-3`.
impl fmt::Display for LrCurve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.valley(), self.steepest()) {
            (Some(valley), Some(steepest)) => write!(f, "valley {valley:.1e}, steepest {steepest:.1e}"),
            _ => write!(f, "too few steps for a suggestion: {}", self.lrs.len()),
        }
    }
}
