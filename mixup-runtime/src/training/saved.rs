//! The numbers of a training in progress as a state: what it has measured, and how far it is.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{
    Board, Numbers, Value,
    deferred::{EpochRecord, Measured},
    next::Next,
    series::{Series, Shared},
    smooth::SmoothLoss,
    state::State as Training,
};
use crate::{
    batch::Scalars,
    data::Sampler as _,
    state::{State, StateError, Stateful},
};

impl Stateful for Shared<Series> {
    fn save(&self) -> Result<State, StateError> {
        let mut series = self.lock();
        let weights: Vec<i64> = series.weights.iter().map(|&weight| weight as i64).collect();
        let numbers = Tensor::f_from_slice(series.numbers()?)?;
        State::new().with_tensor("numbers", &numbers)?.with_tensor("weights", &Tensor::f_from_slice(&weights)?)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let numbers: Vec<f64> = Vec::try_from(state.tensor("numbers")?)?;
        let weights: Vec<i64> = Vec::try_from(state.tensor("weights")?)?;
        let weights = weights.into_iter().map(|weight| weight as usize).collect();
        *self.lock() = Series { numbers: Scalars::of(numbers), weights };
        Ok(())
    }
}

impl Stateful for Shared<SmoothLoss> {
    fn save(&self) -> Result<State, StateError> {
        let mut smooth = self.lock();
        smooth.value()?;
        State::of_data(&(smooth.mean, smooth.count, &smooth.marks, &smooth.marked))
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let (mean, count, marks, marked) = state.data()?;
        *self.lock() = SmoothLoss { new: Scalars::default(), mean, count, marks, marked };
        Ok(())
    }
}

/// Several states of one kind, numbered.
fn save_all<'a>(mut parts: impl ExactSizeIterator<Item = &'a Shared<Series>>) -> Result<State, StateError> {
    let state = State::new().with("count", &parts.len())?;
    parts
        .try_fold((0, state), |(at, state), part| Ok((at + 1, state.with_part(&at.to_string(), part)?)))
        .map(|(_, state)| state)
}

fn load_all(state: &State) -> Result<Vec<Shared<Series>>, StateError> {
    let load_one = |at: usize| {
        let mut series = Shared::default();
        state.part(&at.to_string())?.load_into(&mut series)?;
        Ok(series)
    };
    (0..state.field("count")?).map(load_one).collect()
}

/// The numbers of a recorder.
impl Stateful for Vec<Numbers> {
    fn save(&self) -> Result<State, StateError> {
        let names: Vec<_> = self.iter().map(Numbers::name).collect();
        let all = save_all(self.iter().map(|numbers| &numbers.series))?;
        State::new().with("names", &names)?.with_part("numbers", &Saved(all))
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let names: Vec<String> = state.field("names")?;
        let all = load_all(&state.part("numbers")?)?;
        *self = names.into_iter().zip(all).map(|(name, series)| Numbers { name, series }).collect();
        Ok(())
    }
}

impl Stateful for Measured {
    fn save(&self) -> Result<State, StateError> {
        save_all([&self.loss].into_iter().chain(&self.metrics).collect::<Vec<_>>().into_iter())
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let mut all = load_all(state)?.into_iter();
        if let Some(loss) = all.next() {
            *self = Self { loss, metrics: all.collect() };
        }
        Ok(())
    }
}

/// The state of something that may not be there.
fn save_optional(it: Option<&Measured>) -> Result<State, StateError> {
    let state = State::new().with("some", &it.is_some())?;
    it.map_or(Ok(State::new()), Stateful::save).and_then(|part| state.with_part("it", &Saved(part)))
}

fn load_optional(state: &State) -> Result<Option<Measured>, StateError> {
    if !state.field::<bool>("some")? {
        return Ok(None);
    }
    let mut measured = Measured::new(0);
    measured.load(&state.part("it")?)?;
    Ok(Some(measured))
}

/// A state that is a part of another one.
struct Saved(State);

impl Stateful for Saved {
    fn save(&self) -> Result<State, StateError> {
        Ok(self.0.clone())
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.0 = state.clone();
        Ok(())
    }
}

impl EpochRecord {
    fn save(&self) -> Result<State, StateError> {
        State::new()
            .with("epoch", &self.epoch)?
            .with("time", &self.time)?
            .with_part("measured", &Saved(save_optional(self.measured.as_ref())?))?
            .with_part("published", &Saved(save_all(self.published.iter())?))
    }

    fn load(state: &State) -> Result<Self, StateError> {
        Ok(Self {
            epoch: state.field("epoch")?,
            time: state.field("time")?,
            measured: load_optional(&state.part("measured")?)?,
            published: load_all(&state.part("published")?)?,
        })
    }
}

impl Board {
    fn save(&self) -> Result<State, StateError> {
        self.values.iter().try_fold(State::new(), |state, value| {
            let value = value.borrow();
            state.with_part(value.name(), &*value)
        })
    }

