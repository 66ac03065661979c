//! Gradient accumulation: a step for several batches, as if they were one.

use mixup_macros::callback;
use tch::{TchError, Tensor};

use crate::{
    batch::Target,
    callback::{KeepGradients, SkipStep},
    model::Gradients,
};

/// Takes a step of the optimizer after every N training batches, and after the last batch of an epoch, with the gradient of all their items.
///
/// The step is that of one batch with all these items: a smaller batch has a smaller weight. In validation nothing changes. It is for the learner's
/// own step, or another one that optimizes once for each batch.
#[derive(Debug)]
pub struct Accumulate {
    batches: usize,
    /// How many batches the gradients are of, and the sum of their weights: a batch as large as the first one has 1.
    count: usize,
    weight: f64,
    first: usize,
    /// The weight of the current batch, whether its loss was scaled by it, and whether there is a step after it.
    adding: f64,
    scaled: bool,
    steps: bool,
}

impl Accumulate {
    /// A step after every `batches` batches; 0 is taken as 1.
    #[must_use]
    pub fn batches(batches: usize) -> Self {
        Self { batches: batches.max(1), count: 0, weight: 0.0, first: 0, adding: 1.0, scaled: false, steps: true }
    }

    /// After how many batches there is a step.
    #[must_use]
    pub fn batches_per_step(&self) -> usize {
        self.batches
    }

    /// Whether the optimizer takes its step after this batch, from `on_backward_end` on.
    #[must_use]
    pub fn steps_now(&self) -> bool {
        self.steps
    }
}

#[callback(crate = crate, describe(batches), state(count, weight, first))]
impl Accumulate {
    fn on_train_begin(&mut self) {
        *self = Self::batches(self.batches);
    }

    fn on_backward_begin(&mut self, last_loss: &mut Tensor, last_target: &Target) -> Result<(), TchError> {
        let items = last_target.items();
        if self.count == 0 {
            (self.first, self.weight) = (items, 0.0);
        }
        self.adding = if items == self.first { 1.0 } else { items as f64 / self.first as f64 };
        self.scaled = items != self.first;
        if self.scaled {
            *last_loss = last_loss.f_mul_scalar(self.adding)?;
        }
        Ok(())
    }

    fn on_backward_end(
        &mut self,
        gradients: &Gradients,
        num_batch: usize,
        batches: usize,
    ) -> Result<Option<SkipStep>, TchError> {
        self.count += 1;
        self.weight += self.adding;
        self.steps = self.count >= self.batches || num_batch + 1 == batches;
        if self.steps && self.count > 1 {
            gradients.scale(1.0 / self.weight)?;
        }
        Ok((!self.steps).then_some(SkipStep))
    }

    fn on_step_end(&mut self, last_loss: &mut Tensor) -> Result<Option<KeepGradients>, TchError> {
        if self.scaled {
            *last_loss = last_loss.f_div_scalar(self.adding)?; // for the callbacks after it
        }
        if self.steps {
            self.count = 0;
        }
        Ok((!self.steps).then_some(KeepGradients))
    }
}
