//! Event files for TensorBoard.

mod event;
mod file;

use std::path::PathBuf;

use mixup_macros::callback;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

use self::{
    event::{Histogram, Summary, Value as Written},
    file::EventFile,
};
use super::{LrFinder, logged};
use crate::{
    batch::{Input, Target},
    data::Data,
    error::BoxError,
    files::FileError,
    model::{Gradients, Params},
    optim::Optimizer,
    training::{Values, World},
};

/// Writes event files for TensorBoard: after each epoch the losses, each metric, each value that callbacks publish (`epoch/…`) and the learning
/// rates; if asked also numbers of batches (`batch/…`), histograms, pictures of batches, and texts.
///
/// The horizontal axis counts training batches. A second training of the learner goes on where the first one ended. Each training writes a
/// file of its own. In that of one that goes on from a checkpoint, TensorBoard is told to drop what was written after the checkpoint; so is
/// everything before the first training of a learner, if other trainings have written into the folder. A sweep over learning rates writes
/// nothing. Of several processes that train together, the first one writes.
#[derive(Debug)]
pub struct TensorBoard {
    folder: PathBuf,
    every: usize,
    histograms: Option<usize>,
    images: Option<usize>,
    texts: Vec<(String, String)>,
    place: Place,
    file: EventFile,
}

/// How far the training is, in training batches of all the learner's trainings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Place {
    /// Those of the trainings before this one.
    before: i64,
    step: i64,
    /// Whether the last batch has ended the epoch, whose numbers have not been written.
    ends: bool,
    /// What was written for the last batch. A training that goes on between it and the epoch's numbers, which have the same step, writes it again.
    batch: OfStep,
}

/// What was written at one step.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct OfStep {
    step: i64,
    /// Messages of the type [`Summary`]: one after another they are one message with all values.
    summaries: Vec<u8>,
}

impl OfStep {
    /// Forgets what was written at another step.
    fn only(&mut self, step: i64) {
        if self.step != step {
            *self = Self { step, summaries: Vec::new() };
        }
    }
}

impl Place {
    /// The number of a batch, counted from 1.
    fn of(&self, iteration: usize) -> i64 {
        self.before + iteration as i64 + 1
    }
}

impl TensorBoard {
    /// Writes into this folder, which is created: `"runs/a"`, with one folder for each training that is compared with others.
    #[must_use]
    pub fn in_dir(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            every: usize::MAX,
            histograms: None,
            images: None,
            texts: Vec::new(),
            place: Place::default(),
            file: EventFile::default(),
        }
    }

    /// Also writes the loss, the learning rates and published values of one training batch in so many, which waits for the device then.
    #[must_use]
    pub fn every_batches(self, batches: usize) -> Self {
        Self { every: batches, ..self }
    }

    /// Also writes histograms in one epoch of so many: of the gradients in its first batch, and of the weights at its end. Numbers that are
    /// not finite are left out of them.
    #[must_use]
    pub fn histograms(self, every_epochs: usize) -> Self {
        Self { histograms: Some(every_epochs), ..self }
    }

    /// Also writes sixteen pictures of the first training batch in one epoch of so many, as the model gets them: augmented and mixed.
    #[must_use]
    pub fn images(self, every_epochs: usize) -> Self {
        Self { images: Some(every_epochs), ..self }
    }

    /// Also writes a text, in Markdown, when the first training begins.
    #[must_use]
    pub fn text(mut self, tag: impl Into<String>, markdown: impl Into<String>) -> Self {
        self.texts.push((tag.into(), markdown.into()));
        self
    }

    /// Writes values of a training batch.
    fn add_of_batch(&mut self, iteration: usize, values: Vec<Written>) -> Result<(), FileError> {
        let step = self.place.of(iteration);
        let summary = Summary { value: values };
        self.place.batch.only(step);
        self.place.batch.summaries.extend(summary.encode_to_vec());
        self.file.add_all(step, summary)
    }

    fn is_due(&self, period: Option<usize>, epoch: usize) -> bool {
        self.file.is_open() && period.is_some_and(|period| epoch.is_multiple_of(period.max(1)))
    }
}

#[callback(crate = crate, describe(folder), state(place, file))]
impl TensorBoard {
    fn on_train_begin(&mut self, resumed: bool, world: World, finder: Option<&LrFinder>) -> Result<(), BoxError> {
        if finder.is_some() || !world.is_first() {
            return Ok(());
        }
        let Place { step, ends, .. } = self.place;
        if !resumed {
            self.place = Place { before: step, step, ..Place::default() };
        }
        let (again, first) = (resumed && ends, if step == 0 { 0 } else { step + 1 });
        self.file.begin(&self.folder, if again { step } else { first })?;
        if again {
            self.file.add_all(step, Summary::decode(&*self.place.batch.summaries)?)?;
        }
        if step == 0 {
            self.file.add(0, self.texts.iter().map(|(tag, text)| Written::text(tag, text)).collect())?;
        }
        Ok(())
    }

