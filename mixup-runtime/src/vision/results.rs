//! Draws what a model predicts.

use std::path::Path;

use tch::{Kind, Tensor};

use crate::{
    batch::Target,
    data::{Cell, Colour, DataError, Part, draw},
    learner::Learner,
    rng::ItemRngs,
    training::Error,
};

/// How many pictures are drawn.
const PICTURES: usize = 16;

impl Learner {
    /// Draws sixteen validation pictures, at equal distances, into a PNG file: below each its class and the predicted one, with the probability, in green
    /// if they agree and in red if not. Of pictures with several classes or with numbers it shows both.
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("results.png");
    /// let mut learn = Learner::builder(ImageData::digits()?.build()?, |vs| simple_cnn(vs, &[1, 16, 10])).quiet().build()?;
    /// learn.fit(1, 3e-3)?;
    /// learn.show_results(&path)?; // "results.png"
    /// # assert!(path.exists());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there is no validation data, if its items are no pictures, as for [`predict`](Self::predict), or if the file can't be written.
    pub fn show_results(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let data_error = |source| Error::Pictures { source: Box::new(source) };
        let loader = self.data().part(Part::Valid).ok_or(Error::NoValidation { what: "show results of" })?;
        let items = loader.items().unwrap_or_default();
        let count = items.min(PICTURES).min(loader.batch_size());
        let chosen: Vec<usize> = (0..count).map(|k| k * items / count.max(1)).collect();
        let batch = loader.batch(&chosen, 0, &ItemRngs::new(0, 0).valid()).map_err(data_error)?;
        let predictions = self.predict(&batch.input)?;
        let truths = self.data().captions(&batch.target).map_err(data_error)?;
        let best = predictions.best();
        let pictures = self.data().pictures(&batch.input).map_err(data_error)?;
        let found: Vec<(String, Option<bool>)> = if let (Target::Classes(_), Ok(best)) = (&batch.target, best) {
            best.iter().zip(&truths).map(|(best, truth)| (best.to_string(), Some(best.class == *truth))).collect()
        } else {
            let found = self.found(predictions.outputs).map_err(data_error)?;
            let found = self.data().captions(&Target::Dense(found)).map_err(data_error)?;
            found.into_iter().map(|text| (text, None)).collect()
        };
        let cells = pictures.into_iter().zip(truths).zip(found).map(|((picture, truth), (found, right))| {
            let colour = right.map_or(Colour::Black, |right| if right { Colour::Green } else { Colour::Red });
            Cell { picture, lines: vec![(truth, Colour::Black), (found, colour)] }
        });
        draw(&cells.collect::<Vec<_>>(), path.as_ref()).map_err(data_error)
    }
    /// What is predicted for pictures with several classes or with numbers: the classes that are more probable than not, or the numbers.
    fn found(&self, outputs: Tensor) -> Result<Tensor, DataError> {
        let are_classes = outputs.size().get(1).is_some_and(|columns| *columns == self.data().classes().len() as i64);
        Ok(if are_classes { outputs.f_ge(0.5)?.f_to_kind(Kind::Float)? } else { outputs })
    }
}
