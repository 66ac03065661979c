//! What a model predicts: its outputs, and for each item the classes with their probabilities.

use std::fmt;

use tch::{Device, Kind, TchError, Tensor};

use crate::batch::Target;

/// The model's predictions for several items, in the data's order.
///
/// What is natural depends on the loss function, whose activation the outputs have:
///
/// - One class for each item (cross-entropy): `outputs` are the probabilities of the classes, which sum to 1. [`best`](Self::best) and
///   [`top`](Self::top) give them with the names of the classes.
/// - Several labels for each item (binary cross-entropy): each label has a probability of its own. [`above`](Self::above) gives the labels
///   that are probable enough.
/// - Numbers (the squared error): `outputs` are the numbers themselves.
#[derive(Debug)]
pub struct Predictions<O = Tensor> {
    /// The outputs after the loss function's activation (softmax, sigmoid, …): each tensor `[items, …]`. A tensor that has no
    /// dimensions in a batch becomes `[batches]`.
    pub outputs: O,
    /// The targets of the same items, if the data has any, and if no callback changes targets in validation.
    pub targets: Option<Target>,
    /// Each item's loss, `[items]`, if there are targets: if an item has several losses, their mean. NaN if the loss function
    /// only has losses of whole batches.
    pub losses: Option<Tensor>,
    pub(super) classes: Vec<String>,
}

/// A class that the model predicts for an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The name of the class.
    pub class: String,
    /// Its index among the classes of the data.
    pub index: usize,
    /// Its number among the outputs: its probability, if the loss function's activation gives probabilities.
    pub probability: f64,
}

/// `cat (0.931)`.
impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:.3})", self.class, self.probability)
    }
}

impl<O> Predictions<O> {
    /// Takes a part of the outputs, as of a model that returns more than its classes:
    /// `learn.predict_as::<Scored>(&images)?.map(|scored| scored.logits).top(3)?`.
    pub fn map<P>(self, part: impl FnOnce(O) -> P) -> Predictions<P> {
        let Self { outputs, targets, losses, classes } = self;
        Predictions { outputs: part(outputs), targets, losses, classes }
    }
}

impl Predictions {
    /// The most probable class of each item. This waits for the device.
    ///
    /// ```
    /// use mixup::prelude::*;
    /// use tch::{Device, Kind, Tensor};
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// let (x, y) = (Tensor::eye(2, (Kind::Float, Device::Cpu)), Tensor::from_slice(&[0_i64, 1]));
    /// let data = Data::builder(TensorDataset::new(&x, y)?).classes(["cat", "dog"]).build()?;
    /// let model = |vs: &mixup::model::Vars<'_>| tch::nn::linear(vs / "only", 2, 2, Default::default());
    /// let mut learn = Learner::builder(data, model).quiet().build()?;
    /// learn.fit(200, 0.1)?;
    /// let best = learn.predict(&x)?.best()?;
    /// assert_eq!((best[0].class.as_str(), best[1].class.as_str()), ("cat", "dog"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`PredictionError`]: the classes have no names, or the outputs are not `[items, classes]`.
    pub fn best(&self) -> Result<Vec<Prediction>, PredictionError> {
        Ok(self.top(1)?.into_iter().flatten().collect())
    }

    /// The `k` most probable classes of each item, the most probable first; all of them if there are fewer. This waits for the
    /// device.
    ///
    /// # Errors
    /// As for [`best`](Self::best).
    pub fn top(&self, k: usize) -> Result<Vec<Vec<Prediction>>, PredictionError> {
        let classes = &self.classes;
        if classes.is_empty() {
            return Err(PredictionError::NoClasses);
        }
        let shape = self.outputs.size();
        if shape.len() != 2 || usize::try_from(shape[1]) != Ok(classes.len()) {
            return Err(PredictionError::Shape { shape, classes: classes.len() });
        }
        let k = k.min(classes.len());
        if k == 0 {
            return Ok((0..shape[0]).map(|_| Vec::new()).collect());
        }
        let (values, indices) = self.outputs.f_topk(k as i64, 1, true, true)?;
        let values: Vec<f64> = read(&values, Kind::Double)?.try_into()?;
        let indices: Vec<i64> = read(&indices, Kind::Int64)?.try_into()?;
        let prediction = |(probability, index): (&f64, &i64)| {
            let index = usize::try_from(*index).unwrap_or(usize::MAX);
            let class = classes.get(index).cloned().unwrap_or_default();
            Prediction { class, index, probability: *probability }
        };
        let rows = values.chunks(k).zip(indices.chunks(k));
        Ok(rows.map(|(values, indices)| values.iter().zip(indices).map(prediction).collect()).collect())
    }

    /// The classes of each item whose probability is at least `threshold`, the most probable first: for several labels for each
    /// item. This waits for the device.
    ///
    /// # Errors
    /// As for [`best`](Self::best).
    pub fn above(&self, threshold: f64) -> Result<Vec<Vec<Prediction>>, PredictionError> {
        let mut all = self.top(usize::MAX)?;
        for item in &mut all {
            item.retain(|prediction| prediction.probability >= threshold);
        }
        Ok(all)
    }
}

/// The numbers of a tensor on the CPU, one after another.
fn read(tensor: &Tensor, kind: Kind) -> Result<Tensor, TchError> {
    tensor.f_to_device(Device::Cpu)?.f_to_kind(kind)?.f_flatten(0, -1)
}

/// Why predictions have no classes.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum PredictionError {
    /// The classes have no names.
    #[error("the classes have no names: give them to the data with `.classes([…])`, or use the `outputs`")]
    NoClasses,
    /// The outputs have another number of dimensions, or of classes.
    #[error(
        "the outputs have the shape {shape:?}, and the data has {classes} classes: one number for each class is needed, `[items, {classes}]`"
    )]
    Shape {
        /// The shape of the outputs.
        shape: Vec<i64>,
        /// How many names of classes the data has.
        classes: usize,
    },
    /// libtorch returned an error.
    #[error("{}", crate::error::brief(.0))]
    Torch(#[from] TchError),
}

crate::error::debug_with_sources!(PredictionError);