    fn load(&self, state: &State) -> Result<(), StateError> {
        self.values.iter().try_for_each(|value| {
            let value: &mut Value = &mut value.borrow_mut();
            state.part(value.name())?.load_into(value)
        })
    }
}

/// The plain numbers of a training in progress.
#[derive(Clone, Serialize, Deserialize)]
struct Counts {
    next: Next,
    epoch: usize,
    iteration: usize,
    steps: usize,
    stepped: bool,
    num_batch: usize,
    batches: u64,
    in_epoch: bool,
    after_batch: Option<usize>,
    elapsed: Option<Duration>,
    /// The loss function and the sampler that hooks had, in words.
    loss_func: String,
    sampler: String,
}

/// How far a training in progress is, without the learner's parts that have states of their own.
#[derive(Clone)]
pub(crate) struct Run {
    counts: Counts,
    whole: State,
}

impl Run {
    /// The state of a run at a place. `measured` is what a validation in progress has measured so far.
    pub(crate) fn save(
        training: &Training,
        board: &Board,
        next: Next,
        measured: &Measured,
    ) -> Result<State, StateError> {
        let internal = &training.internal;
        let counts = Counts {
            next,
            epoch: training.epoch,
            iteration: training.iteration,
            steps: training.steps,
            stepped: training.stepped,
            num_batch: training.num_batch,
            batches: training.batches as u64,
            in_epoch: internal.in_epoch,
            after_batch: internal.after_batch,
            elapsed: internal.epoch_began.map(|began| began.elapsed()),
            loss_func: training.loss_func.name(),
            sampler: training.sampler.describe(),
        };
        let mut state = State::new()
            .with("counts", &counts)?
            .with("records", &internal.records.len())?
            .with_tensor("order", &indices(&internal.orders.training)?)?
            .with_tensor("valid_order", &indices(&internal.orders.validation)?)?
            .with_part("smooth", &internal.smooth)?
            .with_part("measured", measured)?
            .with_part("last_measured", &Saved(save_optional(internal.measured.as_ref())?))?
            .with_part("values", &Saved(board.save()?))?;
        for (at, record) in internal.records.iter().enumerate() {
            state = state.with_part(&format!("record/{at}"), &Saved(record.save()?))?;
        }
        Ok(state)
    }

    pub(crate) fn of(state: &State) -> Result<Self, StateError> {
        Ok(Self { counts: state.field("counts")?, whole: state.clone() })
    }

    pub(crate) fn next(&self) -> Next {
        self.counts.next
    }

    /// What a validation in progress had measured.
    pub(crate) fn measured(&self) -> Result<Measured, StateError> {
        let mut measured = Measured::new(0);
        self.whole.part("measured")?.load_into(&mut measured)?;
        Ok(measured)
    }

    /// Brings a training that has begun to where this one was.
    pub(crate) fn load(&self, training: &mut Training, board: &Board) -> Result<(), StateError> {
        let (counts, whole) = (&self.counts, &self.whole);
        self.check(training)?;
        let internal = &mut training.internal;
        whole.part("smooth")?.load_into(&mut internal.smooth)?;
        internal.measured = load_optional(&whole.part("last_measured")?)?;
        let record = |at: usize| EpochRecord::load(&whole.part(&format!("record/{at}"))?);
        internal.records = (0..whole.field("records")?).map(record).collect::<Result<_, StateError>>()?;
        internal.orders.training = read_indices(&whole.tensor("order")?)?;
        internal.orders.validation = read_indices(&whole.tensor("valid_order")?)?;
        board.load(&whole.part("values")?)?;
        internal.in_epoch = counts.in_epoch;
        internal.after_batch = counts.after_batch;
        internal.epoch_began = counts.elapsed.and_then(|elapsed| std::time::Instant::now().checked_sub(elapsed));
        (training.epoch, training.iteration) = (counts.epoch, counts.iteration);
        (training.steps, training.stepped) = (counts.steps, counts.stepped);
        (training.num_batch, training.batches) = (counts.num_batch, counts.batches as usize);
        training.train = counts.next.phase.trains();
        Ok(())
    }

    /// What callbacks replaced must be there again once `on_train_begin` has run.
    fn check(&self, training: &Training) -> Result<(), StateError> {
        let pairs = [
            ("loss function", &self.counts.loss_func, training.loss_func.name()),
            ("sampler", &self.counts.sampler, training.sampler.describe()),
        ];
        for (what, saved, now) in pairs {
            if *saved != now {
                return Err(StateError::Replaced { what, saved: saved.clone(), now });
            }
        }
        Ok(())
    }
}

fn indices(order: &[usize]) -> Result<Tensor, StateError> {
    let order: Vec<i64> = order.iter().map(|&index| index as i64).collect();
    Ok(Tensor::f_from_slice(&order)?)
}

fn read_indices(tensor: &Tensor) -> Result<Arc<[usize]>, StateError> {
    let order: Vec<i64> = Vec::try_from(tensor)?;
    Ok(order.into_iter().map(|index| index as usize).collect())
}
