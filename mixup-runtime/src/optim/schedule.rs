//! Schedules: numbers as functions of how far a training is, as values that can be looked at before the training.
//!
//! Sources of the curves: fastai's `SchedLin`, `SchedCos`, `SchedExp` and `combine_scheds` (`fastai/callback/schedule.py`), and PyTorch's
//! `LinearLR`, `CosineAnnealingLR`, `CosineAnnealingWarmRestarts`, `StepLR` and `SequentialLR` (`torch/optim/lr_scheduler.py`).

mod text;

use std::{f64::consts::PI, sync::Arc};

use crate::plots::Chart;

/// A number as a function of how far a training is: a factor on the learning rate, or a momentum.
///
/// Schedules are composed: [`over`](Self::over) sets how long one takes, and [`then`](Self::then) appends another one. Schedules without a length of
/// their own share what is left of the training.
///
/// ```
/// use mixup::optim::{Length, Schedule, Span};
///
/// let warm_up_then_cosine = Schedule::linear(0.0, 1.0).over(Span::Steps(4)).then(Schedule::cosine(1.0, 0.0));
/// let values = warm_up_then_cosine.values(Length::new(2, 6))?; // 2 epochs of 6 batches, to be plotted
/// assert_eq!(values[..5], [0.0, 0.25, 0.5, 0.75, 1.0]);
/// assert!((values[8] - 0.5).abs() < 1e-12); // half-way from the 4th to the 12th step
///
/// let warm_restarts = Schedule::cosine(1.0, 0.0).restarts(3, 2.0); // each cycle is twice as long as the one before
/// let as_in_resnet = Schedule::step(Span::Epochs(30.0), 0.1);
/// let closure = Schedule::of(|progress| (1.0 - progress).powi(2));
/// assert_eq!(closure.values(Length::new(1, 4))?, [1.0, 0.5625, 0.25, 0.0625]);
/// # let _ = (warm_restarts, as_in_resnet);
/// # Ok::<(), mixup::optim::ScheduleError>(())
/// ```
#[derive(Clone)]
pub struct Schedule(Vec<Piece>);

/// A part of a schedule, with its length if it has one of its own.
#[derive(Clone)]
struct Piece {
    shape: Shape,
    span: Option<Span>,
}

#[derive(Clone)]
enum Shape {
    Ramp { from: f64, to: f64, curve: Curve },
    Step { every: Span, factor: f64 },
    Cycles { of: Schedule, cycles: usize, growth: f64 },
    Closure(Arc<dyn Fn(f64) -> f64 + Send + Sync>),
}

#[derive(Clone, Copy)]
enum Curve {
    Linear,
    Cosine,
    Exponential,
}

/// How long a part of a schedule takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Span {
    /// A part of the whole, from 0 to 1. A plain number is such a part: `.over(0.25)`.
    Part(f64),
    /// Epochs.
    Epochs(f64),
    /// Steps of the optimizer. With [`Accumulate`](crate::callbacks::Accumulate) a step takes several batches.
    Steps(usize),
}

impl From<f64> for Span {
    fn from(part: f64) -> Self {
        Self::Part(part)
    }
}

/// The length of a training, on which a schedule depends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Length {
    batches: f64,
    per_epoch: f64,
    per_step: f64,
}

impl Length {
    /// A training of some epochs with some batches each, with a step after each batch.
    #[must_use]
    pub fn new(epochs: usize, batches: usize) -> Self {
        Self { batches: epochs as f64 * batches as f64, per_epoch: batches as f64, per_step: 1.0 }
    }

    /// The same with a step after so many batches.
    #[must_use]
    pub fn accumulated(self, batches: usize) -> Self {
        Self { per_step: batches.max(1) as f64, ..self }
    }

    fn of(&self, span: Span) -> f64 {
        match span {
            Span::Part(part) => part * self.batches,
            Span::Epochs(epochs) => epochs * self.per_epoch,
            Span::Steps(steps) => steps as f64 * self.per_step,
        }
    }
}

