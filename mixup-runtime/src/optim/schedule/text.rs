//! Schedules in words.

use std::fmt;

use super::{Curve, Piece, Schedule, Shape, Span};

/// `linear 0 to 1 over 20 steps, then cosine 1 to 0`, as a learner's summary has it.
impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Piece { shape, span }) in self.0.iter().enumerate() {
            write!(f, "{}{shape}", if at > 0 { ", then " } else { "" })?;
            span.iter().try_for_each(|span| write!(f, " over {span}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ramp { from, to, .. } if from.to_bits() == to.to_bits() => write!(f, "constant {from}"),
            Self::Ramp { from, to, curve: Curve::Linear } => write!(f, "linear {from} to {to}"),
            Self::Ramp { from, to, curve: Curve::Cosine } => write!(f, "cosine {from} to {to}"),
            Self::Ramp { from, to, curve: Curve::Exponential } => write!(f, "exponential {from} to {to}"),
            Self::Step { every, factor } => write!(f, "times {factor} every {every}"),
            Self::Cycles { of, cycles: 1, .. } => write!(f, "({of:?})"),
            Self::Cycles { of, cycles, growth } => write!(f, "{cycles} cycles (growth {growth}) of ({of:?})"),
            Self::Closure(_) => f.write_str("a closure"),
        }
    }
}

/// `0.25 of the training`, `2 epochs`, `500 steps`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(part) => write!(f, "{part} of the training"),
            Self::Epochs(epochs) => write!(f, "{epochs} epochs"),
            Self::Steps(steps) => write!(f, "{steps} steps"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Schedule, Span};

    #[test]
    fn a_schedule_says_what_it_does() {
        let warm_up =
            Schedule::linear(0.0, 1.0).over(Span::Steps(20)).then(Schedule::cosine(1.0, 0.0).restarts(3, 2.0));
        let drops = Schedule::step(Span::Epochs(3.0), 0.1).over(0.5).then(Schedule::constant(0.1));
        assert_eq!(format!("{warm_up:?}"), "linear 0 to 1 over 20 steps, then 3 cycles (growth 2) of (cosine 1 to 0)");
        assert_eq!(format!("{drops:?}"), "times 0.1 every 3 epochs over 0.5 of the training, then constant 0.1");
        assert_eq!(
            format!("{:?}", drops.over(0.5)),
            "(times 0.1 every 3 epochs over 0.5 of the training, then constant 0.1) over 0.5 of the training"
        );
        assert_eq!(format!("{:?}", Schedule::of(|progress| progress)), "a closure");
    }
}
