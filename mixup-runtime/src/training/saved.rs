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
    state::{State, StateError, Stateful, present},
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

/// Several series, numbered.
impl Stateful for Vec<Shared<Series>> {
    fn save(&self) -> Result<State, StateError> {
        let state = State::new().with("count", &self.len())?;
        self.iter().enumerate().try_fold(state, |state, (at, series)| state.with_part(&at.to_string(), series))
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let load_one = |at: usize| {
            let mut series = Shared::default();
            state.part(&at.to_string())?.load_into(&mut series)?;
            Ok(series)
        };
        *self = (0..state.field("count")?).map(load_one).collect::<Result<_, StateError>>()?;
        Ok(())
    }
}

/// The numbers of a recorder.
impl Stateful for Vec<Numbers> {
    fn save(&self) -> Result<State, StateError> {
        let names: Vec<_> = self.iter().map(Numbers::name).collect();
        let all: Vec<_> = self.iter().map(|numbers| numbers.series.clone()).collect();
        State::new().with("names", &names)?.with_part("numbers", &all)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let names: Vec<String> = state.field("names")?;
        let mut all = Vec::new();
        state.part("numbers")?.load_into(&mut all)?;
        *self = names.into_iter().zip(all).map(|(name, series)| Numbers { name, series }).collect();
        Ok(())
    }
}

impl Stateful for Measured {
    fn save(&self) -> Result<State, StateError> {
        State::new().with_part("loss", &self.loss)?.with_part("metrics", &self.metrics)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let mut measured = Self::default();
        state.part("loss")?.load_into(&mut measured.loss)?;
        state.part("metrics")?.load_into(&mut measured.metrics)?;
        *self = measured;
        Ok(())
    }
}

impl Stateful for Option<Measured> {
    fn save(&self) -> Result<State, StateError> {
        let state = State::new().with("some", &self.is_some())?;
        self.as_ref().map_or(Ok(state.clone()), |measured| state.with_part("it", measured))
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        *self = None;
        if state.field("some")? {
            state.part("it")?.load_into(self.insert(Measured::default()))?;
        }
        Ok(())
    }
}

impl Stateful for EpochRecord {
    fn save(&self) -> Result<State, StateError> {
        let state = State::new().with("epoch", &self.epoch)?.with("time", &self.time)?;
        state.with_part("measured", &self.measured)?.with_part("published", &self.published)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        (self.epoch, self.time) = (state.field("epoch")?, state.field("time")?);
        state.part("measured")?.load_into(&mut self.measured)?;
        state.part("published")?.load_into(&mut self.published)
    }
}

/// The values by name.
impl Stateful for &Board {
    fn save(&self) -> Result<State, StateError> {
        self.values.iter().try_fold(State::new(), |state, value| {
            let value = value.borrow();
            state.with_part(value.name(), &*value)
        })
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
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
    #[serde(deserialize_with = "present")]
    after_batch: Option<usize>,
    #[serde(deserialize_with = "present")]
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
            .with_part("last_measured", &internal.measured)?
            .with_part("values", &board)?;
        for (at, record) in internal.records.iter().enumerate() {
            state = state.with_part(&format!("record/{at}"), record)?;
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
        let mut measured = Measured::default();
        self.whole.part("measured")?.load_into(&mut measured)?;
        Ok(measured)
    }

    /// Brings a training that has begun to where this one was.
    pub(crate) fn load(&self, training: &mut Training, mut board: &Board) -> Result<(), StateError> {
        let (counts, whole) = (&self.counts, &self.whole);
        self.check(training)?;
        let internal = &mut training.internal;
        whole.part("smooth")?.load_into(&mut internal.smooth)?;
        whole.part("last_measured")?.load_into(&mut internal.measured)?;
        let record = |at: usize| {
            let mut record = EpochRecord::default();
            whole.part(&format!("record/{at}"))?.load_into(&mut record)?;
            Ok(record)
        };
        internal.records = (0..whole.field("records")?).map(record).collect::<Result<_, StateError>>()?;
        internal.orders.training = read_indices(&whole.tensor("order")?)?;
        internal.orders.validation = read_indices(&whole.tensor("valid_order")?)?;
        whole.part("values")?.load_into(&mut board)?;
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
