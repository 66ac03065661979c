//! A model's parameters, by name, in the order in which the model created them.

use std::{
    cell::OnceCell,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use tch::{TchError, Tensor, nn::VarStore};

use super::{
    Gradients, GroupError,
    dropper::Dropper,
    groups::{Found, Grouping},
};

/// A trainable parameter of a model.
#[derive(Debug)]
pub struct Param {
    pub(super) name: String,
    pub(super) tensor: Tensor,
    pub(super) group: usize,
    pub(super) decays: bool,
}

impl Param {
    /// The name in the `VarStore`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tensor. A shallow clone of it is the same parameter.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// The index of its group in [`Params::groups`].
    #[must_use]
    pub fn group(&self) -> usize {
        self.group
    }

    /// Whether weight decay applies: false if a `no_decay` rule excepts the parameter.
    #[must_use]
    pub fn decays(&self) -> bool {
        self.decays
    }

    /// Whether the parameter is frozen: training leaves it alone.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        !self.tensor.requires_grad()
    }

    /// The gradient for an optimizer's step: `None` if the parameter is frozen, or if no loss has depended on it since the last
    /// [`zero_grad`](Params::zero_grad).
    ///
    /// # Errors
    /// Any error from libtorch.
    pub fn gradient(&self) -> Result<Option<Tensor>, TchError> {
        // A parameter that is frozen after the backward pass still has a gradient.
        if self.is_frozen() {
            return Ok(None);
        }
        Ok(Some(self.tensor.f_grad()?).filter(Tensor::defined))
    }

    fn shared(&self, group: usize) -> Self {
        Self { name: self.name.clone(), tensor: self.tensor.shallow_clone(), group, decays: self.decays }
    }
}

/// The parameters of a model: its `VarStore`, which of its variables are trained, and in which groups.
#[derive(Debug)]
pub struct Params {
    var_store: VarStore,
    trained: Vec<Param>,
    groups: Vec<String>,
    dropper: OnceCell<Dropper>,
    /// Whether there was a warning about the statistics of frozen batch norms.
    pub(super) told: AtomicBool,
}

impl Params {
    /// The parameters that a model created under this `VarStore`, in their groups.
    pub(crate) fn new(var_store: VarStore, grouping: &Grouping) -> Result<Self, GroupError> {
        let names = var_store.variables();
        let mut names: Vec<_> = names.iter().collect();
        names.sort_by_key(|(name, _)| *name);
        let name_of = |tensor: &Tensor| {
            let found = names.iter().find(|(_, other)| other.data_ptr() == tensor.data_ptr());
            found.map_or_else(String::new, |(name, _)| (*name).clone())
        };
        let found = {
            let variables = var_store.variables_.lock().unwrap_or_else(PoisonError::into_inner);
            let found = variables.trainable_variables.iter().map(|var| Found {
                name: name_of(&var.tensor),
                tensor: var.tensor.shallow_clone(),
                number: var.group,
            });
            found.collect()
        };
        let (groups, trained) = grouping.part(found)?;
        Ok(Self { var_store, trained, groups, dropper: OnceCell::new(), told: AtomicBool::new(false) })
    }

    /// The trainable parameters with their names, in the order in which the model created them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.trained.iter().map(|param| (param.name(), param.tensor()))
    }

    /// The trainable parameters with their groups, in the same order.
    #[must_use]
    pub fn as_slice(&self) -> &[Param] {
        &self.trained
    }

    /// How many trainable parameters (tensors) there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.trained.len()
    }

    /// Whether the model has nothing to train.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trained.is_empty()
    }

    /// The total number of elements in all trainable parameters.
    #[must_use]
    pub fn numel(&self) -> usize {
        self.trained.iter().map(|param| param.tensor.numel()).sum()
    }

    /// The names of the groups, at least one, in their order.
    ///
    /// The groups that the builder was given come first, in the order in which it got them. Then come `default`, the group of all other
    /// parameters, and the groups of `tch`'s `Path::set_group`, by their numbers.
    #[must_use]
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The parameters of a group.
    ///
    /// # Errors
    /// [`GroupError::Unknown`], which lists the groups.
    pub fn group(&self, name: &str) -> Result<impl Iterator<Item = &Param>, GroupError> {
        let group = self.place_of(name)?;
        Ok(self.trained.iter().filter(move |param| param.group == group))
    }

    /// The parameters of some groups, for an optimizer that changes only these. They have the same names and the same order, and their
    /// tensors and the `VarStore` are shared.
    ///
    /// # Errors
    /// [`GroupError::Unknown`], which lists the groups.
    pub fn only(&self, groups: &[&str]) -> Result<Self, GroupError> {
        let places = groups.iter().map(|name| self.place_of(name)).collect::<Result<Vec<_>, _>>()?;
        let kept: Vec<_> = (0..self.groups.len()).filter(|place| places.contains(place)).collect();
        let in_group = |param: &Param| Some(param.shared(kept.iter().position(|&place| place == param.group)?));
        // A `VarStore` can't be cloned, but the variables in it are shared.
        let mut var_store = VarStore::new(self.var_store.device());
        var_store.variables_ = Arc::clone(&self.var_store.variables_);
        Ok(Self {
            var_store,
            trained: self.trained.iter().filter_map(in_group).collect(),
            groups: kept.iter().map(|&place| self.groups[place].clone()).collect(),
            dropper: OnceCell::new(),
            told: AtomicBool::new(self.told.load(Relaxed)),
        })
    }

    pub(super) fn place_of(&self, name: &str) -> Result<usize, GroupError> {
        let found = self.groups.iter().position(|group| group == name);
        found.ok_or_else(|| GroupError::Unknown { group: name.to_owned(), groups: self.groups.clone() })
    }

    /// The `VarStore`, for saving, and for buffers such as the running means of batch normalisation.
    #[must_use]
    pub fn var_store(&self) -> &VarStore {
        &self.var_store
    }

    /// The `VarStore`, mutably, for loading or converting.
    pub fn var_store_mut(&mut self) -> &mut VarStore {
        &mut self.var_store
    }

    /// Drops the gradients of these parameters, as PyTorch's `zero_grad` does: until the next backward pass they have none.
    ///
    /// The backward pass then hands over the gradients that it computes. If there were zeros, it would add to them.
    ///
    /// # Errors
    /// Any error from libtorch.
    pub fn zero_grad(&self) -> Result<(), TchError> {
        if let Some(dropper) = self.dropper.get() {
            return dropper.drop_gradients(&self.trained);
        }
        let dropper = Dropper::new(&self.trained)?;
        self.dropper.get_or_init(|| dropper).drop_gradients(&self.trained)
    }

    /// The gradients of the trainable parameters.
    #[must_use]
    pub(crate) fn gradients(&self) -> Gradients {
        Gradients { of: self.trained.iter().map(|param| (param.name.clone(), param.tensor.shallow_clone())).collect() }
    }
}
