//! What a classifier gets wrong: the confusion matrix, the pairs of classes that are confused most, and the items with the largest losses.

use std::{fmt, path::Path};

use tch::{Device, Kind};

use super::{Learner, On, Prediction, PredictionError, Predictions};
use crate::{
    batch::Target,
    data::{Cell, Colour, Data, DataError, Part, draw},
    metrics::{ConfusionMatrix, MetricError},
    plots::Matrix,
    rng::ItemRngs,
    training::Error,
};

/// What a classifier predicts for the items of a part of the data, and what is right: fastai's `ClassificationInterpretation`.
///
/// ```
/// use mixup::prelude::*;
///
/// # fn main() -> Result<(), BoxError> {
/// # let folder = tempfile::tempdir()?;
/// # let (matrix, worst) = (folder.path().join("confusion.png"), folder.path().join("worst.png"));
/// let mut learn = Learner::builder(ImageData::digits()?.build()?, |vs| simple_cnn(vs, &[1, 16, 10])).quiet().build()?;
/// learn.fit(3, 3e-3)?;
/// let found = learn.interpret()?;
/// for pair in found.most_confused(2) {
///     println!("{pair}"); // `8 taken for 1: 5 times`
/// }
/// for item in found.top_losses(3) {
///     println!("{item}"); // `item 161: 9, predicted 5 (0.931), loss 3.72`
/// }
/// found.plot_confusion_matrix().save(&matrix)?; // "confusion.png"
/// found.show_top_losses(learn.data(), 9, &worst)?; // "worst.png"
/// # assert!(matrix.exists() && worst.exists());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Interpretation {
    part: Part,
    classes: Vec<String>,
    confusion: ConfusionMatrix,
    items: Vec<Interpreted>,
}

/// An item, what is right for it, and what was predicted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Interpreted {
    /// Its place in its part of the data.
    pub item: usize,
    /// Its name: the path of a picture's file, or `item 161` of data that has no names.
    pub name: String,
    /// The name of the right class.
    pub actual: String,
    /// The most probable class.
    pub predicted: Prediction,
    /// The loss.
    pub loss: f64,
}

/// `photos/cat/17.jpg: cat, predicted dog (0.931), loss 3.72`.
impl fmt::Display for Interpreted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, actual, predicted, loss, .. } = self;
        write!(f, "{name}: {actual}, predicted {predicted}, loss {loss:.2}")
    }
}

/// How often a class was taken for another one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Confused {
    /// The name of the right class.
    pub actual: String,
    /// The name of the predicted one.
    pub predicted: String,
    /// How often.
    pub times: i64,
}

/// `8 taken for 1: 5 times`.
impl fmt::Display for Confused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { actual, predicted, times } = self;
        write!(f, "{actual} taken for {predicted}: {times} {}", if *times == 1 { "time" } else { "times" })
    }
}

impl Learner {
    /// Predicts the validation data and compares the predictions with what is right. This is for one class for each item.
    ///
    /// # Errors
    /// [`InterpretError`]: as for [`predictions`](Self::predictions), and if the items do not have one class each.
    pub fn interpret(&mut self) -> Result<Interpretation, InterpretError> {
        self.interpret_on(Part::Valid)
    }

    /// The same for another part of the data.
    ///
    /// # Errors
    /// As for [`interpret`](Self::interpret).
    pub fn interpret_on(&mut self, part: Part) -> Result<Interpretation, InterpretError> {
        let failed = |source| InterpretError::Run(Box::new(source));
        let predictions = self.predictions_on(On::from(part)).map_err(failed)?;
        let loader = On::from(part).loader(&self.state.data, "interpret").map_err(failed)?;
        Interpretation::of(&predictions, part, |item| loader.name(item))
    }
}

impl Interpretation {
    fn of(predictions: &Predictions, part: Part, name_of: impl Fn(usize) -> String) -> Result<Self, InterpretError> {
        let Predictions { outputs, targets, losses, classes } = predictions;
        let target = targets.as_ref().ok_or(InterpretError::Targets { found: "none" })?;
        let Target::Classes(right) = target else { return Err(InterpretError::Targets { found: target.kind_name() }) };
        let best = predictions.best()?;
        let mut confusion = ConfusionMatrix::default();
        confusion.push(outputs, target)?;
        let right = Vec::<i64>::try_from(right.f_to_device(Device::Cpu)?)?;
        let losses = match losses {
            Some(losses) => Vec::<f64>::try_from(losses.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?)?,
            None => vec![f64::NAN; right.len()],
        };
        let name = |class: i64| usize::try_from(class).ok().and_then(|class| classes.get(class)).cloned();
        let items = best.into_iter().zip(right).zip(losses).enumerate();
        let items = items.map(|(item, ((predicted, right), loss))| {
            let actual = name(right).unwrap_or_else(|| right.to_string());
            Interpreted { item, name: name_of(item), actual, predicted, loss }
        });
        Ok(Self { part, items: items.collect(), classes: classes.clone(), confusion })
    }

