//! A loss function as the learner holds it, whatever output it takes.

use std::{any::Any, cell::RefCell, fmt, marker::PhantomData, sync::Arc};

use parking_lot::ReentrantMutex;
use tch::Tensor;

use super::{Activation, Loss, LossParts, Reduction};
use crate::{
    batch::{AnyOutput, Output, OutputType, Target, shallow_clone},
    error::BoxError,
    state::{State, StateError, Stateful},
};

/// A shared loss function, as the learner holds it. It is cheap to clone, and a clone is the same loss function.
///
/// A callback that replaces it keeps a clone and restores it in `on_train_end`. A loss function may call the `LossFunc` that it
/// is in.
#[derive(Clone)]
pub struct LossFunc(Arc<ReentrantMutex<RefCell<dyn Held>>>);

/// A loss function that can be called with any output and rejects those that it does not take.
trait Held: Loss<AnyOutput> {
    fn itself(&self) -> &dyn Any;
    fn takes(&self) -> OutputType;
}

/// A loss function with the type of its output.
struct Of<O, L> {
    loss: L,
    output: PhantomData<fn(&O)>,
}

impl<O: Output, L: Loss<O>> Held for Of<O, L> {
    fn itself(&self) -> &dyn Any {
        &self.loss
    }

    fn takes(&self) -> OutputType {
        OutputType::of::<O>()
    }
}

impl<O: Output, L: Loss<O>> Loss<AnyOutput> for Of<O, L> {
    fn loss(&self, output: &AnyOutput, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        self.loss.loss(output.get()?, target, reduction)
    }

    fn parts(&self) -> Vec<String> {
        self.loss.parts()
    }

    fn loss_in_parts(&self, output: &AnyOutput, target: &Target, reduction: Reduction) -> Result<LossParts, BoxError> {
        self.loss.loss_in_parts(output.get()?, target, reduction)
    }

    fn activation(&self, output: &AnyOutput) -> Result<AnyOutput, BoxError> {
        self.loss.activation(output.get()?).map(AnyOutput::new)
    }

    fn known_activation(&self) -> Option<Activation> {
        self.loss.known_activation()
    }

    fn linear_in_target(&self) -> bool {
        self.loss.linear_in_target()
    }

    fn takes_mixed(&self) -> bool {
        self.loss.takes_mixed()
    }

    fn per_item(&self) -> bool {
        self.loss.per_item()
    }

    fn check(&self, output: &AnyOutput, target: &Target) -> Result<(), BoxError> {
        self.loss.check(output.get()?, target)
    }

    fn mixed_loss(
        &self,
        output: &AnyOutput,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, BoxError> {
        self.loss.mixed_loss(output.get()?, first, second, weight, reduction)
    }

    fn mixed_loss_in_parts(
        &self,
        output: &AnyOutput,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<LossParts, BoxError> {
        self.loss.mixed_loss_in_parts(output.get()?, first, second, weight, reduction)
    }

    fn name(&self) -> String {
        self.loss.name()
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        self.loss.stateful()
    }
}

impl LossFunc {
    /// Wraps a loss function.
    #[must_use]
    pub fn new<O: Output>(loss: impl Loss<O>) -> Self {
        Self(Arc::new(ReentrantMutex::new(RefCell::new(Of { loss, output: PhantomData }))))
    }

    /// Whether both are the same loss function, and not only of the same type.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Calls a closure with the loss function as its own type, if it is of that type.
    pub fn with<L: Any, R>(&self, look: impl FnOnce(&L) -> R) -> Option<R> {
        self.0.lock().borrow().itself().downcast_ref().map(look)
    }

    /// The type of the output that it takes.
    #[must_use]
    pub fn takes(&self) -> OutputType {
        self.0.lock().borrow().takes()
    }

    /// The name in messages and summaries.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.lock().borrow().name()
    }

    /// As [`Loss::takes_mixed`].
    #[must_use]
    pub fn takes_mixed(&self) -> bool {
        self.0.lock().borrow().takes_mixed()
    }

    /// As [`Loss::known_activation`].
    #[must_use]
    pub fn known_activation(&self) -> Option<Activation> {
        self.0.lock().borrow().known_activation()
    }

    /// As [`Loss::per_item`].
    #[must_use]
    pub fn per_item(&self) -> bool {
        self.0.lock().borrow().per_item()
    }

    /// As [`Loss::parts`].
    #[must_use]
    pub fn parts(&self) -> Vec<String> {
        self.0.lock().borrow().parts()
    }

    /// As [`Loss::linear_in_target`].
    #[must_use]
    pub fn linear_in_target(&self) -> bool {
        self.0.lock().borrow().linear_in_target()
    }

    /// As [`Loss::stateful`].
    pub fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        let has_state = self.with_stateful(|it| it.is_some());
        has_state.then_some(self)
    }

