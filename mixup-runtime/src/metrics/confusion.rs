//! The confusion matrix, and what follows from it: precision, recall, F-beta. The numbers are those of scikit-learn.

use tch::{Device, Kind, TchError, Tensor};

use super::{
    MetricError, ONE, OverSet,
    over_set::{merge_tensor, over_set, state_is},
};
use crate::{batch::Target, error::BoxError, state::State};

/// How often each class was taken for which, counted on the device.
///
/// ```
/// use mixup::{batch::Target, metrics::{ConfusionMatrix, OverSet}};
/// use tch::Tensor;
///
/// let scores = Tensor::from_slice(&[0.9_f32, 0.1, 0.2, 0.8, 0.7, 0.3]).reshape([3, 2]); // classes 0, 1, 0
/// let mut confusion = ConfusionMatrix::default();
/// confusion.push(&scores, &Target::from(Tensor::from_slice(&[0_i64, 1, 1])))?;
/// assert_eq!(confusion.counts(), [[1, 0], [1, 1]]); // a row for each right class
/// # Ok::<(), mixup::metrics::MetricError>(())
/// ```
#[derive(Debug, Default)]
pub struct ConfusionMatrix {
    /// `[classes, classes]`, `i64`: a row for each right class, a column for each guessed one.
    counts: Option<Tensor>,
}

state_is!(ConfusionMatrix, counts);

impl ConfusionMatrix {
    /// Counts a batch: scores `[n, classes]` or `[n, classes, d…]`, and class indices `[n]` or `[n, d…]`, or dense targets of the scores' shape, whose
    /// highest value is the class. In a mixed target the heavier one counts.
    ///
    /// # Errors
    /// If the shapes do not fit, for several targets, or for a class without a score.
    pub fn push(&mut self, output: &Tensor, target: &Target) -> Result<(), MetricError> {
        let (guess, right) = guess_and_right("a confusion matrix", output, target)?;
        let classes = output.size()[1];
        let pairs = right.f_mul_scalar(classes)?.f_add(&guess)?.f_flatten(0, -1)?;
        let counts = match &self.counts {
            Some(counts) if counts.size() == [classes, classes] => counts.shallow_clone(),
            _ => Tensor::f_zeros([classes, classes], (Kind::Int64, output.device()))?,
        };
        let added = counts.f_flatten(0, -1)?.f_index_add(0, &pairs, &pairs.f_ones_like()?)?;
        self.counts = Some(added.f_reshape([classes, classes])?);
        Ok(())
    }

    /// The counts `[classes, classes]`, `i64`, on the device: a row for each right class, a column for each guessed one. `None` before the first batch.
    #[must_use]
    pub fn tensor(&self) -> Option<&Tensor> {
        self.counts.as_ref()
    }

    /// The counts, row by row. Waits for the device. Empty before the first batch.
    #[must_use]
    pub fn counts(&self) -> Vec<Vec<i64>> {
        let rows = self.counts.as_ref().map(|counts| Vec::<Vec<i64>>::try_from(counts.to_device(Device::Cpu)));
        rows.and_then(Result::ok).unwrap_or_default()
    }

    /// Forgets all batches.
    pub fn reset(&mut self) {
        self.counts = None;
    }

    /// Adds the counts of another matrix, whose state this is.
    fn merge(&mut self, other: &State) -> Result<(), BoxError> {
        merge_tensor(&mut self.counts, other, |counts, other| Ok(counts.f_add(other)?))
    }

    /// Of each class: how often it was guessed rightly, guessed at all, and right at all.
    fn sums(&self) -> Result<[Tensor; 3], BoxError> {
        let counts = self.counts.as_ref().ok_or("there was no batch")?.f_to_kind(Kind::Double)?;
        let sum = |dim: i64| counts.f_sum_dim_intlist(dim, false, Kind::Double);
        Ok([counts.f_diagonal(0, 0, 1)?, sum(0)?, sum(1)?])
    }
}

/// The guessed and the right classes, `[n]` or `[n, d…]`.
pub(super) fn guess_and_right(
    metric: &'static str,
    output: &Tensor,
    target: &Target,
) -> Result<(Tensor, Tensor), MetricError> {
    let target = target.heavier()?;
    let shapes = || MetricError::Shapes {
        wanted: "scores `[n, classes, d…]` and class indices `[n, d…]`, or dense targets of the scores' shape",
        output: output.size(),
        target: target.tensor().size(),
    };
    if let Target::Several(_) | Target::Mixed { .. } = target {
        return Err(MetricError::TargetKind { metric, wanted: ONE, got: target.kind_name() });
    }
    if output.dim() < 2 {
        return Err(shapes());
    }
    let guess = output.f_argmax(1, false)?;
    let right = match &target {
        Target::Classes(classes) if classes.size() == guess.size() => classes.shallow_clone(),
        Target::Dense(dense) if dense.size() == output.size() => dense.f_argmax(1, false)?,
        _ => return Err(shapes()),
    };
    Ok((guess, right))
}

