//! A model's weights in a file: all variables of its `VarStore`, parameters and buffers.
//!
//! The names are those of `tch`, which for its layers are PyTorch's, with one exception: a batch norm of `tch` does not count its batches, so
//! PyTorch's `num_batches_tracked` has no place in the model. It is passed over in a file of PyTorch's, and does not stand in ours, which
//! PyTorch accepts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::PoisonError,
};

use tch::{Kind, TchError, Tensor};

use super::{Different, Loaded, Params, WeightsError};
use crate::files::{Archive, RealDisk};

/// Tensors under these names are not weights: what else this library puts into a file.
pub(crate) const NO_WEIGHTS: &str = "mixup/";

/// Which kinds of floats may be loaded into which.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kinds {
    Same,
    /// Any floats into any others: they are rounded.
    AnyFloat,
}

impl Params {
    /// Writes all weights, parameters and buffers, into a safetensors file. The file is replaced atomically: after a crash there is the old one
    /// or the new one, never a part of one. See [`Learner::save`](crate::learner::Learner::save).
    ///
    /// # Errors
    /// [`WeightsError::File`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), WeightsError> {
        let archive = Archive { tensors: self.variables(), ..Archive::default() };
        Ok(archive.write(&RealDisk, path.as_ref())?)
    }

    /// Loads all weights from a safetensors file, on the condition that names, shapes and kinds are those of the model. Hooks may call this with
    /// `params: &Params`. See [`Learner::load`](crate::learner::Learner::load).
    ///
    /// # Errors
    /// [`WeightsError`]. The weights are unchanged then.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<(), WeightsError> {
        let path = path.as_ref();
        self.load_all(path, &Archive::read_foreign(&RealDisk, path)?)
    }

    /// Loads a part of the weights from a safetensors file. See [`Learner::load_matching`](crate::learner::Learner::load_matching).
    ///
    /// # Errors
    /// [`WeightsError`]. The weights are unchanged then.
    pub fn load_matching(
        &self,
        path: impl AsRef<Path>,
        mut name_in_file: impl FnMut(&str) -> Option<String>,
    ) -> Result<Loaded, WeightsError> {
        let path = path.as_ref();
        let archive = Archive::read_foreign(&RealDisk, path)?;
        let mut loaded = Loaded::default();
        let mut plan = Plan::new(path, Kinds::AnyFloat);
        for (name, variable) in self.variables() {
            let Some(wanted) = name_in_file(&name) else {
                loaded.kept.push(name);
                continue;
            };
            if let Some(found) = archive.tensors.get(&wanted) {
                plan.take(&name, variable, &wanted, found);
                loaded.taken.push((name, wanted));
            } else {
                loaded.missing.push((name, wanted));
            }
        }
        let is_taken = |name: &String| loaded.taken.iter().any(|(_, taken)| taken == name);
        let weights = archive.tensors.keys().filter(|name| !name.starts_with(NO_WEIGHTS));
        loaded.left = weights.filter(|name| !is_taken(name)).cloned().collect();
        if loaded.taken.is_empty() {
            let wanted = loaded.missing.into_iter().map(|(_, wanted)| wanted).collect();
            return Err(WeightsError::Nothing { path: path.to_owned(), wanted, found: loaded.left });
        }
        plan.check(Vec::new(), Vec::new(), (loaded.taken.len(), archive.tensors.len()))?;
        plan.copy()?;
        Ok(loaded)
    }

    /// Loads all weights from an archive that was read from `path`, or none.
    pub(crate) fn load_all(&self, path: &Path, archive: &Archive) -> Result<(), WeightsError> {
        let variables = self.variables();
        let mut plan = Plan::new(path, Kinds::Same);
        let mut missing = Vec::new();
        for (name, variable) in &variables {
            match archive.tensors.get(name) {
                Some(found) => plan.take(name, variable.shallow_clone(), name, found),
                // A file may have one of two tied variables.
                None if variables
                    .iter()
                    .any(|(other, it)| archive.tensors.contains_key(other) && is_tied(it, variable)) => {}
                None => missing.push(name.clone()),
            }
        }
        let is_known = |name: &str| variables.contains_key(name) || is_passed_over(name, &variables);
        let unexpected: Vec<_> = archive.tensors.keys().filter(|name| !is_known(name)).cloned().collect();
        plan.check(missing, unexpected, (variables.len(), archive.tensors.len()))?;
        plan.copy()
    }

    /// All variables, parameters and buffers, by name. A change in place changes the model.
    #[must_use]
    pub fn variables(&self) -> BTreeMap<String, Tensor> {
        let variables = self.var_store().variables_.lock().unwrap_or_else(PoisonError::into_inner);
        variables.named_variables.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect()
    }
}

