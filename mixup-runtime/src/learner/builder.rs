//! The builder of a learner.

use std::time::Duration;

use rand::SeedableRng as _;
use tch::{Device, Tensor, nn::VarStore};

use super::{
    Checkpoints, Learner, autocast,
    checkpoint::Writer,
    device,
    resume::Points,
    step::{Supervised, TrainStep},
};
use crate::{
    batch::{AnyOutput, Input, OutputType, Target},
    callback::{Callback, Callbacks},
    callbacks::{Progress, ValidateEvery, mixing::MixUp},
    data::{Data, InOrder, Sampling},
    loss::{CrossEntropy, Loss, LossFunc},
    metrics::{Metric, MetricFunc},
    model::{DEFAULT_GROUP, Grouping, Model, Params, Vars},
    optim::{AdamW, Optimizer, Optimizers},
    rng::Rng,
    training::{
        BuildError, Error, Internal, Interrupt, Life, Outcome, Parts, RunningLoss, State, Tally, Values, World,
    },
};

type BuildModel<M> = Box<dyn FnOnce(&Vars<'_>) -> M>;

/// Builds a learner; created by [`Learner::builder`].
///
/// The defaults are cross-entropy (a model whose output is not one tensor needs a [`loss`](Self::loss)), AdamW with fastai's
/// settings, no metrics, the CPU, seed 0, and a printed table. `M` is the model: loss functions and metrics must take its output.
#[must_use = "a builder does nothing until `build`"]
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct LearnerBuilder<M> {
    data: Data,
    model: BuildModel<M>,
    loss_func: LossFunc,
    opt: Box<dyn Optimizer>,
    optimizers: Vec<(String, Box<dyn Optimizer>)>,
    step: Box<dyn TrainStep>,
    checkpoints: Option<Checkpoints>,
    grouping: Grouping,
    metrics: Vec<(String, MetricFunc)>,
    callbacks: Callbacks,
    device: Device,
    seed: u64,
    world: World,
    quiet: bool,
    strict: bool,
    keep_freed_memory: bool,
    handle_signals: bool,
    autocast: bool,
    finish: Option<Finish>,
}

/// What is done with a learner that has just been built.
type Finish = Box<dyn FnOnce(&mut Learner) -> Result<(), Error>>;

impl<M: Model> LearnerBuilder<M> {
    pub(super) fn new(data: Data, model: BuildModel<M>) -> Self {
        Self {
            data,
            model,
            loss_func: LossFunc::new(CrossEntropy::default()),
            opt: Box::new(AdamW::default()),
            optimizers: Vec::new(),
            step: Box::new(Supervised),
            checkpoints: None,
            grouping: Grouping::default(),
            metrics: Vec::new(),
            callbacks: Callbacks::default(),
            device: Device::Cpu,
            seed: 0,
            world: World::default(),
            quiet: false,
            strict: false,
            keep_freed_memory: true,
            handle_signals: true,
            autocast: false,
            finish: None,
        }
    }

    /// Sets the loss function: one of [`loss`](crate::loss), your own, or a closure that takes `(output, target, reduction)`.
    ///
    /// A closure must be written with the types of its arguments:
    ///
    /// ```
    /// # use mixup::prelude::*;
    /// # use tch::Tensor;
    /// # fn main() -> Result<(), BoxError> {
    /// # let data = ImageData::digits()?.build()?;
    /// let learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 8, 10]))
    ///     .loss(|output: &Tensor, target: &Target, reduction: Reduction| CrossEntropy::default().loss(output, target, reduction))
    /// #   .quiet().build()?;
    /// # let _ = learn;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// `|output, target, reduction| …` without types does not compile: «implementation of `FnOnce` is not general enough». A function or closure with two
    /// arguments is wrapped, in [`per_item`](crate::loss::per_item) if it returns the items' losses, and in
    /// [`of_batch`](crate::loss::of_batch) if it returns the loss of the batch. [`LossSum`](crate::loss::LossSum) adds several
    /// losses and publishes each.
    pub fn loss(mut self, loss: impl Loss<M::Output>) -> Self {
        self.loss_func = LossFunc::new(loss);
        self
    }

    /// Sets the optimizer.
    pub fn optimizer(mut self, opt: impl Optimizer) -> Self {
        self.opt = Box::new(opt);
        self
    }

    /// Adds an optimizer for one group of the parameters, as the networks of a GAN need. The parameters of all other groups have
    /// the optimizer of [`optimizer`](Self::optimizer), whose name is `default`.
    ///
    /// If no [`group`](Self::group) has this name, the group is made of the parameters under the path `group`: those whose names
    /// begin with `generator.` for `generator`.
    ///
    /// Hooks see all optimizers as one, [`Optimizers`]: `opt.hyper_mut("generator")?.lr` is the learning rate of the generator.
    /// The learner's own step lets each optimizer step after one backward pass; a [`step`](Self::step) of your own has one loss
    /// for each.
    pub fn optimizer_for(mut self, group: impl Into<String>, opt: impl Optimizer) -> Self {
        self.optimizers.push((group.into(), Box::new(opt)));
        self
    }

    /// Replaces the training step, which is the learner's own otherwise: the loss function on the model's output, optimized by
    /// all optimizers. Validation and predictions are not affected.
    pub fn step(mut self, step: impl TrainStep) -> Self {
        self.step = Box::new(step);
        self
    }

    /// Writes checkpoints, from which a program that was killed goes on with [`resume`](Learner::resume).
    ///
    /// ```no_run
    /// use mixup::prelude::*;
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// let data = ImageData::from_folder("photos")?.build()?;
    /// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[3, 32, 64, 2]))
    ///     .metric(accuracy)
    ///     .checkpoints(Checkpoints::in_dir("runs/a").every_epochs(1).keep_best(accuracy))
    ///     .build()?;
    /// if std::env::args().any(|arg| arg == "--resume") {
    ///     learn.resume()?;
    /// } else {
    ///     learn.fit(90, 1e-3)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn checkpoints(mut self, checkpoints: Checkpoints) -> Self {
        self.checkpoints = Some(checkpoints);
        self
    }

    /// Adds a group of parameters, which has its own learning rate and other settings and can be frozen: the trainable parameters
    /// for which `matches(name, tensor)` is true.
    ///
    /// The groups are a partition: the first group that matches a parameter has it. Their order is that of the calls. After them
    /// come `default`, the group of all other parameters, and the groups that the model created with `tch`'s `Path::set_group`,
    /// whose names are their numbers (`1`, `2`, …; the number 0 is `default`).
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// let data = ImageData::digits()?.build()?;
    /// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 8, 16, 10]))
    ///     .group("stem", |name, _| name.starts_with("0."))
    ///     .no_decay(|_, tensor| tensor.dim() < 2)
    ///     .quiet()
    ///     .build()?;
    /// learn.freeze("stem")?;
    /// learn.fit(1, 1e-2)?;
    /// learn.unfreeze();
    /// learn.fit(1, Lr::spread(1e-3, 1e-2))?;
    /// assert_eq!(learn.opt().hyper("stem")?.lr, 1e-3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn group(mut self, name: impl Into<String>, matches: impl Fn(&str, &Tensor) -> bool + 'static) -> Self {
        self.grouping.group(name.into(), matches);
        self
    }

    /// Adds a rule that excepts parameters from weight decay, whatever their group: those for which `matches(name, tensor)` is
    /// true. With several rules, each excepts its parameters.
    ///
    /// Biases and the weights of norms are usually excepted: `.no_decay(|_, tensor| tensor.dim() < 2)`.
    pub fn no_decay(mut self, matches: impl Fn(&str, &Tensor) -> bool + 'static) -> Self {
        self.grouping.no_decay(matches);
        self
    }

    /// Adds a metric under the name of its function.
    pub fn metric(mut self, metric: impl Metric<M::Output>) -> Self {
        self.metrics.push((metric.name(), MetricFunc::new(metric)));
        self
    }

    /// Adds a metric under a given name, for closures.
    pub fn metric_named(mut self, name: impl Into<String>, metric: impl Metric<M::Output>) -> Self {
        self.metrics.push((name.into(), MetricFunc::new(metric)));
        self
    }

    /// Adds a callback, after all callbacks of the same order.
    pub fn callback(mut self, callback: impl Callback) -> Self {
        self.callbacks.add(callback, None);
        self
    }

    /// Adds a callback under a given name. The name is used in messages, in listings and for the callback's state, and other
    /// callbacks ask for it by this name (`#[name = "by-loss"] stopping: &EarlyStopping`). Without a given name, a callback has
    /// the name of its type, and the second of a type has a number after it: `Type#2`.
    pub fn callback_named(mut self, name: impl Into<String>, callback: impl Callback) -> Self {
        self.callbacks.add(callback, Some(name.into()));
        self
    }

    /// Validates after every `batches` training batches as well as at the end of each epoch: adds the callback
    /// [`ValidateEvery`](crate::callbacks::ValidateEvery). Its measurements are published; the row of the epoch shows the
    /// validation at the epoch's end.
    pub fn validate_every(self, batches: usize) -> Self {
        self.callback(ValidateEvery::batches(batches))
    }

    /// Adds `MixUp` with its defaults: alpha 0.4, `stack_x` false, `stack_y` true.
    pub fn mixup(self) -> Self {
        self.callback(MixUp::default())
    }

    /// Sets the device of the model, to which each batch is sent.
    pub fn device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// Sets whether the model and the loss function run in mixed precision on a GPU, as in PyTorch's `torch.autocast`: matrix products and convolutions in
    /// half precision, the rest as it is. The parameters stay in single precision. Add a [`GradScaler`](crate::callbacks::GradScaler) to it. Defaults to
    /// false.
    ///
    /// It is around the whole forward pass and the loss, which no callback can be, because a hook is a moment. A [training step](Self::step) of your own
    /// that calls the model itself calls it within `tch::autocast`.
    pub fn autocast(mut self, autocast: bool) -> Self {
        self.autocast = autocast;
        self
    }

    /// Sets the seed of everything random: on one machine, the same seed gives the same bits.
    ///
    /// Everything random is a function of the seed, of who draws, and of the place in the learner's life: another callback,
    /// another metric or a validation in between changes nothing for the others. libtorch's generator, from which dropout draws,
    /// is seeded before each batch; the process has one, so two learners that train at the same time in one process disturb each
    /// other's dropout.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets which of several processes that train together this one is: [`World`] says what follows from that. Defaults to the only one.
    ///
    /// `builder.data_parallel(&mpi)` of the crate `mixup-mpi` sets it, and adds the callback that communicates.
    pub fn world(mut self, world: World) -> Self {
        self.world = world;
        self
    }

    /// Rejects callbacks that change the same value in one hook without an order between them (`before`, `after`, a different
    /// `order`). [`training_loop`](Learner::training_loop) lists such pairs in any case.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Sets what is done with the learner once it is built.
    pub(crate) fn finish(mut self, finish: impl FnOnce(&mut Learner) -> Result<(), Error> + 'static) -> Self {
        self.finish = Some(Box::new(finish));
        self
    }

    /// Prints nothing: leaves out the [`Progress`] that a learner has by default.
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Whether SIGINT (Ctrl-C) and SIGTERM end a run in an orderly way. Defaults to true.
    ///
    /// The batch in hand is finished, a checkpoint is written if the learner has some, `on_train_end` runs, and the run ends with
    /// [`Error::Interrupted`]. A second signal ends the process at once. Outside of a run, signals do what they do otherwise.
    ///
    /// Choose `false` in a program that handles signals itself. It can then end a run with an
    /// [`interrupt_handle`](Learner::interrupt_handle).
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// let data = ImageData::digits()?.build()?;
    /// let mut learn =
    ///     Learner::builder(data, |vs| simple_cnn(vs, &[1, 8, 10])).handle_signals(false).quiet().build()?;
    /// let interrupt = learn.interrupt_handle();
    /// // in the program's own handler: `interrupt.interrupt()`
    /// # let _ = (interrupt, learn.fit(1, 1e-3)?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn handle_signals(mut self, handle: bool) -> Self {
        self.handle_signals = handle;
        self
    }

    /// Whether the process keeps the memory that a batch has freed, for the next batch. Defaults to true. This has an effect only
    /// on Linux with glibc.
    ///
    /// On its own, glibc returns large blocks to the system as soon as they are freed. The next batch then has to get each of its
    /// pages anew, which can double the time of a training. [`build`](Self::build) therefore raises two of glibc's thresholds,
    /// for the whole process and until it ends: blocks of up to 31 MiB come from the heap, and the heap keeps up to 62 MiB of
    /// free memory at its end. Larger blocks are still returned at once. If the environment sets either threshold
    /// (`MALLOC_MMAP_THRESHOLD_`, `MALLOC_TRIM_THRESHOLD_`), that takes precedence.
    ///
    /// Choose `false` in a program in which these 62 MiB matter more than the time of a training, or which sets up its allocator
    /// itself. It does not undo what another learner in the process has set.
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// let data = ImageData::digits()?.build()?;
    /// let builder = Learner::builder(data, |vs| simple_cnn(vs, &[1, 8, 10]));
    /// let learn = builder.keep_freed_memory(false).build()?;
    /// # let _ = learn;
    /// # Ok(())
    /// # }
    /// ```
    pub fn keep_freed_memory(mut self, keep: bool) -> Self {
        self.keep_freed_memory = keep;
        self
    }

    /// Builds the model and the learner.
    ///
    /// On Linux with glibc this affects the memory of the whole process: from now on the process keeps up to 62 MiB that it has
    /// freed, instead of returning them to the system. [`keep_freed_memory(false)`](Self::keep_freed_memory) leaves it as it is.
    ///
    /// # Errors
    /// A [`BuildError`] if the device does not exist, a setting of the optimizer is out of range, a group or a rule matches no
    /// parameter, two metrics have one name, `before` and `after` of callbacks form a cycle, or a callback asks for another one
    /// that is not there.
    pub fn build(mut self) -> Result<Learner, Error> {
        device::check(self.device)?;
        autocast::check(self.autocast, self.device)?;
        self.opt.check().map_err(BuildError::from)?;
        check_loss(&self.loss_func, OutputType::of::<M::Output>())?;
        for (index, (name, _)) in self.metrics.iter().enumerate() {
            if self.metrics[..index].iter().any(|(other, _)| other == name) {
                return Err(BuildError::MetricName { name: name.clone() }.into());
            }
        }
        if !self.quiet && self.world.is_first() {
            self.callbacks.add(Progress::default().handle_signals(self.handle_signals), None);
        }
        if self.keep_freed_memory {
            keep_freed_memory();
        }
        // Seeds libtorch's generator, from which `tch`'s layers draw their first values.
        let life = Life::begin(self.seed, self.world.rank());
        let var_store = VarStore::new(self.device);
        let model = Box::new((self.model)(&Vars::new(var_store.root(), self.seed)));
        add_groups(&mut self.grouping, &self.optimizers)?;
        let params = Params::new(var_store, &self.grouping).map_err(BuildError::from)?;
        let (opt, parts) = optimizers(&params, self.opt, self.optimizers)?;
        let gradients = params.gradients();
        let state = State {
            epochs: 0,
            resumed: false,
            metric_names: Vec::new(),
            loss_parts: Vec::new(),
            loss_func: self.loss_func,
            opt,
            parts,
            params,
            model,
            sampler: self.data.train().sampling().clone(),
            valid_sampler: valid_sampler(&self.data),
            data: self.data,
            rng: Rng::from_seed(Default::default()), // each callback that asks for one gets its own
            device: self.device,
            world: self.world,
            interrupt: Interrupt::new(self.handle_signals),
            epoch: 0,
            iteration: 0,
            steps: 0,
            stepped: false,
            train: false,
            last_input: Input::Tensors(Vec::new()),
            last_target: Target::Dense(Tensor::new()),
            num_batch: 0,
            batches: 0,
            last_output: AnyOutput::default(),
            last_loss: Tensor::new(),
            running_loss: RunningLoss::new(),
            gradients,
            epoch_time: Duration::ZERO,
            tally: Tally::default(),
            outcome: Outcome::Finished,
            values: Values::default(),
            internal: Internal::default(),
            life,
            rows: Vec::new(),
            row_metrics: Vec::new(),
            value_names: Vec::new(),
            ended: Outcome::Finished,
        };
        let (callbacks, metrics, step) = (self.callbacks, self.metrics, self.step);
        let points = Points::new(self.checkpoints.map(|options| Writer::new(options, self.world)));
        let autocast = self.autocast;
        let mut learn = Learner { state, callbacks, metrics, step, points, autocast };
        learn.prepare()?;
        learn.check_checkpoints()?;
        learn.state.row_metrics.clone_from(&learn.state.metric_names);
        if let Some(pair) = learn.callbacks.unordered().into_iter().next().filter(|_| self.strict) {
            return Err(BuildError::Unordered { pair: pair.to_string() }.into());
        }
        self.finish.map_or(Ok(()), |finish| finish(&mut learn))?;
        Ok(learn)
    }
}