/// How the numbers of the classes become one, under scikit-learn's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Average {
    /// The mean over the classes that occur, among the right ones or the guessed ones.
    #[default]
    Macro,
    /// From the counts of all classes together.
    Micro,
    /// The mean over the classes, weighted by how often each is right.
    Weighted,
    /// Of this class alone: `Class(1)` is scikit-learn's `binary`.
    Class(usize),
}

impl Average {
    /// `share(right guesses, guesses, right ones)` is the number of a class. A class without any has 0.
    fn of(
        self,
        confusion: &ConfusionMatrix,
        share: impl Fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor, TchError>,
    ) -> Result<Tensor, BoxError> {
        let [hits, guessed, right] = confusion.sums()?;
        let total = |tensor: &Tensor| tensor.f_sum(Kind::Double);
        if self == Self::Micro {
            return Ok(share(&total(&hits)?, &total(&guessed)?, &total(&right)?)?);
        }
        let shares = share(&hits, &guessed, &right)?;
        let weights = match self {
            Self::Weighted => right,
            Self::Class(class) if (class as i64) < shares.size()[0] => return Ok(shares.f_get(class as i64)?),
            Self::Class(class) => {
                return Err(format!("there is no class {class}: the output has {} classes", shares.size()[0]).into());
            }
            Self::Macro | Self::Micro => guessed.f_add(&right)?.f_gt(0.0)?.f_to_kind(Kind::Double)?,
        };
        Ok(total(&shares.f_mul(&weights)?)?.f_div(&total(&weights)?)?)
    }
}

/// Defines a metric that follows from the confusion matrix.
macro_rules! of_confusion {
    ($(#[$doc:meta])* $metric:ident, $name:expr, $share:expr) => {
        state_is!($metric, confusion);
        over_set!($metric, $name, less_is_better: false);

        impl OverSet for $metric {
            fn push(&mut self, output: &Tensor, target: &Target) -> Result<(), BoxError> {
                Ok(self.confusion.push(output, target)?)
            }

            fn value(&mut self) -> Result<Tensor, BoxError> {
                let share: fn(&Self, &Tensor, &Tensor, &Tensor) -> Result<Tensor, TchError> = $share;
                self.average.of(&self.confusion, |hits, guessed, right| share(self, hits, guessed, right))
            }

            fn reset(&mut self) {
                self.confusion.reset();
            }

            fn merge(&mut self, other: &State) -> Result<(), BoxError> {
                self.confusion.merge(other)
            }
        }
    };
}

/// The share of right guesses among all guesses of a class: how far a guess can be trusted. scikit-learn's `precision_score`.
#[derive(Debug, Default)]
pub struct Precision {
    average: Average,
    confusion: ConfusionMatrix,
}

impl Precision {
    /// With this average over the classes; the default is [`Average::Macro`].
    #[must_use]
    pub fn new(average: Average) -> Self {
        Self { average, ..Self::default() }
    }
}

of_confusion!(Precision, |_| "precision".to_owned(), |_, hits, guessed, _| hits.f_div(&guessed.f_clamp_min(1.0)?));

/// The share of items of a class that were guessed rightly: how much of it is found. scikit-learn's `recall_score`.
#[derive(Debug, Default)]
pub struct Recall {
    average: Average,
    confusion: ConfusionMatrix,
}

impl Recall {
    /// With this average over the classes; the default is [`Average::Macro`].
    #[must_use]
    pub fn new(average: Average) -> Self {
        Self { average, ..Self::default() }
    }
}

of_confusion!(Recall, |_| "recall".to_owned(), |_, hits, _, right| hits.f_div(&right.f_clamp_min(1.0)?));

/// The weighted harmonic mean of precision and recall; recall counts β times as much. scikit-learn's `fbeta_score` and `f1_score`.
#[derive(Debug)]
pub struct FBeta {
    beta: f64,
    average: Average,
    confusion: ConfusionMatrix,
}

impl FBeta {
    /// With this β and average over the classes. The metric's name is `f1` for a β of 1.
    #[must_use]
    pub fn new(beta: f64, average: Average) -> Self {
        Self { beta, average, confusion: ConfusionMatrix::default() }
    }

    /// F1: precision and recall count the same.
    #[must_use]
    pub fn f1(average: Average) -> Self {
        Self::new(1.0, average)
    }
}

of_confusion!(FBeta, |it| format!("f{}", it.beta), |it, hits, guessed, right| {
    let squared = it.beta.powi(2);
    // If the denominator is below 1, there are no hits.
    let denominator = right.f_mul_scalar(squared)?.f_add(guessed)?.f_clamp_min(f64::MIN_POSITIVE)?;
    hits.f_mul_scalar(1.0 + squared)?.f_div(&denominator)
});
