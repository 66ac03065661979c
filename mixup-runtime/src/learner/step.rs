//! A training step: what happens between a batch and the changed parameters. The learner's own step is written as a user's is.

use std::{
    any::Any,
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use tch::{Device, Tensor};

use super::{Learner, fit::Exit};
use crate::{
    batch::{AnyOutput, Input, Output, Target},
    error::{BoxError, or_refusal},
    model::Model,
    names::{listed, short_type_name},
    rng::{Rng, hash},
    state::Stateful,
    training::{Error, IntoNumber, Position, Uses},
};

/// Trains on one batch: computes one or several losses, and has the parameters changed by them.
///
/// The learner's own step computes the loss function on the model's output and optimizes it. A step of your own is for a training
/// that has several losses for several optimizers, that runs the model more than once per batch, or that makes its own data. It
/// is given to the builder with [`step`](super::LearnerBuilder::step); all hooks still run.
///
/// ```
/// use mixup::{model::Vars, prelude::*};
/// use tch::{Device, Kind, Tensor, nn, nn::Module as _};
///
/// /// Two networks that play against each other.
/// #[derive(Debug)]
/// struct Gan {
///     generator: nn::Linear,
///     discriminator: nn::Linear,
/// }
///
/// impl Gan {
///     fn new(vs: &Vars<'_>) -> Self {
///         Self {
///             generator: nn::linear(vs / "generator", 2, 64, Default::default()),
///             discriminator: nn::linear(vs / "discriminator", 64, 1, Default::default()),
///         }
///     }
/// }
///
/// impl nn::Module for Gan {
///     fn forward(&self, noise: &Tensor) -> Tensor {
///         self.generator.forward(noise)
///     }
/// }
///
/// struct GanStep;
///
/// impl TrainStep for GanStep {
///     fn step(&mut self, now: &mut Step<'_>) -> Result<(), BoxError> {
///         let real = now.input().one()?.f_flatten(1, -1)?;
///         let noise = Tensor::f_randn([real.size()[0], 2], (real.kind(), real.device()))?;
///         let loss = {
///             let gan: &Gan = now.model()?;
///             let fake = gan.discriminator.forward(&gan.forward(&noise));
///             fake.f_softplus()?.f_mean(None)? + (-gan.discriminator.forward(&real)).f_softplus()?.f_mean(None)?
///         };
///         now.optimize("discriminator", loss)?;
///         let gan: &Gan = now.model()?;
///         let loss = (-gan.discriminator.forward(&gan.forward(&noise))).f_softplus()?.f_mean(None)?;
///         now.optimize("generator", loss)
///     }
///
///     fn uses(&self) -> &'static [Uses] {
///         &[Uses::Input]
///     }
/// }
///
/// # fn main() -> Result<(), BoxError> {
/// let real = TensorDataset::new(Tensor::rand([32, 8, 8], (Kind::Float, Device::Cpu)), Tensor::zeros([32], (Kind::Int64, Device::Cpu)))?;
/// let data = Data::builder(real).batch_size(8).build()?;
/// let mut learn = Learner::builder(data, Gan::new)
///     .step(GanStep)
///     .optimizer_for("discriminator", Adam::default().betas(0.5, 0.999))
///     .optimizer_for("generator", Adam::default().betas(0.5, 0.999))
///     .quiet()
///     .build()?;
/// let report = learn.fit(1, 2e-4)?;
/// assert_eq!(report.value_names, ["discriminator_loss", "generator_loss"]);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a training step",
    label = "implement `TrainStep` for `{Self}`"
)]
pub trait TrainStep: Any + Send {
    /// Trains on the current batch, between `on_batch_begin` and `on_batch_end`.
    ///
    /// The methods of [`Step`] run the hooks in between. An error of theirs must be passed on with `?`: a callback may have
    /// stopped the training.
    ///
    /// # Errors
    /// Any error; it ends the training, which reports the step and the batch. What libtorch rejects in a function of `tch` that
    /// panics becomes such an error too.
    fn step(&mut self, now: &mut Step<'_>) -> Result<(), BoxError>;

    /// What the step uses of what callbacks may change. A callback whose work would have no effect in this step is rejected when
    /// the learner is built: MixUp needs [`Uses::LossFunc`]. Defaults to the batch's input and target; a step that calls
    /// [`Step::loss`] returns [`Uses::ALL`].
    fn uses(&self) -> &'static [Uses] {
        &[Uses::Input, Uses::Target]
    }

    /// The names of the values that it publishes with [`Step::publish`], besides the loss of each optimizer. Defaults to none.
    fn values(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns `Some(self)` if the step is [`Stateful`]: the learner then saves and loads what it remembers. Defaults to `None`.
    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        None
    }

