//! The numbers that a training tells of itself. They stay on the device until somebody asks, or the training is over: reading one
//! is to wait for all that the device has still to do.

use std::time::Duration;

use tch::{TchError, Tensor};

use crate::{error::ReadError, scalars::Scalars};

/// What an epoch has to tell.
pub(crate) struct Told {
    pub epoch: usize,
    pub measured: Measured,
    /// How long it took; none while it is under way.
    pub time: Option<Duration>,
}

/// What a validation adds up; nothing where there was none.
pub(crate) struct Measured {
    pub loss: Weighted,
    pub metrics: Metrics,
}

impl Measured {
    pub(super) fn new(metrics: usize) -> Self {
        let each = (0..metrics).map(|_| Weighted::default()).collect();
        Self { loss: Weighted::default(), metrics: Metrics { each, means: Vec::new() } }
    }
}

/// What each metric adds up, and what that comes to.
pub(crate) struct Metrics {
    each: Vec<Weighted>,
    means: Vec<f64>,
}

impl Metrics {
    pub(super) fn push(&mut self, index: usize, value: &Tensor, items: usize) -> Result<(), TchError> {
        self.each.get_mut(index).map_or(Ok(()), |metric| metric.push(value, items))
    }

    /// One for each metric; NaN where nothing was measured.
    pub(super) fn means(&mut self) -> Result<&[f64], TchError> {
        let mean = |metric: &mut Weighted| Ok(metric.mean()?.unwrap_or(f64::NAN));
        self.means = self.each.iter_mut().map(mean).collect::<Result<_, TchError>>()?;
        Ok(&self.means)
    }
}

/// What an event has at hand to make the values that cost something, each when somebody asks: these wait for the device.
/// A method here is called as the value that it makes, and is given the one that stands there.
pub(crate) struct Untold<'a> {
    smooth: &'a mut SmoothLoss,
    loss: Option<&'a mut Weighted>,
    metrics: Option<&'a mut Metrics>,
}

impl<'a> Untold<'a> {
    pub(super) fn new(smooth: &'a mut SmoothLoss, told: Option<&'a mut Told>) -> Self {
        let (loss, metrics) = told.map(|Told { measured, .. }| (&mut measured.loss, &mut measured.metrics)).unzip();
        Self { smooth, loss, metrics }
    }

    pub(crate) fn smooth_loss(&mut self, _: f64) -> Result<f64, ReadError> {
        Ok(self.smooth.value()?)
    }

    pub(crate) fn train_loss(&mut self, _: f64) -> Result<f64, ReadError> {
        Ok(self.smooth.value()?)
    }

    pub(crate) fn valid_loss(&mut self, _: Option<f64>) -> Result<Option<f64>, ReadError> {
        Ok(self.loss.as_mut().map_or(Ok(None), |loss| loss.mean())?)
    }

    /// Lent for as long as the event, so made once.
    pub(crate) fn last_metrics(&mut self, made: &'a [f64]) -> Result<&'a [f64], ReadError> {
        Ok(self.metrics.take().map_or(Ok(made), |metrics| metrics.means())?)
    }
}

/// The training loss smoothed over batches, as fastai v1's `SmoothenValue`: an exponential mean with β 0.98, corrected for
/// its beginning at zero.
#[derive(Default)]
pub(crate) struct SmoothLoss {
    new: Scalars,
    mean: f64,
    count: usize,
    /// Behind how many losses its value is wanted later, and those of these that are known.
    marks: Vec<usize>,
    marked: Vec<f64>,
}

const BETA: f64 = 0.98;

impl SmoothLoss {
    pub(super) fn push(&mut self, loss: &Tensor) -> Result<(), TchError> {
        self.new.push(loss)
    }

    /// The value as it is now will be wanted: an epoch is over.
    pub(super) fn mark(&mut self) {
        self.marks.push(self.count + self.new.len());
    }

    /// The values at the marks, in their order.
    pub(super) fn at_marks(&mut self) -> Result<Vec<f64>, TchError> {
        self.value()?;
        Ok(std::mem::take(&mut self.marked))
    }

    /// NaN before the first loss.
    pub(super) fn value(&mut self) -> Result<f64, TchError> {
        let mut new = std::mem::take(&mut self.new);
        for loss in new.values()? {
            self.tell_marks();
            self.mean = BETA * self.mean + (1.0 - BETA) * loss;
            self.count += 1;
        }
        self.tell_marks();
        new.clear();
        self.new = new;
        Ok(self.corrected())
    }

    fn tell_marks(&mut self) {
        while self.marks.get(self.marked.len()) == Some(&self.count) {
            self.marked.push(self.corrected());
        }
    }

    fn corrected(&self) -> f64 {
        self.mean / (1.0 - BETA.powf(self.count as f64))
    }
}

/// A mean over items, of values that come a batch at a time.
#[derive(Default)]
pub(crate) struct Weighted {
    values: Scalars,
    items: Vec<usize>,
}

impl Weighted {
    pub(super) fn push(&mut self, value: &Tensor, items: usize) -> Result<(), TchError> {
        self.values.push(value)?;
        self.items.push(items);
        Ok(())
    }

    /// None where nothing came.
    pub(super) fn mean(&mut self) -> Result<Option<f64>, TchError> {
        let items: usize = self.items.iter().sum();
        let sum: f64 = self.values.values()?.iter().zip(&self.items).map(|(value, items)| value * *items as f64).sum();
        Ok((items > 0).then(|| sum / items as f64))
    }
}

#[cfg(test)]
mod tests {
    use mixup_macros::callback;
    use tch::{Kind, Tensor, nn};

    use crate::{
        callback::Callback,
        callbacks::Recorder,
        data::{Batch, Data},
        error::{Error, ReadError},
        learner::Learner,
        metrics::accuracy,
        scalars::reads,
    };

