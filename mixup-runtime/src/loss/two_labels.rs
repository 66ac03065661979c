//! The mixed negative log-likelihood of two class indices for each item, in as few steps as possible, forward and backward.
//!
//! With log-probabilities ℓ, class weights v, label smoothing ε and C classes, the loss for a label y is
//! (1−ε)·(−v[y]·ℓ[y]) + (ε/C)·Σ(−v[c]·ℓ[c]) over all classes c, or 0 if y is ignored (PyTorch's `cross_entropy`;
//! arXiv:1512.00567, section 7). The mixed loss is λ times the loss for the first label plus 1−λ times that for the second. It is
//! a weighted sum of ℓ, and no gradient flows through the weights. So for a small batch in the CPU's memory all that autograd sees
//! is one product of two vectors; for other batches it is one gather, weighted and summed.

use tch::{Device, Kind, TchError, Tensor};

use super::{
    LossError, Reduction,
    classes::{class_shape, refused},
};
use crate::{batch::read, error::BoxError};

/// Up to this many log-probabilities each get a factor that is computed here, which costs less than calling libtorch's kernels.
const FEW: usize = 16 * 1024;

/// Two labels for each item (and each position), the weight of the first, and what the loss function knows of classes.
pub(super) struct TwoLabels<'a> {
    /// The loss function's name, for messages.
    pub loss: &'static str,
    /// `[n, d…]`, i64.
    pub first: &'a Tensor,
    /// Like `first`.
    pub second: &'a Tensor,
    /// The weight of `first`, `[n]`.
    pub weight: &'a Tensor,
    /// `[classes]`.
    pub class_weight: Option<&'a Tensor>,
    /// The label to ignore.
    pub ignore_index: i64,
    /// ε.
    pub smoothing: f64,
}