    /// Whether a training that goes on after a break needs nothing that the step remembers. A learner with checkpoints refuses a
    /// step that is neither stateless nor [`stateful`](Self::stateful). Defaults to whether it has nothing to remember in: a type
    /// without fields.
    fn is_stateless(&self) -> bool {
        size_of_val(self) == 0
    }

    /// The type's name, for messages.
    fn type_name(&self) -> String {
        short_type_name::<Self>()
    }
}

/// The learner's own step: the loss function on the model's output for the batch, optimized by all optimizers.
pub(super) struct Supervised;

impl TrainStep for Supervised {
    fn step(&mut self, now: &mut Step<'_>) -> Result<(), BoxError> {
        let loss = now.loss()?;
        now.optimize_all(loss)
    }

    fn uses(&self) -> &'static [Uses] {
        Uses::ALL
    }
}

/// A training step in progress: the batch, the model, and what can be done with them.
pub struct Step<'a> {
    learner: &'a mut Learner,
    uses: &'static [Uses],
    rng: Option<Rng>,
    /// Whether the model has run on the batch as it is now.
    forwarded: bool,
    optimized: bool,
    /// Why the training ends.
    exit: Option<Exit>,
}

/// The batch and the model.
impl Step<'_> {
    /// The batch's input on the device, as the callbacks of `on_batch_begin` have left it.
    #[must_use]
    pub fn input(&self) -> &Input {
        &self.learner.state.last_input
    }

    /// The batch's target on the device, as the callbacks of `on_batch_begin` have left it.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.learner.state.last_target
    }

    /// Replaces the batch, for a step that trains on parts of it in turn. Hooks see the new one from now on.
    pub fn set_batch(&mut self, input: Input, target: Target) {
        (self.learner.state.last_input, self.learner.state.last_target) = (input, target);
        self.forwarded = false;
    }

    /// The model as its own type.
    ///
    /// # Errors
    /// If the model is of another type; the message names both.
    pub fn model<M: Model>(&self) -> Result<&M, BoxError> {
        let model = &*self.learner.state.model;
        (model as &dyn Any).downcast_ref().ok_or_else(|| other_model::<M>(&model.type_name()))
    }

    /// The model as its own type, mutably.
    ///
    /// # Errors
    /// If the model is of another type; the message names both.
    pub fn model_mut<M: Model>(&mut self) -> Result<&mut M, BoxError> {
        let model = &mut *self.learner.state.model;
        let name = model.type_name();
        (model as &mut dyn Any).downcast_mut().ok_or_else(|| other_model::<M>(&name))
    }

    /// The model's device.
    #[must_use]
    pub fn device(&self) -> Device {
        self.learner.state.device
    }

    /// The epoch and the batch.
    #[must_use]
    pub fn position(&self) -> Position {
        self.learner.state.at()
    }

    /// A random number generator of the step's own: a function of the learner's seed and the batch, and of nothing else.
    pub fn rng(&mut self) -> &mut Rng {
        let state = &self.learner.state;
        self.rng.get_or_insert_with(|| state.life.stream(hash("step"), state.at(), "step"))
    }
}

