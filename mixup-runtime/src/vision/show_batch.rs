//! Draws what callbacks make of a batch.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mixup_macros::callback;

use crate::{
    batch::{Input, Target},
    callback::StopTraining,
    data::{Data, DataError},
    learner::Learner,
    training::Error,
};

impl Learner {
    /// Draws sixteen pictures of the first batch of the next training into a PNG file, as the model will get them: transformed by the data, then changed
    /// by callbacks such as [`MixUp`](crate::callbacks::mixing::MixUp). Below each is its label, or both labels with their shares:
    /// `0.70 cat + 0.30 dog`. After that everything is as before, to the bit, so the training does begin with these pictures.
    ///
    /// [`Data::show_batch`] draws them before callbacks have changed them.
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("mixed.png");
    /// let data = ImageData::digits()?.build()?;
    /// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10])).mixup().quiet().build()?;
    /// learn.show_batch(&path)?; // "mixed.png"
    /// # assert!(path.exists());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The hooks up to `on_batch_begin` run, and those that end what they began. For other callbacks it is a sweep over learning rates that ends with
    /// its first batch: one that writes somewhere leaves it out if it asks for `finder: Option<&LrFinder>`.
    ///
    /// # Errors
    /// If the items are no pictures, if the file can't be written, and the error of any callback and of the data.
    pub fn show_batch(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let draws = DrawBatch { path: path.as_ref().to_owned() };
        self.with_callback("show_batch", draws, |learner| learner.lr_find().map(drop))
    }
}

/// Draws the first training batch when all other callbacks have changed it, and ends the training.
struct DrawBatch {
    path: PathBuf,
}

#[callback(crate = crate, order = 1_000_000, stateless)]
impl DrawBatch {
    #[on(train)]
    fn on_batch_begin(&self, data: &Data, last_input: &Input, last_target: &Target) -> Result<StopTraining, DataError> {
        let (png, _) = data.png(last_input, last_target)?;
        fs::write(&self.path, png).map_err(|cause| DataError::Write { file: self.path.clone(), cause })?;
        Ok(StopTraining::because("the batch is drawn"))
    }
}