    struct Asks;

    #[callback(crate = crate)]
    impl Asks {
        fn on_epoch_begin() {}
    }

    struct AsksSmooth;

    #[callback(crate = crate)]
    impl AsksSmooth {
        fn on_batch_end(_smooth_loss: f64) {}
    }

    struct AsksSmoothSometimes;

    #[callback(crate = crate)]
    impl AsksSmoothSometimes {
        fn on_epoch_end(_train_loss: f64) {}
    }

    struct AsksSmoothAtSomeBatches;

    #[callback(crate = crate)]
    impl AsksSmoothAtSomeBatches {
        #[on(batch_end, train, every = 2)]
        fn log(smooth_loss: f64) {
            assert!(smooth_loss.is_finite());
        }
    }

    struct AsksAllAtSomeBatches;

    #[callback(crate = crate)]
    impl AsksAllAtSomeBatches {
        #[on(batch_end, train, every = 2)]
        fn log(event: &mut crate::callback::BatchEnd<'_>) {
            assert!(event.smooth_loss.is_finite());
        }
    }

    struct AsksSmoothInAFilter;

    #[callback(crate = crate)]
    impl AsksSmoothInAFilter {
        #[on(batch_end, train, last, if = smooth_loss.is_nan())]
        fn never() {
            panic!("a loss was not finite");
        }
    }

    struct AsksMetrics;

    #[callback(crate = crate)]
    impl AsksMetrics {
        fn on_epoch_end(last_metrics: &[f64]) {
            assert!(last_metrics[0].is_finite());
        }
    }

    struct AsksGradients;

    #[callback(crate = crate)]
    impl AsksGradients {
        fn on_backward_end(_gradients: &crate::model::Gradients) {}
    }

    const EPOCHS: usize = 3;
    const TRAIN: usize = 4;

    fn learner(callback: impl Callback) -> Learner {
        let batch = |index: usize| Batch {
            input: Tensor::from_slice(&[index as f32, 1.0, 2.0, -1.0]).reshape([2, 2]).into(),
            target: Tensor::from_slice(&[0_i64, 1]).into(),
        };
        let data = Data::from_batches((0..TRAIN).map(batch).collect(), (0..2).map(batch).collect()).expect("batches");
        let model = |vars: &crate::learner::Vars<'_>| {
            let first = |size: &[i64]| Tensor::ones(size, (Kind::Float, tch::Device::Cpu)) * 0.3;
            let linear = nn::linear(vars.path(), 2, 2, nn::LinearConfig::default());
            tch::no_grad(|| linear.ws.shallow_clone().copy_(&first(&[2, 2])));
            linear
        };
        let builder = Learner::builder(data, model).metric(accuracy).callback(callback).quiet();
        builder.build().expect("nothing is wrong with it")
    }

    /// How often a training reads from the device, and the numbers that it tells.
    fn training(callback: impl Callback) -> (usize, Vec<[f64; 3]>) {
        let mut learn = learner(callback);
        let mut report = None;
        let reads = reads(|| report = Some(learn.fit(EPOCHS, 1e-2).expect("it trains")));
        let rows = report.expect("it trained").epochs.into_iter();
        let rows = rows.map(|row| [row.train_loss, row.valid_loss.expect("validated"), row.metrics[0]]);
        (reads, rows.collect())
    }

    #[test]
    fn the_device_is_waited_for_only_where_somebody_asks() {
        // At the end each epoch's validation loss and metric are read, and all training losses at once.
        let (at_the_end, rows) = training(Asks);
        assert_eq!(at_the_end, 1 + 2 * EPOCHS);
        assert_eq!(rows.len(), EPOCHS);
        assert!(rows.iter().flatten().all(|number| number.is_finite()), "{rows:?}");
        assert_eq!(training(Recorder::default()).0, at_the_end);
        assert_eq!(training(AsksGradients).0, at_the_end);
        // Whoever asks for the metrics has them read at each epoch's end instead: as many, but earlier.
        assert_eq!(training(AsksMetrics).0, at_the_end);
        // The smoothed loss is waited for at each batch, of training and (where there is nothing new) not of validation.
        assert_eq!(training(AsksSmooth).0, EPOCHS * TRAIN + 2 * EPOCHS);
        assert_eq!(training(AsksSmoothSometimes).0, EPOCHS + 2 * EPOCHS);
    }

    #[test]
    fn filters_are_looked_at_before_the_device_is_waited_for() {
        assert_eq!(training(AsksSmoothAtSomeBatches).0, EPOCHS * TRAIN / 2 + 2 * EPOCHS);
        assert_eq!(training(AsksAllAtSomeBatches).0, EPOCHS * TRAIN / 2 + 2 * EPOCHS);
        // What an `if` asks for is read only where the filters before it are so: once in an epoch.
        assert_eq!(training(AsksSmoothInAFilter).0, EPOCHS + 2 * EPOCHS);
    }

    struct CannotRead;

    #[callback(crate = crate)]
    impl CannotRead {
        fn on_epoch_end() -> Result<(), ReadError> {
            Err(ReadError(tch::TchError::Torch("the device is gone".to_owned())))
        }
    }

    #[test]
    fn a_loss_that_cannot_be_read_is_not_the_fault_of_the_callback_that_asks() {
        let error = learner(CannotRead).fit(1, 1e-2).expect_err("it can't be read");
        assert!(matches!(error, Error::Torch { what: "reading losses and metrics", .. }), "{error:?}");
    }

    #[test]
    fn what_is_read_late_is_what_is_read_early() {
        let (_, late) = training(Asks);
        for early in [training(AsksSmooth).1, training(AsksMetrics).1, training(AsksSmoothSometimes).1] {
            assert_eq!(late, early);
        }
    }
}