    #[on(loss_begin, train, first, if = self.is_due(self.images, epoch))]
    fn write_images(
        &mut self,
        iteration: usize,
        data: &Data,
        last_input: &Input,
        last_target: &Target,
    ) -> Result<(), BoxError> {
        let (png, [width, height]) = data.png(last_input, last_target)?;
        Ok(self.add_of_batch(iteration, vec![Written::image("first batch", png, width, height)])?)
    }

    #[on(backward_end, first, if = self.is_due(self.histograms, epoch))]
    fn write_gradients(&mut self, iteration: usize, gradients: &Gradients) -> Result<(), BoxError> {
        let all = gradients.iter().map(|(name, tensor)| histogram(&format!("gradients/{name}"), &tensor));
        Ok(self.add_of_batch(iteration, all.filter_map(Result::transpose).collect::<Result<_, _>>()?)?)
    }

    #[on(batch_end, train)]
    fn count(&mut self, iteration: usize) {
        (self.place.step, self.place.ends) = (self.place.of(iteration), false);
        self.place.batch.only(self.place.step);
    }

    #[on(batch_end, train, every = self.every)]
    fn write_batch(
        &mut self,
        iteration: usize,
        last_loss: &Tensor,
        opt: &dyn Optimizer,
        values: &Values,
    ) -> Result<(), BoxError> {
        let loss = ("loss".to_owned(), last_loss.f_double_value(&[])?);
        let values = logged::of_batch(values)?.into_iter().map(|(name, number)| (name.to_owned(), number));
        let numbers: Vec<_> = [loss].into_iter().chain(rates(opt)).chain(values).collect();
        Ok(self.add_of_batch(iteration, scalars("batch", &numbers))?)
    }

    #[on(validate_begin, if = epochs > 0)]
    fn end_batches(&mut self) {
        self.place.ends = true;
    }

    fn on_epoch_end(
        &mut self,
        epoch: usize,
        train_loss: f64,
        valid_loss: Option<f64>,
        opt: &dyn Optimizer,
        params: &Params,
        values: &Values,
    ) -> Result<(), BoxError> {
        self.place.ends = false;
        let numbers = logged::of_epoch(values, train_loss, valid_loss)?.into_iter();
        let numbers = numbers.filter_map(|(name, number)| Some((name.to_owned(), number?)));
        let mut all = scalars("epoch", &numbers.chain(rates(opt)).collect::<Vec<_>>());
        if self.is_due(self.histograms, epoch) {
            for (name, tensor) in params.iter() {
                all.extend(histogram(&format!("weights/{name}"), tensor)?);
            }
        }
        Ok(self.file.add(self.place.step, all)?)
    }

    fn on_train_end(&mut self) {
        self.file.end();
    }
}

fn scalars(group: &str, numbers: &[(String, f64)]) -> Vec<Written> {
    numbers.iter().map(|(name, number)| Written::scalar(&format!("{group}/{name}"), *number)).collect()
}

/// The learning rate, or that of each group.
fn rates(opt: &dyn Optimizer) -> impl Iterator<Item = (String, f64)> {
    let several = opt.hypers().iter().count() > 1;
    let name = move |group: &str| if several { format!("lr/{group}") } else { "lr".to_owned() };
    opt.hypers().iter().map(move |(group, hyper)| (name(group), hyper.lr))
}

/// How many buckets a histogram has, as in TensorFlow's `summary.histogram`.
const BUCKETS: i64 = 30;

/// The histogram of a tensor's finite numbers; `None` if there are none.
fn histogram(tag: &str, tensor: &Tensor) -> Result<Option<Written>, TchError> {
    let all = tensor.f_detach()?.f_to_kind(Kind::Float)?;
    let all = all.f_masked_select(&all.f_isfinite()?)?;
    if all.numel() == 0 {
        return Ok(None);
    }
    let (min, max) = (all.f_min()?.f_double_value(&[])?, all.f_max()?.f_double_value(&[])?);
    let sum = all.f_sum(Kind::Double)?.f_double_value(&[])?;
    let sum_squares = all.f_to_kind(Kind::Double)?.f_square()?.f_sum(Kind::Double)?.f_double_value(&[])?;
    let num = all.numel() as f64;
    let (bucket_limit, bucket) = if min < max {
        let width = (max - min) / BUCKETS as f64;
        let limits = (1..BUCKETS).map(|bucket| min + width * bucket as f64).chain([max]).collect();
        (limits, Vec::try_from(all.f_histc(BUCKETS)?.f_to_kind(Kind::Double)?)?)
    } else {
        (vec![max], vec![num])
    };
    Ok(Some(Written::histogram(tag, Histogram { min, max, num, sum, sum_squares, bucket_limit, bucket })))
}