impl TwoLabels<'_> {
    /// Rejects shapes that do not fit the output's, `[n, classes, d…]`.
    pub(super) fn check(&self, output: &Tensor) -> Result<(), LossError> {
        let shape = class_shape(self.loss, output, self.first)?.size();
        class_shape(self.loss, output, self.second)?;
        if self.weight.size() != shape[..1] {
            let (loss, items) = (self.loss.to_owned(), self.weight.numel());
            return Err(LossError::NotPerItem { loss, got: shape, items });
        }
        let classes = output.size()[1]; // there are at least two dimensions, since the labels fit
        match self.class_weight {
            Some(weight) if weight.size() != [classes] => {
                Err(LossError::ClassWeights { loss: self.loss, weight: weight.size(), classes })
            }
            _ => Ok(()),
        }
    }

    /// The loss of `log_probs` `[n, classes, d…]`, which [`check`](Self::check) found to fit.
    pub(super) fn loss(&self, log_probs: &Tensor, reduction: Reduction) -> Result<Tensor, BoxError> {
        let share = match reduction {
            Reduction::Mean => -1.0 / self.weight.numel() as f64,
            Reduction::Sum => -1.0,
            Reduction::None => return self.item_losses(log_probs),
        };
        // If the labels are in the CPU's memory, a few numbers are computed faster here than by libtorch's kernels.
        let at_hand = [log_probs, self.first, self.second, self.weight].iter().all(|x| x.device() == Device::Cpu);
        let plain = log_probs.dim() == 2 && matches!(log_probs.kind(), Kind::Float | Kind::Double);
        if at_hand && plain && log_probs.numel() > 0 && !self.weight.requires_grad() {
            let sum = self.weighed_sum(log_probs, share)?;
            // 0 times an infinite number is not a number, but the infinite one may belong to a label that does not count.
            if sum.f_double_value(&[])?.is_finite() {
                return Ok(sum);
            }
        }
        Ok(reduction.of(&self.item_losses(log_probs)?)?)
    }

    /// `share` times the weighted sum over all items, for log-probabilities `[n, classes]`.
    fn weighed_sum(&self, log_probs: &Tensor, share: f64) -> Result<Tensor, BoxError> {
        let classes = log_probs.numel() / self.weight.numel();
        let class_weights = self.class_weight.map(Vec::<f64>::try_from).transpose()?;
        let of_class = |class: usize| class_weights.as_ref().map_or(1.0, |weights| weights[class]);
        let labels = self.that_count(classes)?;
        let own = |class, weight| share * weight * (1.0 - self.smoothing) * of_class(class);
        let even = |class| share * self.smoothing / classes as f64 * of_class(class);
        let vector = |factors: &[f64]| numbers(factors, log_probs.kind());
        if log_probs.numel() <= FEW {
            // Each log-probability is multiplied by a factor, which is 0 for most of them.
            let mut factors = vec![0.0; log_probs.numel()];
            for (item, class, weight) in labels {
                let factors = &mut factors[item * classes..][..classes];
                factors[class] += own(class, weight);
                if self.smoothing != 0.0 {
                    factors.iter_mut().enumerate().for_each(|(class, factor)| *factor += weight * even(class));
                }
            }
            return Ok(log_probs.f_reshape(-1)?.f_dot(&vector(&factors)?)?);
        }
        let picked = |&(item, class, weight)| ((item * classes + class) as i64, own(class, weight));
        let (places, factors): (Vec<_>, Vec<_>) = labels.iter().map(picked).unzip();
        let sum = log_probs.f_take(&Tensor::f_from_slice(&places)?)?.f_dot(&vector(&factors)?)?;
        if self.smoothing == 0.0 {
            return Ok(sum);
        }
        let mut counted = vec![0.0; self.weight.numel()];
        for (item, _, weight) in labels {
            counted[item] += weight;
        }
        let even: Vec<_> = (0..classes).map(even).collect();
        Ok(sum.f_add(&log_probs.f_mv(&vector(&even)?)?.f_dot(&vector(&counted)?)?)?)
    }

    /// The item, class and weight of each label that is not ignored.
    fn that_count(&self, classes: usize) -> Result<Vec<(usize, usize, f64)>, BoxError> {
        let weights: Vec<f64> = match self.weight.kind() {
            Kind::Float => read::<f32>(self.weight)?.into_iter().map(f64::from).collect(),
            _ => Vec::<f64>::try_from(self.weight)?,
        };
        let mut labels = Vec::with_capacity(2 * weights.len());
        let pairs = read::<i64>(self.first)?.into_iter().zip(read::<i64>(self.second)?);
        for (item, ((first, second), weight)) in pairs.zip(weights).enumerate() {
            for (label, weight) in [(first, weight), (second, 1.0 - weight)] {
                if label == self.ignore_index {
                    continue;
                }
                let class = usize::try_from(label).ok().filter(|class| *class < classes);
                let class = class.ok_or(LossError::Class { loss: self.loss, class: label, classes: classes as i64 })?;
                labels.push((item, class, weight));
            }
        }
        Ok(labels)
    }

    /// The loss of each item (and position), `[n, d…]`, by libtorch's kernels and without waiting for the device.
    fn item_losses(&self, log_probs: &Tensor) -> Result<Tensor, BoxError> {
        let labels = Tensor::f_stack(&[self.first, self.second], 1)?; // [n, 2, d…]
        let ignored = labels.f_eq(self.ignore_index)?;
        let labels = labels.f_masked_fill(&ignored, 0)?;
        let shares = Tensor::f_stack(&[self.weight, &self.weight.f_rsub_scalar(1.0)?], 1)?;
        let shares = shares.f_reshape(two_for_each(&labels))?.f_to_kind(log_probs.kind())?;
        let shares = shares.f_masked_fill(&ignored, 0.0)?;
        let picked = log_probs.f_gather(1, &labels, false).map_err(|error| self.refused(log_probs, error))?;
        let class_weight = self.class_weight.map(|weight| weight.f_to_kind(log_probs.kind())).transpose()?;
        let of_labels = match &class_weight {
            Some(weight) => shares.f_mul(&weight.f_take(&labels)?)?,
            None => shares.shallow_clone(),
        };
        // An ignored label must count nothing even if its stand-in has the probability 0, whose logarithm is infinite.
        let picked = picked.f_masked_fill(&ignored, 0.0)?;
        let losses = picked.f_mul(&of_labels)?.f_sum_dim_intlist(1, false, None)?.f_neg()?;
        if self.smoothing == 0.0 {
            return Ok(losses);
        }
        let every_class = match &class_weight {
            Some(weight) => log_probs.f_mul(&classes_of(weight, log_probs)?)?,
            None => log_probs.shallow_clone(),
        };
        let every_class = every_class.f_mean_dim(1_i64, false, None)?.f_neg()?;
        let every_class = every_class.f_masked_fill(&ignored.f_all_dim(1, false)?, 0.0)?;
        let every_class = every_class.f_mul(&shares.f_sum_dim_intlist(1, false, None)?)?;
        Ok(losses.f_lerp(&every_class, self.smoothing)?)
    }

    /// Finds the label that was out of range, if that is why libtorch returned an error.
    fn refused(&self, log_probs: &Tensor, error: TchError) -> LossError {
        let of = |labels, error| refused(self.loss, log_probs, labels, self.ignore_index, error);
        match of(self.first, error) {
            LossError::Torch(error) => of(self.second, error),
            found => found,
        }
    }
}

/// The shape `[n, 2, 1, …]`, for numbers that are the same at all positions of labels `[n, 2, d…]`.
fn two_for_each(labels: &Tensor) -> Vec<i64> {
    let mut shape = labels.size();
    shape.iter_mut().skip(2).for_each(|size| *size = 1);
    shape
}

/// `[classes]` as `[1, classes, 1, …]`, for log-probabilities `[n, classes, d…]`.
fn classes_of(weight: &Tensor, log_probs: &Tensor) -> Result<Tensor, TchError> {
    let dim = |dim| if dim == 1 { -1 } else { 1 };
    weight.f_reshape((0..log_probs.dim()).map(dim).collect::<Vec<_>>())
}

/// Numbers as a tensor `[k]` of the kind `f32` or `f64`.
fn numbers(numbers: &[f64], kind: Kind) -> Result<Tensor, TchError> {
    match kind {
        Kind::Double => Tensor::f_from_slice(numbers),
        _ => Tensor::f_from_slice(&numbers.iter().map(|&number| number as f32).collect::<Vec<_>>()),
    }
}
