//! Metrics of numbers, and perplexity: sums over the whole set.

use tch::{Kind, Reduction, Tensor};

use super::{
    MetricError, OverSet, difference,
    over_set::{merge_tensor, over_set, state_is},
};
use crate::{batch::Target, error::BoxError, state::State};

/// Adds numbers to the sums so far.
fn added(sums: Option<&Tensor>, now: Tensor) -> Result<Tensor, BoxError> {
    Ok(match sums {
        Some(before) => before.f_add(&now)?,
        None => now,
    })
}

/// The sum of some numbers and how many there are, `[2]`, in `f64`.
fn sum_and_count(numbers: &Tensor, count: &Tensor) -> Result<Tensor, BoxError> {
    Ok(Tensor::f_stack(&[numbers.f_sum(Kind::Double)?, count.f_to_kind(Kind::Double)?], 0)?)
}

/// The mean of what was added as [`sum_and_count`].
fn mean(sums: Option<&Tensor>) -> Result<Tensor, BoxError> {
    let sums = sums.ok_or("there was no batch")?;
    Ok(sums.f_get(0)?.f_div(&sums.f_get(1)?)?)
}

/// The root of the mean squared error. scikit-learn's `root_mean_squared_error`, of all numbers together.
///
/// Output and dense target have the same shape; in a mixed target the heavier one counts.
#[derive(Debug, Default)]
pub struct Rmse {
    sums: Option<Tensor>,
}

state_is!(Rmse, sums);
over_set!(Rmse, |_| "rmse".to_owned(), less_is_better: true);

impl OverSet for Rmse {
    fn push(&mut self, output: &Tensor, target: &Target) -> Result<(), BoxError> {
        let squares = difference("Rmse", output, target)?.f_to_kind(Kind::Double)?.f_square()?;
        let count = Tensor::f_full([0_i64; 0], squares.numel() as f64, (Kind::Double, squares.device()))?;
        self.sums = Some(added(self.sums.as_ref(), sum_and_count(&squares, &count)?)?);
        Ok(())
    }

    fn value(&mut self) -> Result<Tensor, BoxError> {
        Ok(mean(self.sums.as_ref())?.f_sqrt()?)
    }

    fn reset(&mut self) {
        self.sums = None;
    }

    fn merge(&mut self, other: &State) -> Result<(), BoxError> {
        merge_tensor(&mut self.sums, other, |sums, other| Ok(sums.f_add(other)?))
    }
}

/// The share of the targets' variance that the output explains: 1 is best, and 0 is what a constant reaches. scikit-learn's `r2_score`: of several
/// columns the mean.
///
/// Output and dense target `[n]` or `[n, …]` of the same shape; in a mixed target the heavier one counts.
#[derive(Debug, Default)]
pub struct R2 {
    /// `[4, columns]`: how many items, the mean of the targets, the sum of their squared distances from it, and the sum of squared errors.
    sums: Option<Tensor>,
}

state_is!(R2, sums);
over_set!(R2, |_| "r2".to_owned(), less_is_better: false);

impl OverSet for R2 {
    fn push(&mut self, output: &Tensor, target: &Target) -> Result<(), BoxError> {
        let items = output.size().first().copied().unwrap_or(0);
        let columns = |tensor: &Tensor| tensor.f_to_kind(Kind::Double)?.f_reshape([items, -1]);
        let errors = columns(&difference("R2", output, target)?)?;
        let numbers = columns(target.heavier().map_err(MetricError::from)?.tensor())?;
        let sum = |tensor: &Tensor| tensor.f_sum_dim_intlist(0_i64, false, Kind::Double);
        let mean = numbers.f_mean_dim(0_i64, false, Kind::Double)?;
        let squares = sum(&numbers.f_sub(&mean)?.f_square()?)?;
        let now = [mean.f_full_like(items as f64)?, mean, squares, sum(&errors.f_square()?)?];
        let now = match &self.sums {
            None => now,
            Some(before) => joined(before, &now)?,
        };
        self.sums = Some(Tensor::f_stack(&now, 0)?);
        Ok(())
    }

    fn value(&mut self) -> Result<Tensor, BoxError> {
        let sums = self.sums.as_ref().ok_or("there was no batch")?;
        let (squares, errors) = (sums.f_get(2)?, sums.f_get(3)?);
        Ok(errors.f_div(&squares)?.f_neg()?.f_add_scalar(1.0)?.f_mean(Kind::Double)?)
    }

    fn reset(&mut self) {
        self.sums = None;
    }

    fn merge(&mut self, other: &State) -> Result<(), BoxError> {
        merge_tensor(&mut self.sums, other, |before, sums| {
            let now = [sums.f_get(0)?, sums.f_get(1)?, sums.f_get(2)?, sums.f_get(3)?];
            Ok(Tensor::f_stack(&joined(before, &now)?, 0)?)
        })
    }
}

/// Joins the sums of two sets without cancellation: Chan, Golub and `LeVeque`, 1979, equations 2.1.
fn joined(before: &Tensor, [count, mean, squares, errors]: &[Tensor; 4]) -> Result<[Tensor; 4], BoxError> {
    let (count_before, mean_before) = (before.f_get(0)?, before.f_get(1)?);
    let all = count_before.f_add(count)?;
    let step = mean.f_sub(&mean_before)?;
    let part = count.f_div(&all)?;
    let between = step.f_square()?.f_mul(&count_before)?.f_mul(&part)?;
    let squares = before.f_get(2)?.f_add(squares)?.f_add(&between)?;
    Ok([all, mean_before.f_add(&step.f_mul(&part)?)?, squares, before.f_get(3)?.f_add(errors)?])
}

/// The exponential of the mean cross-entropy: of how many equally likely classes the model is as uncertain.
///
/// Scores `[n, classes]` or `[n, classes, d…]`, class indices `[n]` or `[n, d…]`. The class −100 is left out.
#[derive(Debug, Default)]
pub struct Perplexity {
    sums: Option<Tensor>,
}

state_is!(Perplexity, sums);
over_set!(Perplexity, |_| "perplexity".to_owned(), less_is_better: true);

/// The class that PyTorch's losses leave out.
const LEFT_OUT: i64 = -100;

impl OverSet for Perplexity {
    fn push(&mut self, output: &Tensor, target: &Target) -> Result<(), BoxError> {
        let classes = match target.heavier().map_err(MetricError::from)? {
            Target::Classes(classes) => classes,
            other => {
                let (wanted, got) = ("class indices", other.kind_name());
                return Err(MetricError::TargetKind { metric: "Perplexity", wanted, got }.into());
            }
        };
        let scores = output.f_to_kind(Kind::Double)?;
        let losses = scores.f_cross_entropy_loss::<Tensor>(&classes, None, Reduction::None, LEFT_OUT, 0.0)?;
        let count = classes.f_ne(LEFT_OUT)?.f_sum(Kind::Double)?;
        self.sums = Some(added(self.sums.as_ref(), sum_and_count(&losses, &count)?)?);
        Ok(())
    }

    fn value(&mut self) -> Result<Tensor, BoxError> {
        Ok(mean(self.sums.as_ref())?.f_exp()?)
    }

    fn reset(&mut self) {
        self.sums = None;
    }

    fn merge(&mut self, other: &State) -> Result<(), BoxError> {
        merge_tensor(&mut self.sums, other, |sums, other| Ok(sums.f_add(other)?))
    }
}
