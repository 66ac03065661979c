//! The same weights on all ranks, each of which trains on its part of the batch.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use mixup::prelude::*;
use tch::Tensor;

use crate::{
    division::Division,
    error::ParallelError,
    flat::Flat,
    group::{Group, Met},
    says::{Moment, Same, Says},
};

/// Has the processes of a program train one model together: [`Parallel::data_parallel`](crate::Parallel::data_parallel) adds it.
///
/// - When a training begins, all ranks get the weights and buffers of the first one.
/// - Each rank has its part of the order of an epoch, which is the same on all. A batch of `b` items on each of `n` ranks is a
///   batch of `n * b`: the step is that of one process with that batch, for a loss that is a mean over items. What is left over
///   at the end of an epoch for less than one item for each rank is left out.
/// - After the backward pass, and with [`Accumulate`] only when there is a step, the gradients are averaged, each rank weighted
///   by its number of items. Callbacks with a smaller `order`, among them [`GradientClip`] and all without one, then have the
///   average in `on_backward_end`. It is not done during the backward pass, since `tch` has no hooks in it.
/// - The training loss is averaged with them, so that callbacks which decide by `smooth_loss` or `train_loss` decide the same
///   everywhere.
/// - Each rank validates its part of the validation data, with the buffers of the first rank, and all have the numbers of the
///   whole. Validations outside of a training, and predictions, are those of one process on each rank.
/// - If a rank fails or is stopped, all others end too, with its reason, at their next step. If one is interrupted, all are, after
///   the same batch.
///
/// Another callback asks for `parallel: Option<&DataParallel>`, or for `world: World`.
#[derive(Debug)]
pub struct DataParallel {
    group: Arc<Group>,
    /// The samplers that it has put in.
    training: Option<Sampling>,
    validation: Option<Sampling>,
    /// Whether the validation is divided.
    divided: Arc<AtomicBool>,
    /// How many items the gradients are of.
    items: usize,
    /// The place of the next exchange.
    here: Moment,
    /// A digest of the optimizer's settings in all steps of this training.
    used: i64,
    gradients: Flat,
    spent: Spent,
}

/// What the exchange of gradients has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// How many steps there were.
    pub steps: u64,
    /// How many bytes of gradients a rank has given, in all steps.
    pub bytes: u64,
    /// How long the copies into and out of the tensors have taken.
    pub copying: Duration,
    /// How long the exchange has taken, without the wait for other ranks.
    pub exchanging: Duration,
    /// How long this rank has waited for the others.
    pub waiting: Duration,
}

impl DataParallel {
    pub(crate) fn new(group: Arc<Group>) -> Self {
        Self {
            group,
            training: None,
            validation: None,
            divided: Arc::default(),
            items: 0,
            here: Moment::Begin,
            used: 0,
            gradients: Flat::default(),
            spent: Spent::default(),
        }
    }

    /// The number of this process, counted from 0.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.group.world().rank()
    }

    /// How many processes there are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.group.world().size()
    }

    /// What the exchange of gradients has cost so far.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.spent
    }
}

#[callback(order = 10, before = Accumulate, after = GradScaler, stateless)]
impl DataParallel {
    /// Also before each epoch: a callback may have replaced a sampler in between.
    #[on(train_begin, epoch_begin)]
    fn divide(&mut self, data: &Data, sampler: &mut Sampling, valid_sampler: &mut Sampling) {
        let world = self.group.world();
        let is_ours = |own: &Option<Sampling>, now: &Sampling| own.as_ref().is_some_and(|own| own.is_same(now));
        // A stream has no order: each rank has its own stream.
        if data.train().items().is_some() && !is_ours(&self.training, sampler) {
            sampler.wrap(|inner| Division::of_training(inner, world, data));
            self.training = Some(sampler.clone());
        }
        let has_items = data.valid().is_some_and(|valid| valid.items().is_some());
        if has_items && !is_ours(&self.validation, valid_sampler) {
            valid_sampler.wrap(|inner| Division::of_validation(inner, world, self.divided.clone()));
            self.validation = Some(valid_sampler.clone());
        }
        self.items = 0;
    }

    /// The settings of an earlier training are not compared.
    fn on_train_begin(&mut self) {
        self.used = 0;
    }

    #[on(backward_end)]
    fn count(&mut self, last_target: &Target, epoch: usize, num_batch: usize) {
        self.items += last_target.items();
        self.here = Moment::Step { epoch, batch: num_batch };
    }

    #[on(backward_end)]
    fn average(
        &mut self,
        gradients: &Gradients,
        params: &Params,
        opt: &dyn Optimizer,
        running_loss: &mut RunningLoss,
        interrupt: &Interrupt,
        accumulate: Option<&Accumulate>,
    ) -> Result<Option<StopTraining>, ParallelError> {
        if !accumulate.is_none_or(Accumulate::steps_now) {
            return Ok(None);
        }
        self.spent.steps += 1;
        if self.size() == 1 {
            return Ok(None);
        }
        let waited = self.group.waited();
        let stop = self.exchange(gradients, params, opt, running_loss, interrupt)?;
        self.spent.waiting += self.group.waited().saturating_sub(waited);
        self.items = 0;
        Ok(stop)
    }

    /// The settings of the step that was taken: a callback may have changed them after the ranks met.
    #[on(step_end, if = stepped)]
    fn remember(&mut self, opt: &dyn Optimizer) {
        self.used = digest(self.used, opt);
    }

