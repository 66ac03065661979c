//! The loss and the learning rate of every training batch.

use mixup_macros::callback;
use tch::{TchError, Tensor};

use crate::{batch::Scalars, optim::Optimizer};

/// Records each training batch's loss and learning rate, without waiting for the device: read them after the training with
/// `learn.get_mut::<Recorder>()`.
#[derive(Debug, Default)]
pub struct Recorder {
    losses: Scalars,
    lrs: Vec<f64>,
}

impl Recorder {
    /// The loss of each training batch of the last training, not smoothed.
    ///
    /// # Errors
    /// Any error from libtorch when it reads the losses.
    pub fn losses(&mut self) -> Result<&[f64], TchError> {
        self.losses.values()
    }

    /// The learning rate of each training batch of the last training. If there are several groups of parameters, that of the last one.
    #[must_use]
    pub fn lrs(&self) -> &[f64] {
        &self.lrs
    }
}

#[callback(crate = crate, order = -10)]
impl Recorder {
    fn on_train_begin(&mut self, epochs: usize) {
        if epochs > 0 {
            self.losses.clear();
            self.lrs.clear();
        }
    }

    fn on_backward_begin(&mut self, last_loss: &Tensor, opt: &dyn Optimizer) -> Result<(), TchError> {
        self.lrs.push(opt.lr());
        self.losses.push(last_loss)
    }
}
