//! The gradients of a model's parameters, by name.

use tch::{Device, Kind, TchError, Tensor};

use super::squares::sum_of_squares;

/// The gradients of the trainable parameters after the backward pass.
#[derive(Debug)]
pub struct Gradients {
    pub(super) of: Vec<(String, Tensor)>,
}

impl Gradients {
    /// Each gradient with its parameter's name. A parameter that the loss does not depend on has no gradient and is left out.
    /// The optimizer sees a change in place.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Tensor)> {
        self.of.iter().map(|(name, tensor)| (name.as_str(), tensor.grad())).filter(|(_, grad)| grad.defined())
    }

    /// The Euclidean norm of all gradients, taken as one vector. Waits for the device.
    ///
    /// # Errors
    /// Any error from libtorch.
    pub fn norm(&self) -> Result<f64, TchError> {
        self.norm_tensor()?.f_double_value(&[])
    }

    /// The [`norm`](Self::norm) as a tensor `[]` on the gradients' device, without waiting for it; 0 if there are no gradients. It is of the
    /// gradients' kind, or `f32` if that is of half precision. On the CPU it takes one pass over the gradients.
    ///
    /// # Errors
    /// Any error from libtorch.
    pub fn norm_tensor(&self) -> Result<Tensor, TchError> {
        let (mut sum, mut kind, mut elsewhere) = (0.0, None, Vec::new());
        for (_, grad) in self.iter() {
            match sum_of_squares(&grad) {
                Some(squares) => {
                    sum += squares;
                    kind = kind.or(Some(grad.f_kind()?));
                }
                None => elsewhere.push(grad.f_norm()?),
            }
        }
        let half = matches!(kind, Some(Kind::Half | Kind::BFloat16));
        let norm = Tensor::from(sum.sqrt()).f_to_kind(if half { Kind::Float } else { kind.unwrap_or(Kind::Double) })?;
        let Some(first) = elsewhere.first() else { return Ok(norm) };
        let (device, kind) = (first.device(), first.f_kind()?);
        elsewhere.push(norm.f_to_device(device)?.f_to_kind(kind)?);
        Tensor::f_stack(&elsewhere, 0)?.f_norm()
    }

    /// Multiplies every gradient by `factor`.
    ///
    /// # Errors
    /// Any error from libtorch.
    pub fn scale(&self, factor: f64) -> Result<(), TchError> {
        tch::no_grad(|| {
            for (_, mut grad) in self.iter() {
                let _ = grad.f_mul_scalar_(factor)?;
            }
            Ok(())
        })
    }

    /// Scales all gradients so that their norm is at most `max`, as `torch.nn.utils.clip_grad_norm_` does, and returns
    /// the norm before scaling. Waits for the device.
    ///
    /// # Errors
    /// A [`GradientError`] if the bound is negative or not a number, and any error from libtorch.
    pub fn clip_norm(&self, max: f64) -> Result<f64, GradientError> {
        GradientError::check(max)?;
        let norm = self.norm()?;
        if norm > max {
            self.scale(max / (norm + 1e-6))?;
        }
        Ok(norm)
    }

    /// As [`clip_norm`](Self::clip_norm), without waiting for the device: returns the norm before scaling as a tensor `[]`.
    ///
    /// # Errors
    /// A [`GradientError`] if the bound is negative or not a number, and any error from libtorch.
    pub fn clip_norm_tensor(&self, max: f64) -> Result<Tensor, GradientError> {
        GradientError::check(max)?;
        let norm = self.norm_tensor()?;
        if norm.device() == Device::Cpu {
            let now = norm.f_double_value(&[])?;
            if now > max {
                self.scale(max / (now + 1e-6))?;
            }
            return Ok(norm);
        }
        tch::no_grad(|| {
            let factor = norm.f_add_scalar(1e-6)?.f_reciprocal()?.f_mul_scalar(max)?.f_clamp_max(1.0)?;
            for (_, mut grad) in self.iter() {
                let _ = grad.f_mul_(&factor.f_to_kind(grad.f_kind()?)?)?;
            }
            Ok(norm)
        })
    }

    /// Bounds each number of each gradient to `-max ..= max`, as `torch.nn.utils.clip_grad_value_` does.
    ///
    /// # Errors
    /// A [`GradientError`] if the bound is negative or not a number, and any error from libtorch.
    pub fn clip_value(&self, max: f64) -> Result<(), GradientError> {
        GradientError::check(max)?;
        tch::no_grad(|| {
            for (_, mut grad) in self.iter() {
                let _ = grad.f_clamp_(-max, max)?;
            }
            Ok(())
        })
    }
}

/// Why gradients could not be clipped.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum GradientError {
    /// The bound is negative or not a number.
    #[error("gradients can't be clipped to {max}: the bound must be a number of at least 0; 1.0 is usual")]
    Bound {
        /// The bound that was given.
        max: f64,
    },
    /// libtorch returned an error.
    #[error("{}", crate::error::brief(.0))]
    Torch(#[from] TchError),
}

crate::error::debug_with_sources!(GradientError);

impl GradientError {
    fn check(max: f64) -> Result<(), Self> {
        if max >= 0.0 { Ok(()) } else { Err(Self::Bound { max }) }
    }
}