    /// All ranks validate the same model: parameters are the same on all, and buffers, such as a batch norm's statistics,
    /// become so.
    #[on(validate_begin, if = epochs > 0)]
    fn share_buffers(
        &mut self,
        params: &Params,
        epoch: usize,
        iteration: usize,
        interrupt: &Interrupt,
    ) -> Result<Option<StopTraining>, ParallelError> {
        let trained: HashSet<&str> = params.iter().map(|(name, _)| name).collect();
        let buffers = params.variables().into_iter().filter(|(name, _)| !trained.contains(name.as_str()));
        let buffers: Vec<_> = buffers.collect();
        if buffers.is_empty() {
            return Ok(None);
        }
        let mut all = Flat::of(buffers.iter().map(|(name, tensor)| (name.as_str(), tensor)))?;
        if let Met::Stop(stop) = self.group.go_on(Says::at(Moment::Validation { epoch, iteration }), interrupt)? {
            return Ok(Some(stop));
        }
        all.take_first(&self.group);
        all.write(buffers.iter().map(|(_, tensor)| tensor))?;
        Ok(None)
    }

    #[on(validate_tally, if = epochs > 0)]
    fn join(
        &mut self,
        tally: &mut Tally,
        epoch: usize,
        iteration: usize,
        interrupt: &Interrupt,
    ) -> Result<Option<StopTraining>, ParallelError> {
        if self.validation.is_none() || !self.divided.load(Relaxed) {
            return Ok(None);
        }
        let own = written(self.rank(), tally.state())?;
        if let Met::Stop(stop) = self.group.go_on(Says::at(Moment::Tally { epoch, iteration }), interrupt)? {
            return Ok(Some(stop));
        }
        let all = self.group.gather(&own)?;
        let states = all.iter().enumerate().map(|(rank, bytes)| read(rank, bytes));
        tally.join(states.collect::<Result<_, _>>()?);
        Ok(None)
    }
}

impl DataParallel {
    /// Averages the gradients of all ranks, in place, and with them the training loss.
    fn exchange(
        &mut self,
        gradients: &Gradients,
        params: &Params,
        opt: &dyn Optimizer,
        running_loss: &mut RunningLoss,
        interrupt: &Interrupt,
    ) -> Result<Option<StopTraining>, ParallelError> {
        let (items, settings) = (self.items as i64, digest(self.used, opt));
        let (now, same_items) = loop {
            let now: Vec<(&str, Tensor)> = gradients.iter().collect();
            let began = Instant::now();
            self.gradients.fill(now.iter().map(|(name, grad)| (*name, grad)))?;
            self.spent.copying += began.elapsed();
            let mut names = DefaultHasher::new();
            for (name, grad) in &now {
                (name, grad.kind() as i32).hash(&mut names);
            }
            let layout = names.finish().cast_signed();
            let says = Says { layout, settings, items, ..Says::at(self.here) };
            match self.group.go_on(says, interrupt)? {
                Met::Stop(stop) => return Ok(Some(stop)),
                Met::All(Same { settings: false, .. }) => return Err(ParallelError::OtherSettings),
                Met::All(Same { layout: true, items, .. }) => break (now, items),
                Met::All(_) => self.add_missing(&now, params)?,
            }
        };
        let mut all = [items * self.size() as i64];
        if !same_items {
            self.group.sum(&[items], &mut all);
        }
        self.spent.bytes += self.gradients.bytes() as u64;
        self.gradients.push(running_loss.get()?);
        let began = Instant::now();
        self.gradients.scale(items as f64 / all[0].max(1) as f64);
        let scaled = Instant::now();
        self.gradients.sum(&self.group);
        let summed = Instant::now();
        self.gradients.write(now.iter().map(|(_, grad)| grad))?;
        running_loss.set(self.gradients.pushed())?;
        self.spent.copying += (scaled - began) + summed.elapsed();
        self.spent.exchanging += summed - scaled;
        Ok(None)
    }

    /// Gives parameters that have a gradient on another rank, and none here, one of zeros: here the loss does not depend on them.
    fn add_missing(&self, now: &[(&str, Tensor)], params: &Params) -> Result<(), ParallelError> {
        let here: HashSet<&str> = now.iter().map(|(name, _)| *name).collect();
        let has: Vec<i64> = params.iter().map(|(name, _)| i64::from(here.contains(name))).collect();
        let elsewhere = self.group.max(&has);
        for ((param, &here), &elsewhere) in params.as_slice().iter().zip(&has).zip(&elsewhere) {
            if here == elsewhere {
                continue;
            }
            if param.is_frozen() {
                return Err(ParallelError::Frozen { name: param.name().to_owned() });
            }
            // libtorch adds gradients only in a backward pass.
            let zeros = param.tensor().f_zeros_like()?;
            tch::with_grad(|| param.tensor().f_mul(&zeros)?.f_sum(param.tensor().kind())?.f_backward())?;
        }
        Ok(())
    }
}

/// A digest of the optimizer's settings, after those before.
fn digest(before: i64, opt: &dyn Optimizer) -> i64 {
    let mut hasher = DefaultHasher::new();
    before.hash(&mut hasher);
    for (group, hyper) in opt.hypers().iter() {
        let Hyper { lr, momentum, weight_decay } = hyper;
        (group, [lr, momentum, weight_decay].map(|number| number.to_bits())).hash(&mut hasher);
    }
    hasher.finish().cast_signed()
}

fn written(rank: usize, state: &State) -> Result<Vec<u8>, ParallelError> {
    let mut bytes = Vec::new();
    ciborium::into_writer(state, &mut bytes).map_err(|error| unreadable(rank, &error))?;
    Ok(bytes)
}

fn read(rank: usize, bytes: &[u8]) -> Result<State, ParallelError> {
    ciborium::from_reader(bytes).map_err(|error| unreadable(rank, &error))
}

fn unreadable(rank: usize, error: &impl ToString) -> ParallelError {
    ParallelError::Measured { rank, reason: error.to_string() }
}