impl Schedule {
    fn one(shape: Shape) -> Self {
        Self(vec![Piece { shape, span: None }])
    }

    fn ramp(from: f64, to: f64, curve: Curve) -> Self {
        Self::one(Shape::Ramp { from, to, curve })
    }

    /// Always the same number.
    #[must_use]
    pub fn constant(number: f64) -> Self {
        Self::linear(number, number)
    }

    /// From one number to another along a straight line.
    #[must_use]
    pub fn linear(from: f64, to: f64) -> Self {
        Self::ramp(from, to, Curve::Linear)
    }

    /// From one number to another along half a wave of the cosine: slowly at both ends.
    #[must_use]
    pub fn cosine(from: f64, to: f64) -> Self {
        Self::ramp(from, to, Curve::Cosine)
    }

    /// From one number to another, each step by the same factor. Both must be above 0.
    #[must_use]
    pub fn exponential(from: f64, to: f64) -> Self {
        Self::ramp(from, to, Curve::Exponential)
    }

    /// Begins with 1 and is multiplied by `factor` after each span: `Schedule::step(Span::Epochs(30.0), 0.1)`.
    #[must_use]
    pub fn step(every: impl Into<Span>, factor: f64) -> Self {
        Self::one(Shape::Step { every: every.into(), factor })
    }