    /// Calls a closure with the loss function's state, or with `None` while the loss function is being called.
    fn with_stateful<R>(&self, call: impl FnOnce(Option<&mut dyn Stateful>) -> R) -> R {
        let loss = self.0.lock();
        match loss.try_borrow_mut() {
            Ok(mut loss) => call(loss.stateful()),
            Err(_) => call(None),
        }
    }

    /// Calls the loss function with an output, whether or not its type is known.
    fn call<O: Output, R>(
        &self,
        output: &O,
        call: impl FnOnce(&dyn Held, &AnyOutput) -> Result<R, BoxError>,
    ) -> Result<R, BoxError> {
        let loss = self.0.lock();
        let loss = loss.borrow();
        match (output as &dyn Any).downcast_ref() {
            Some(any) => call(&*loss, any),
            None => call(&*loss, &AnyOutput::new(shallow_clone(output)?)),
        }
    }
}

impl<O: Output> Loss<O> for LossFunc {
    fn loss(&self, output: &O, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        self.call(output, |loss, output| loss.loss(output, target, reduction))
    }

    fn parts(&self) -> Vec<String> {
        Self::parts(self)
    }

    fn loss_in_parts(&self, output: &O, target: &Target, reduction: Reduction) -> Result<LossParts, BoxError> {
        self.call(output, |loss, output| loss.loss_in_parts(output, target, reduction))
    }

    fn activation(&self, output: &O) -> Result<O, BoxError> {
        Ok(self.call(output, Loss::activation)?.into()?)
    }

    fn known_activation(&self) -> Option<Activation> {
        Self::known_activation(self)
    }

    fn linear_in_target(&self) -> bool {
        Self::linear_in_target(self)
    }

    fn takes_mixed(&self) -> bool {
        Self::takes_mixed(self)
    }

    fn per_item(&self) -> bool {
        Self::per_item(self)
    }

    fn check(&self, output: &O, target: &Target) -> Result<(), BoxError> {
        self.call(output, |loss, output| loss.check(output, target))
    }

    fn mixed_loss(
        &self,
        output: &O,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, BoxError> {
        self.call(output, |loss, output| loss.mixed_loss(output, first, second, weight, reduction))
    }

    fn mixed_loss_in_parts(
        &self,
        output: &O,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<LossParts, BoxError> {
        self.call(output, |loss, output| loss.mixed_loss_in_parts(output, first, second, weight, reduction))
    }

    fn name(&self) -> String {
        Self::name(self)
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Self::stateful(self)
    }
}

/// The state of the loss function in it.
impl Stateful for LossFunc {
    fn version(&self) -> u32 {
        self.with_stateful(|it| it.version())
    }

    fn save(&self) -> Result<State, StateError> {
        self.with_stateful(|it| it.save())
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.with_stateful(|mut it| it.load(state))
    }
}

impl fmt::Debug for LossFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LossFunc({})", self.name())
    }
}
