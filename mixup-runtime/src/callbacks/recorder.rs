//! The loss and the learning rate of every training batch, and what other callbacks publish.

use mixup_macros::callback;
use tch::{TchError, Tensor};

use crate::{
    batch::Scalars,
    optim::Optimizer,
    plots::Chart,
    state::{State, StateError, Stateful},
    training::{Numbers, ReadError, SmoothLoss, Value, Values},
};

/// Records each training batch's loss and learning rate, and the values that callbacks publish, without waiting for the device: read them
/// after the training with `learn.get_mut::<Recorder>()`.
#[derive(Debug, Default)]
pub struct Recorder {
    losses: Scalars,
    lrs: Vec<f64>,
    /// Of each epoch and each value.
    published: Vec<Numbers>,
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

    /// The loss of each training batch as a plot, and the smoothed loss that the table has as `train_loss`: fastai's `plot_losses`.
    ///
    /// # Errors
    /// Any error from libtorch when it reads the losses.
    pub fn plot_losses(&mut self) -> Result<Chart, TchError> {
        let losses = self.losses()?;
        let smoothed = SmoothLoss::after_each(losses);
        Ok(Chart::new("training batch", "loss").numbers("each batch", losses).numbers("smoothed", &smoothed))
    }

    /// The learning rate of each training batch as a plot: fastai's `plot_lr`. See [`lrs`](Self::lrs).
    #[must_use]
    pub fn plot_lr(&self) -> Chart {
        Chart::new("training batch", "learning rate").numbers("learning rate", &self.lrs)
    }

    /// All numbers that a callback has published under this name in the epochs of the last training, in order: one for each training batch
    /// if it is set in each. `None` if nobody publishes it.
    ///
    /// # Errors
    /// [`ReadError`] if they can't be read from the device.
    pub fn published(&self, name: &str) -> Result<Option<Vec<f64>>, ReadError> {
        let epochs: Vec<_> = self.published.iter().filter(|numbers| numbers.name() == name).collect();
        if epochs.is_empty() {
            return Ok(None);
        }
        let numbers = epochs.into_iter().map(Numbers::read).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(numbers.concat()))
    }
}

#[callback(crate = crate, order = -10, stateful)]
impl Recorder {
    fn on_train_begin(&mut self, resumed: bool) {
        if !resumed {
            self.losses.clear();
            self.lrs.clear();
            self.published.clear();
        }
    }

    fn on_backward_begin(&mut self, last_loss: &Tensor, opt: &dyn Optimizer) -> Result<(), TchError> {
        self.lrs.push(opt.lr());
        self.losses.push(last_loss)
    }

    /// Also of an epoch that is left early, as the losses are.
    #[on(epoch_end, always)]
    fn keep_published(&mut self, values: &Values) {
        self.published.extend(values.published().filter_map(Value::numbers));
    }
}

impl Stateful for Recorder {
    fn save(&self) -> Result<State, StateError> {
        let state = State::new().with("losses", &self.losses.to_vec()?)?.with("lrs", &self.lrs)?;
        state.with_part("published", &self.published)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let (losses, lrs) = (state.field("losses")?, state.field("lrs")?);
        state.part("published")?.load_into(&mut self.published)?;
        (self.losses, self.lrs) = (Scalars::of(losses), lrs);
        Ok(())
    }
}
