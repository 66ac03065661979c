//! Weights in a file: saving and loading them, all or a part.

use std::path::Path;

use super::Learner;
use crate::model::{Loaded, WeightsError};

impl Learner {
    /// Writes all weights, the model's parameters and buffers, into a safetensors file, under the names of the `VarStore`. For `tch`'s layers
    /// these are PyTorch's names, so PyTorch can read the file.
    ///
    /// The file is replaced atomically and durably: after a crash or a loss of power there is the old one or the new one, never a part of one.
    /// It has a digest, so [`load`](Self::load) notices if a byte has changed.
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("model.safetensors");
    /// let digits = || ImageData::digits()?.build();
    /// let mut learn = Learner::builder(digits()?, |vs| simple_cnn(vs, &[1, 8, 10])).quiet().build()?;
    /// learn.fit(1, 3e-3)?;
    /// learn.save(&path)?; // "model.safetensors"
    ///
    /// let mut other = Learner::builder(digits()?, |vs| simple_cnn(vs, &[1, 8, 10])).quiet().build()?;
    /// other.load(&path)?;
    /// assert_eq!(other.validate()?, learn.validate()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`WeightsError::File`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), WeightsError> {
        self.state.params.save(path)
    }

    /// Loads all weights from a safetensors file: one that [`save`](Self::save) has written, or one of another program, such as PyTorch.
    ///
    /// This is strict. The file must have exactly the model's names, with the same shapes and kinds, and all of this is checked before the first
    /// weight changes. `num_batches_tracked` of PyTorch's batch norms is passed over, since those of `tch` do not have it.
    ///
    /// The weights change in place: frozen ones stay frozen, and tied ones stay tied. Everything else stays as well, such as the optimizer's
    /// moments.
    ///
    /// # Errors
    /// [`WeightsError::Mismatch`] lists what is missing, unexpected or different. After an error the weights are unchanged.
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<(), WeightsError> {
        self.state.params.load(path)
    }

    /// Loads a part of the weights from a safetensors file, such as a pretrained trunk. The closure gets the name of each of the model's weights and
    /// returns its name in the file, or `None` to keep the weight as it is.
    ///
    /// Shapes must be the same. Floats may be of another kind, and are rounded to that of the model. The report says what was taken, what was kept,
    /// what is missing in the file, and what is left there.
    ///
    /// ```
    /// use mixup::prelude::*;
    /// use tch::nn::linear;
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("pretrained.safetensors");
    /// # let data = || Data::of_steps(1);
    /// let first = Learner::builder(data()?, |vs| linear(vs / "body", 3, 2, Default::default())).quiet().build()?;
    /// first.save(&path)?;
    ///
    /// let model = |vs: &mixup::model::Vars<'_>| {
    ///     tch::nn::seq()
    ///         .add(linear(vs / "trunk", 3, 2, Default::default()))
    ///         .add(linear(vs / "head", 2, 5, Default::default()))
    /// };
    /// let mut learn = Learner::builder(data()?, model).quiet().build()?;
    /// let loaded = learn.load_matching(&path, |name| Some(format!("body.{}", name.strip_prefix("trunk.")?)))?;
    /// assert_eq!(loaded.to_string(), "taken: 2; kept: 2 (`head.bias`, `head.weight`)");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`WeightsError`]: if nothing was taken, or if a tensor that would be taken has another shape or kind. The weights are unchanged then.
    pub fn load_matching(
        &mut self,
        path: impl AsRef<Path>,
        name_in_file: impl FnMut(&str) -> Option<String>,
    ) -> Result<Loaded, WeightsError> {
        self.state.params.load_matching(path, name_in_file)
    }
}
