//! Metrics of the order of scores: top-k and the area under the ROC curve. The numbers are those of scikit-learn.

use tch::{Kind, TchError, Tensor};

use super::{
    Metric, MetricError, OverSet,
    over_set::{of_state, over_set, state_is},
};
use crate::{batch::Target, error::BoxError, state::State};

/// The share of items whose right class is among the k highest scores: `TopK(5)`, under the name `top_5`. scikit-learn's `top_k_accuracy_score`.
///
/// Scores `[n, classes]`, class indices `[n]`. In a mixed target the heavier one counts.
#[derive(Clone, Copy, Debug)]
pub struct TopK(pub usize);

impl Metric for TopK {
    fn measure(&self, output: &Tensor, target: &Target) -> Result<Tensor, BoxError> {
        let right = classes("TopK", output, target)?;
        let classes = output.size()[1];
        let (_, highest) = output.f_topk((self.0 as i64).clamp(1, classes), 1, true, false)?;
        Ok(highest.f_eq_tensor(&right.f_unsqueeze(1)?)?.f_any_dim(1, false)?.f_mean(Kind::Float)?)
    }

    fn name(&self) -> String {
        format!("top_{}", self.0)
    }

    fn less_is_better(&self) -> Option<bool> {
        Some(false)
    }
}

/// The class indices `[n]` for scores `[n, classes]`.
fn classes(metric: &'static str, output: &Tensor, target: &Target) -> Result<Tensor, MetricError> {
    match target.heavier()? {
        Target::Classes(classes) if output.dim() == 2 && classes.size() == output.size()[..1] => Ok(classes),
        Target::Classes(classes) => Err(MetricError::Shapes {
            wanted: "scores `[n, classes]` and class indices `[n]`",
            output: output.size(),
            target: classes.size(),
        }),
        other => Err(MetricError::TargetKind { metric, wanted: "class indices", got: other.kind_name() }),
    }
}

/// The area under the ROC curve: the probability that an item of a class has a higher score for it than an item of another class.
///
/// - Scores `[n, 2]` with class indices `[n]`, or scores `[n]` or `[n, 1]` with dense targets 0 and 1 of the same shape: of the class 1.
/// - Scores `[n, classes]`: the mean over the classes, each against all others (scikit-learn's `multi_class="ovr"`) by its softmax.
///
/// NaN if there are no items of a class, or only such. It keeps all scores until the end of the validation.
#[derive(Debug, Default)]
pub struct RocAuc {
    /// Of each batch `[n, 1]` or `[n, classes]`, in `f64`: the scores, and 1 where the class is right.
    batches: Vec<Tensor>,
}

state_is!(RocAuc, batches);
over_set!(RocAuc, |_| "roc_auc".to_owned(), less_is_better: false);

impl OverSet for RocAuc {
    fn push(&mut self, output: &Tensor, target: &Target) -> Result<(), BoxError> {
        let output = output.f_detach()?.f_to_kind(Kind::Double)?;
        let (scores, right) = match target.heavier()? {
            Target::Dense(dense) if dense.size() == output.size() && output.numel() == target.items() => {
                (output.f_reshape([-1, 1])?, dense.f_reshape([-1, 1])?.f_to_kind(Kind::Double)?)
            }
            target => {
                let right = classes("RocAuc", &output, &target)?;
                let (scores, of_classes) = (output.f_log_softmax(1, Kind::Double)?, output.size()[1]);
                let right = right.f_one_hot(of_classes)?.f_to_kind(Kind::Double)?;
                match of_classes {
                    // The difference has no ties where a probability is 1 to the last bit.
                    2 => (output.f_narrow(1, 1, 1)?.f_sub(&output.f_narrow(1, 0, 1)?)?, right.f_narrow(1, 1, 1)?),
                    _ => (scores, right),
                }
            }
        };
        self.batches.push(Tensor::f_stack(&[scores, right], 0)?);
        Ok(())
    }

    fn value(&mut self) -> Result<Tensor, BoxError> {
        let all = Tensor::f_cat(&self.batches, 1)?;
        let (scores, right) = (all.f_get(0)?, all.f_get(1)?);
        let of = |class| area(&scores.f_select(1, class)?, &right.f_select(1, class)?);
        let areas = (0..scores.size()[1]).map(of).collect::<Result<Vec<_>, TchError>>()?;
        Ok(Tensor::f_stack(&areas, 0)?.f_mean(Kind::Double)?)
    }

    fn reset(&mut self) {
        self.batches.clear();
    }

    fn merge(&mut self, other: &State) -> Result<(), BoxError> {
        self.batches.extend(of_state::<Vec<Tensor>>(other)?);
        Ok(())
    }
}

/// The area for scores and truths `[n]`: from the sum of the ranks (Mann and Whitney, 1947), where equal scores have their mean rank.
fn area(scores: &Tensor, right: &Tensor) -> Result<Tensor, TchError> {
    let (scores, right) = (scores.f_contiguous()?, right.f_contiguous()?);
    let (sorted, _) = scores.f_sort(0, false)?;
    let rank = |from_right: bool| {
        let none = None::<Tensor>;
        scores.f_searchsorted(&sorted, false, from_right, if from_right { "right" } else { "left" }, none)
    };
    let ranks = rank(false)?.f_add(&rank(true)?)?.f_to_kind(Kind::Double)?.f_add_scalar(1.0)?.f_mul_scalar(0.5)?;
    let positive = right.f_sum(Kind::Double)?;
    let negative = positive.f_neg()?.f_add_scalar(right.size()[0] as f64)?;
    let least = positive.f_mul(&positive.f_add_scalar(1.0)?)?.f_mul_scalar(0.5)?;
    ranks.f_mul(&right)?.f_sum(Kind::Double)?.f_sub(&least)?.f_div(&positive.f_mul(&negative)?)
}
