//! Loss functions that are weighted and added: what [`MultiTask`](super::MultiTask) and [`LossSum`](super::LossSum) have in
//! common.

use std::cell::RefCell;

use tch::Tensor;

use super::{Loss, LossError, LossParts, Reduction};
use crate::{
    batch::Output,
    error::BoxError,
    state::{State, StateError, Stateful},
};

/// Several loss functions, in their order.
pub(super) struct Addends<O: Output>(Vec<Addend<O>>);

pub(super) struct Addend<O: Output> {
    pub name: Option<String>,
    pub weight: f64,
    /// To be changed by [`Addends::save`], which has only `&self`, and asks the loss functions for their states.
    pub loss: RefCell<Box<dyn Loss<O>>>,
}

impl<O: Output> Default for Addends<O> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<O: Output> Addends<O> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Addend<O>> {
        self.0.iter()
    }

    /// Adds a loss function. The caller has checked its weight.
    pub(super) fn push(&mut self, weight: f64, loss: impl Loss<O>) {
        self.0.push(Addend { name: None, weight, loss: RefCell::new(Box::new(loss)) });
    }

    /// Names the last one.
    pub(super) fn name_last(&mut self, of: &'static str, name: String) -> Result<(), LossError> {
        if name.is_empty() || self.0.iter().any(|addend| addend.name.as_ref() == Some(&name)) {
            return Err(LossError::PartName { loss: of, name });
        }
        let last = self.0.last_mut().ok_or(LossError::NoPart { loss: of })?;
        last.name = Some(name);
        Ok(())
    }

    /// The names, without those that have none.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.iter().filter_map(|addend| addend.name.clone()).collect()
    }

    /// The names of the loss functions, for messages.
    pub(super) fn losses(&self) -> String {
        let names: Vec<_> = self.0.iter().map(|addend| addend.loss.borrow().name()).collect();
        names.join(", ")
    }

    /// Whether all of them have losses of items.
    pub(super) fn per_item(&self) -> bool {
        self.0.iter().all(|addend| addend.loss.borrow().per_item())
    }

    /// Checks each of them, as `check` does it.
    pub(super) fn check(&self, check: impl Fn(usize, &dyn Loss<O>) -> Result<(), BoxError>) -> Result<(), BoxError> {
        self.0.iter().enumerate().try_for_each(|(at, addend)| check(at, &**addend.loss.borrow()))
    }

    /// The weighted sum of what `judge` returns for each loss function, with the parts that have a name. With `Mean` it is the
    /// sum of their means. With `None` it is `[items]`, and several losses of an item count with their mean; `Sum` is the sum of
    /// these.
    pub(super) fn sum(
        &self,
        of: &'static str,
        items: usize,
        reduction: Reduction,
        judge: impl Fn(usize, &dyn Loss<O>, Reduction) -> Result<Tensor, BoxError>,
    ) -> Result<LossParts, BoxError> {
        let (mut total, mut parts): (Option<Tensor>, _) = (None, Vec::new());
        for (at, addend) in self.0.iter().enumerate() {
            let function = addend.loss.borrow();
            let loss = if reduction == Reduction::Mean {
                judge(at, &**function, Reduction::Mean)?
            } else {
                let losses = judge(at, &**function, Reduction::None)?;
                super::per_item_losses(|| function.name(), &losses, items)?;
                super::mean_of_each(&losses)?
            };
            let weighted = loss.f_mul_scalar(addend.weight)?;
            if addend.name.is_some() {
                parts.push(if reduction == Reduction::Sum { reduction.of(&loss)? } else { loss });
            }
            total = Some(match total {
                Some(total) => total.f_add(&weighted)?,
                None => weighted,
            });
        }
        let total = total.ok_or(LossError::NoPart { loss: of })?;
        Ok(LossParts { total: if reduction == Reduction::Sum { reduction.of(&total)? } else { total }, parts })
    }

    /// Whether any of them is [`Stateful`].
    pub(super) fn has_state(&mut self) -> bool {
        self.0.iter_mut().any(|addend| addend.loss.get_mut().stateful().is_some())
    }
}

/// Whether a weight is a finite number that is not negative.
pub(super) fn is_weight(weight: f64) -> bool {
    weight.is_finite() && weight >= 0.0
}

/// The states of the loss functions, by their numbers.
impl<O: Output> Stateful for Addends<O> {
    fn save(&self) -> Result<State, StateError> {
        let mut state = State::new();
        for (number, addend) in self.0.iter().enumerate() {
            if let loss @ Some(_) = addend.loss.borrow_mut().stateful() {
                state = state.with_part(&number.to_string(), &loss)?;
            }
        }
        Ok(state)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        for (number, addend) in self.0.iter_mut().enumerate() {
            if let Some(loss) = addend.loss.get_mut().stateful() {
                state.part(&number.to_string())?.load_into(loss)?;
            }
        }
        Ok(())
    }
}