/// What can be done, with the hooks that this runs.
impl Step<'_> {
    /// Runs the model on the batch, then `on_loss_begin`, whose callbacks may change the output.
    ///
    /// # Errors
    /// Those of the model and of the callbacks, to be passed on; and if the step does not declare [`Uses::Input`] and
    /// [`Uses::Output`].
    pub fn forward(&mut self) -> Result<(), BoxError> {
        self.declared(&[Uses::Input, Uses::Output])?;
        self.run(Learner::forward)?;
        self.forwarded = true;
        Ok(())
    }

    /// The output of the last [`forward`](Self::forward): as its own type (`Tensor` for modules of `tch`), or as [`AnyOutput`].
    ///
    /// # Errors
    /// If it is of another type, or if `forward` has not run.
    pub fn output<O: Output>(&self) -> Result<&O, BoxError> {
        if !self.forwarded {
            return Err("there is no output yet: call `now.forward()?` first".into());
        }
        let output: &AnyOutput = &self.learner.state.last_output;
        Ok(output.get()?)
    }

    /// Computes the learner's loss function on the output and the target: the mean, one number. Runs the model first if it has
    /// not run on this batch.
    ///
    /// # Errors
    /// Those of the model, the loss function and the callbacks, to be passed on; and if the step does not declare [`Uses::ALL`].
    pub fn loss(&mut self) -> Result<Tensor, BoxError> {
        self.declared(Uses::ALL)?;
        if !self.forwarded {
            self.forward()?;
        }
        self.run(Learner::loss)?;
        Ok(mem::replace(&mut self.learner.state.last_loss, Tensor::new()))
    }

    /// Has one optimizer change its parameters by a loss: `on_backward_begin`, the backward pass, `on_backward_end`, the
    /// optimizer's step, `on_step_end`. Its gradients are then dropped. The parameters of other optimizers get no gradients from
    /// this loss, and theirs are left alone.
    ///
    /// `name` is that of the optimizer: the group of an [`optimizer_for`](super::LearnerBuilder::optimizer_for), or `default`. A learner with several
    /// optimizers publishes the loss as the value `<name>_loss`.
    ///
    /// # Errors
    /// Those of the callbacks and of libtorch, to be passed on; if there is no such optimizer, or if the loss is not one number.
    pub fn optimize(&mut self, name: &str, loss: Tensor) -> Result<(), BoxError> {
        let part = match self.learner.state.parts.place(name) {
            Ok(part) => part,
            Err(names) => {
                return Err(format!("there is no optimizer `{name}`: the optimizers are {}", listed(&names)).into());
            }
        };
        self.run(|learner| learner.optimize(loss, part))?;
        self.optimized = true;
        Ok(())
    }

    /// The same with all parameters and all optimizers, for one loss.
    ///
    /// # Errors
    /// As for [`optimize`](Self::optimize).
    pub fn optimize_all(&mut self, loss: Tensor) -> Result<(), BoxError> {
        self.run(|learner| learner.optimize(loss, None))?;
        self.optimized = true;
        Ok(())
    }

    /// Publishes a value under one of the names that the step declares in [`values`](TrainStep::values): a number, or a tensor of
    /// one element, which is not read now.
    ///
    /// # Errors
    /// If the step does not declare the name, or if the tensor does not have one element.
    pub fn publish(&mut self, name: &str, number: impl IntoNumber) -> Result<(), BoxError> {
        match self.learner.callbacks.board().set(name, number) {
            Some(set) => Ok(set?),
            None => Err(format!("it publishes `{name}` and does not declare it: add it to its `values()`").into()),
        }
    }

    /// Runs a part of the loop. Once the training ends, nothing runs any more.
    fn run(&mut self, part: impl FnOnce(&mut Learner) -> Result<(), Exit>) -> Result<(), BoxError> {
        if self.exit.is_none() {
            self.exit = part(self.learner).err();
        }
        if self.exit.is_some() { Err(Ends.into()) } else { Ok(()) }
    }

    /// Checks that the step has declared what it uses: callbacks were checked against that.
    fn declared(&self, used: &[Uses]) -> Result<(), BoxError> {
        match used.iter().find(|used| !self.uses.contains(used)) {
            None => Ok(()),
            Some(used) => {
                let name = used.name();
                Err(format!("it uses `{name}` and does not declare it: add `Uses::{used:?}` to its `uses()`").into())
            }
        }
    }
}

/// What a step gets when the training ends. The reason is known to the learner.
#[derive(Debug)]
struct Ends;

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the training ends here: the step passes this error on with `?`")
    }
}

impl std::error::Error for Ends {}

fn other_model<M: Model>(model: &str) -> BoxError {
    format!("it asks for the model as `{}`, and this learner's is `{model}`", short_type_name::<M>()).into()
}

impl Learner {
    /// Runs the step on the current batch.
    pub(super) fn train_batch(&mut self) -> Result<(), Exit> {
        let mut step = mem::replace(&mut self.step, Box::new(Supervised));
        let uses = step.uses();
        let mut now = Step { learner: self, uses, rng: None, forwarded: false, optimized: false, exit: None };
        let done = catch_unwind(AssertUnwindSafe(|| or_refusal(|| step.step(&mut now))));
        let Step { exit, optimized, .. } = now;
        self.step = step;
        let done = done.unwrap_or_else(|payload| resume_unwind(payload));
        let failed = |source| Error::Step { step: self.step.type_name(), at: self.state.at(), source };
        match (exit, done) {
            (Some(exit), _) => Err(exit),
            (None, Err(source)) => Err(failed(source).into()),
            (None, Ok(())) if !optimized => Err(failed(NOTHING_OPTIMIZED.into()).into()),
            (None, Ok(())) => Ok(()),
        }
    }
}

const NOTHING_OPTIMIZED: &str = "it optimized nothing: call `now.optimize(…)` or `now.optimize_all(…)`; to leave a batch out, a \
                                 callback returns `SkipBatch` from `on_batch_begin`";