    /// A function of the progress, which goes from 0 to 1.
    #[must_use]
    pub fn of(function: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Self {
        Self::one(Shape::Closure(Arc::new(function)))
    }

    /// The schedule in this time, instead of all that is left of the training: a part of it (`0.25`), `Span::Epochs(2.0)` or `Span::Steps(500)`.
    #[must_use]
    pub fn over(self, span: impl Into<Span>) -> Self {
        let span = Some(span.into());
        match <[Piece; 1]>::try_from(self.0) {
            Ok([piece]) => Self(vec![Piece { span, ..piece }]),
            Err(several) => {
                Self(vec![Piece { shape: Shape::Cycles { of: Self(several), cycles: 1, growth: 1.0 }, span }])
            }
        }
    }

    /// This schedule, and then another one.
    #[must_use]
    pub fn then(mut self, next: Self) -> Self {
        self.0.extend(next.0);
        self
    }

    /// The schedule several times from its beginning. Each cycle is `growth` times as long as the one before: 1 for equal cycles.
    #[must_use]
    pub fn restarts(self, cycles: usize, growth: f64) -> Self {
        Self::one(Shape::Cycles { of: self, cycles, growth })
    }

    /// The number for each step of a training of this length, for a plot before the training.
    ///
    /// # Errors
    /// A [`ScheduleError`] if a setting is out of range.
    pub fn values(&self, length: Length) -> Result<Vec<f64>, ScheduleError> {
        self.check()?;
        let steps = (length.batches / length.per_step).ceil() as usize;
        Ok((0..steps).map(|step| self.at(step as f64 * length.per_step, length)).collect())
    }

    /// The numbers of a training of this length as a plot: `schedule.plot(Length::new(8, 100))?.save("schedule.png")?`.
    ///
    /// # Errors
    /// As for [`values`](Self::values).
    pub fn plot(&self, length: Length) -> Result<Chart, ScheduleError> {
        Ok(Chart::new("step of the optimizer", "factor or momentum").numbers("schedule", &self.values(length)?))
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// A [`ScheduleError`] if one is out of range.
    pub fn check(&self) -> Result<(), ScheduleError> {
        self.0.iter().try_for_each(|Piece { shape, span }| {
            span.map_or(Ok(()), check_span)?;
            match shape {
                Shape::Ramp { from, to, curve: Curve::Exponential } if !(*from > 0.0 && *to > 0.0) => {
                    Err(ScheduleError::Exponential { from: *from, to: *to })
                }
                Shape::Step { every, .. } => check_span(*every),
                Shape::Cycles { of, cycles, growth } if *cycles > 0 && *growth > 0.0 && growth.is_finite() => {
                    of.check()
                }
                Shape::Cycles { cycles, growth, .. } => {
                    Err(ScheduleError::Restarts { cycles: *cycles, growth: *growth })
                }
                Shape::Ramp { .. } | Shape::Closure(_) => Ok(()),
            }
        })
    }

    /// The number after so many batches.
    pub(crate) fn at(&self, batches: f64, length: Length) -> f64 {
        let own = |piece: &Piece| piece.span.map(|span| length.of(span));
        let taken: f64 = self.0.iter().filter_map(own).sum();
        let sharing = self.0.iter().filter(|piece| piece.span.is_none()).count().max(1);
        let share = ((length.batches - taken) / sharing as f64).max(0.0);
        let (mut begin, mut number) = (0.0, 1.0);
        for piece in &self.0 {
            let span = own(piece).unwrap_or(share);
            if begin > batches {
                break;
            }
            number = piece.shape.at(batches - begin, Length { batches: span, ..length });
            begin += span;
        }
        number
    }
}

impl Shape {
    /// The number after so many batches of this part, whose length is `length`. After its end, the last one.
    fn at(&self, batches: f64, length: Length) -> f64 {
        let progress = if length.batches > 0.0 { (batches / length.batches).min(1.0) } else { 1.0 };
        match self {
            Self::Ramp { from, to, curve: Curve::Linear } => from + (to - from) * progress,
            Self::Ramp { from, to, curve: Curve::Cosine } => from + (to - from) * (1.0 - (PI * progress).cos()) / 2.0,
            Self::Ramp { from, to, curve: Curve::Exponential } => from * (to / from).powf(progress),
            // A span of 0.1 epochs may not be a whole number of batches to the last bit.
            Self::Step { every, factor } => factor.powf((batches / length.of(*every) + 1e-9).floor()),
            Self::Cycles { of, cycles, growth } => {
                let sum: f64 = (0..*cycles).map(|cycle| growth.powi(cycle as i32)).sum();
                let (mut begin, mut span) = (0.0, length.batches / sum);
                for _ in 1..*cycles {
                    if begin + span > batches + 1e-9 {
                        break;
                    }
                    begin += span;
                    span *= growth;
                }
                of.at((batches - begin).max(0.0), Length { batches: span, ..length })
            }
            Self::Closure(function) => function(progress),
        }
    }
}

fn check_span(span: Span) -> Result<(), ScheduleError> {
    let fits = match span {
        Span::Part(part) => part > 0.0 && part <= 1.0,
        Span::Epochs(epochs) => epochs > 0.0 && epochs.is_finite(),
        Span::Steps(steps) => steps > 0,
    };
    if fits { Ok(()) } else { Err(ScheduleError::Span { span }) }
}

/// Why a schedule was rejected.
#[derive(Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// A span is out of range.
    #[error("a schedule takes {span}: a part must be above 0 and at most 1, and epochs and steps must be above 0")]
    Span {
        /// The span.
        span: Span,
    },
    /// The numbers between which there is to be a factor are not above 0.
    #[error("a schedule can't be exponential from {from} to {to}: both must be above 0")]
    Exponential {
        /// The first number.
        from: f64,
        /// The last number.
        to: f64,
    },
    /// The restarts are out of range.
    #[error(
        "a schedule has {cycles} cycles, each {growth} times as long as the one before: there must be at least one, and the factor must be above 0"
    )]
    Restarts {
        /// How many cycles.
        cycles: usize,
        /// The factor.
        growth: f64,
    },
    /// A number is not finite.
    #[error("a schedule is {number} after {batches} batches: its numbers must be finite")]
    NotFinite {
        /// The number.
        number: f64,
        /// How many batches had been trained when the optimizer took its last step.
        batches: usize,
    },
    /// Nothing bounds the batches of an epoch, so that nothing is known of how far the training is.
    #[error("a schedule needs to know how many batches an epoch has: bound the stream with `batches_per_epoch(…)`")]
    Unbounded,
}

crate::error::debug_with_sources!(ScheduleError);