    /// All items, in the data's order.
    #[must_use]
    pub fn items(&self) -> &[Interpreted] {
        &self.items
    }

    /// How often each class was taken for which: a row for each right class, a column for each predicted one.
    #[must_use]
    pub fn confusion_matrix(&self) -> Vec<Vec<i64>> {
        self.confusion.counts()
    }

    /// The confusion matrix as a plot: `found.plot_confusion_matrix().save("confusion.png")?`.
    #[must_use]
    pub fn plot_confusion_matrix(&self) -> Matrix {
        Matrix::new(&self.classes, self.confusion_matrix())
    }

    /// The pairs of classes that were confused at least so often, the most frequent first.
    #[must_use]
    pub fn most_confused(&self, at_least: i64) -> Vec<Confused> {
        let counts = self.confusion_matrix();
        let rows = self.classes.iter().zip(&counts).enumerate();
        let pairs = rows.flat_map(|(row, (actual, counts))| {
            let others = self.classes.iter().zip(counts).enumerate().filter(move |(column, _)| *column != row);
            others.map(move |(_, (predicted, times))| Confused {
                actual: actual.clone(),
                predicted: predicted.clone(),
                times: *times,
            })
        });
        let mut pairs: Vec<_> = pairs.filter(|pair| pair.times >= at_least.max(1)).collect();
        pairs.sort_by_key(|pair| -pair.times);
        pairs
    }

    /// The `k` items with the largest losses, the largest first. Losses that are not numbers come last.
    #[must_use]
    pub fn top_losses(&self, k: usize) -> Vec<&Interpreted> {
        let mut items: Vec<_> = self.items.iter().collect();
        let size = |item: &Interpreted| if item.loss.is_nan() { f64::NEG_INFINITY } else { item.loss };
        items.sort_by(|one, other| size(other).total_cmp(&size(one)));
        items.truncate(k);
        items
    }

    /// Draws the pictures with the `k` largest losses into a PNG file: below each its class, the predicted one with its probability, and the loss.
    /// `data` is that of the learner.
    ///
    /// # Errors
    /// [`InterpretError::Data`]: the items are no pictures, can't be made again, or the file can't be written.
    pub fn show_top_losses(&self, data: &Data, k: usize, path: impl AsRef<Path>) -> Result<(), InterpretError> {
        let failed = |source| InterpretError::Data(Box::new(source));
        let top = self.top_losses(k);
        let loader = data.part(self.part).ok_or(InterpretError::NoPart { part: self.part })?;
        let chosen: Vec<usize> = top.iter().map(|item| item.item).collect();
        let batch = loader.batch(&chosen, 0, &ItemRngs::new(0, 0).valid()).map_err(failed)?;
        let pictures = data.pictures(&batch.input).map_err(failed)?;
        let cells = pictures.into_iter().zip(top).map(|(picture, item)| {
            let colour = if item.predicted.class == item.actual { Colour::Green } else { Colour::Red };
            let lines = [
                (item.actual.clone(), Colour::Black),
                (item.predicted.to_string(), colour),
                (format!("loss {:.2}", item.loss), Colour::Black),
            ];
            Cell { picture, lines: lines.into() }
        });
        draw(&cells.collect::<Vec<_>>(), path.as_ref()).map_err(failed)
    }
}

/// Why predictions can't be interpreted.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum InterpretError {
    /// The predictions could not be made.
    #[error(transparent)]
    Run(Box<Error>),
    /// The predictions have no classes.
    #[error(transparent)]
    Prediction(#[from] PredictionError),
    /// The items do not have one class each.
    #[error(
        "an interpretation needs a class index for each item, and the targets are {found}: compare `learn.predictions()` with them yourself"
    )]
    Targets {
        /// What they are.
        found: &'static str,
    },
    /// The data is not that of the learner.
    #[error("the data has no part `{part:?}`: pass `learn.data()`, which the predictions are of")]
    NoPart {
        /// The part.
        part: Part,
    },
    /// The classes can't be counted.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// The pictures can't be drawn.
    #[error(transparent)]
    Data(Box<DataError>),
    /// libtorch returned an error.
    #[error("{}", crate::error::brief(.0))]
    Torch(#[from] tch::TchError),
}

crate::error::debug_with_sources!(InterpretError);