/// The sampler of the validation data, if there is some.
pub(super) fn valid_sampler(data: &Data) -> Sampling {
    data.valid().map_or_else(|| Sampling::new(InOrder), |valid| valid.sampling().clone())
}

/// Adds the groups of optimizers for which no group was added: those of the parameters under their path.
fn add_groups(grouping: &mut Grouping, optimizers: &[(String, Box<dyn Optimizer>)]) -> Result<(), BuildError> {
    for (index, (group, opt)) in optimizers.iter().enumerate() {
        if optimizers[..index].iter().any(|(other, _)| other == group) {
            return Err(BuildError::OptimizerTwice { group: group.clone() });
        }
        opt.check()?;
        grouping.add_path(group);
    }
    Ok(())
}

/// The optimizer of a learner: the only one, or all of them as one, with the parameters of each.
fn optimizers(
    params: &Params,
    mut default: Box<dyn Optimizer>,
    others: Vec<(String, Box<dyn Optimizer>)>,
) -> Result<(Box<dyn Optimizer>, Parts), BuildError> {
    if others.is_empty() {
        default.hypers_mut().set_params(params);
        return Ok((default, Parts::default()));
    }
    let is_free = |group: &&String| others.iter().all(|(other, _)| other != *group);
    let free: Vec<_> = params.groups().iter().filter(is_free).cloned().collect();
    let mut all: Vec<_> = others.into_iter().map(|(group, opt)| (group.clone(), vec![group], opt)).collect();
    if !free.is_empty() {
        all.push((DEFAULT_GROUP.to_owned(), free, default));
    }
    let all = Optimizers::new(params, all)?;
    let parts = Parts::new(params, &all.groups())?;
    Ok((Box::new(all), parts))
}

/// Makes glibc keep the memory that a batch frees for the next one, from the first batch on.
///
/// By default glibc maps a large block anew each time and unmaps it when it is freed. Each page is then a fault in each batch,
/// which doubles the time of a training. But once a mapped block of up to 32 MiB is freed, glibc takes smaller blocks from the
/// heap and keeps twice that size there (mallopt(3), "dynamic mmap threshold"; not if the user has set it). So this function
/// allocates and frees such a block without touching it. On other systems it has no effect.
fn keep_freed_memory() {
    const UP_TO: i64 = 31 * 1024 * 1024;
    drop(Tensor::f_empty([UP_TO], (tch::Kind::Uint8, Device::Cpu)));
}

/// The default loss function does not fit every model.
fn check_loss(loss: &LossFunc, output: OutputType) -> Result<(), BuildError> {
    if loss.takes().takes(output) { Ok(()) } else { Err(BuildError::NoLoss { output: output.name() }) }
}