/// What is to be copied, and what speaks against it. Nothing is copied before everything was checked.
struct Plan<'a> {
    path: &'a Path,
    kinds: Kinds,
    copies: Vec<Copy>,
    different: Vec<Different>,
}

struct Copy {
    name: String,
    variable: Tensor,
    found: Tensor,
}

impl<'a> Plan<'a> {
    fn new(path: &'a Path, kinds: Kinds) -> Self {
        Self { path, kinds, copies: Vec::new(), different: Vec::new() }
    }

    fn take(&mut self, name: &str, variable: Tensor, name_in_file: &str, found: &Tensor) {
        let (kind, kind_in_file) = (variable.kind(), found.kind());
        let fits = kind == kind_in_file || self.kinds == Kinds::AnyFloat && is_float(kind) && is_float(kind_in_file);
        if fits && variable.size() == found.size() {
            self.copies.push(Copy { name: name.to_owned(), variable, found: found.shallow_clone() });
        } else {
            let (name, name_in_file) = (name.to_owned(), name_in_file.to_owned());
            self.different.push(Different { name, name_in_file, in_model: form(&variable), in_file: form(found) });
        }
    }

    /// `counts` are the tensors of the model and of the file.
    fn check(
        &mut self,
        missing: Vec<String>,
        unexpected: Vec<String>,
        counts: (usize, usize),
    ) -> Result<(), WeightsError> {
        let (path, different) = (self.path.to_owned(), std::mem::take(&mut self.different));
        if !(missing.is_empty() && unexpected.is_empty() && different.is_empty()) {
            let (in_model, in_file) = counts;
            return Err(WeightsError::Mismatch { path, in_model, in_file, missing, unexpected, different });
        }
        self.check_tied(path)
    }

    /// Two variables that share their memory can't be loaded with two different tensors.
    fn check_tied(&self, path: PathBuf) -> Result<(), WeightsError> {
        for (index, one) in self.copies.iter().enumerate() {
            for other in &self.copies[..index] {
                if is_tied(&one.variable, &other.variable) && !is_same(&one.found, &other.found)? {
                    let (first, second) = (other.name.clone(), one.name.clone());
                    return Err(WeightsError::Tied { path, first, second });
                }
            }
        }
        Ok(())
    }

    /// Copies in place, so that whoever shares a variable's memory sees it, and `requires_grad` stays.
    fn copy(self) -> Result<(), WeightsError> {
        let _no_grad = tch::no_grad_guard();
        for Copy { mut variable, found, .. } in self.copies {
            variable.f_copy_(&found)?;
        }
        Ok(())
    }
}

/// Whether two variables are the same memory in the same form.
fn is_tied(one: &Tensor, other: &Tensor) -> bool {
    let form = |tensor: &Tensor| (tensor.data_ptr(), tensor.size(), tensor.stride());
    one.numel() > 0 && form(one) == form(other)
}

/// Whether two tensors of one shape have the same numbers; a NaN is equal to itself.
fn is_same(one: &Tensor, other: &Tensor) -> Result<bool, TchError> {
    if one.kind() != other.kind() {
        return Ok(false);
    }
    let same = one.f_eq_tensor(other)?.f_logical_or(&one.f_isnan()?.f_logical_and(&other.f_isnan()?)?)?;
    Ok(same.f_all()?.f_int64_value(&[])? == 1)
}

/// Whether a tensor in a file is none of the model's weights, though it is right that the file has it.
fn is_passed_over(name: &str, variables: &BTreeMap<String, Tensor>) -> bool {
    let norm = name.strip_suffix("num_batches_tracked");
    name.starts_with(NO_WEIGHTS) || norm.is_some_and(|norm| variables.contains_key(&format!("{norm}running_mean")))
}

fn is_float(kind: Kind) -> bool {
    matches!(kind, Kind::Half | Kind::BFloat16 | Kind::Float | Kind::Double)
}

fn form(tensor: &Tensor) -> String {
    format!("{:?} {:?}", tensor.kind(), tensor.size())
}
