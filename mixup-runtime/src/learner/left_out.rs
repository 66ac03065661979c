//! A test that a checkpoint has nothing that could be left out: without any one field or tensor it is refused, or the training ends with
//! other bits. So code that forgets to save one of them can't pass the tests.

use std::collections::BTreeMap;

use ciborium::Value;
use mixup_macros::callback;
use tch::{Device, Kind, Tensor, nn};

use super::{Learner, assert_resumes::Found, snapshot::Snapshot};
use crate::{
    callbacks::{Accumulate, EarlyStopping, Ema, OneCycle, Recorder, mixing::MixUp},
    data::{Data, TensorDataset},
    metrics::accuracy,
    model::Vars,
    optim::AdamW,
    state::State,
    training::Value as Published,
};

const EPOCHS: usize = 2;

/// Publishes the number of batches.
#[derive(Default)]
struct Seen {
    seen: u32,
}

#[callback(crate = crate, state(seen))]
impl Seen {
    #[on(batch_end, train)]
    fn count(&mut self, seen: &mut Published) {
        self.seen += 1;
        seen.set(f64::from(self.seen));
    }
}

fn model(vars: &Vars<'_>) -> impl nn::ModuleT + use<> {
    tch::set_num_threads(1);
    nn::seq_t()
        .add(nn::linear(vars / "frozen", 3, 4, nn::LinearConfig::default()))
        .add(nn::batch_norm1d(vars / "norm", 4, nn::BatchNormConfig::default()))
        .add(nn::linear(vars / "last", 4, 2, nn::LinearConfig::default()))
}

/// A learner with something of all that a checkpoint may have.
fn learner() -> Learner {
    let items = |items: i64| {
        let numbers = (Tensor::arange(items * 3, (Kind::Float, Device::Cpu)) * 0.37).sin().reshape([items, 3]);
        let classes = Tensor::arange(items, (Kind::Int64, Device::Cpu)).remainder(2);
        TensorDataset::new(numbers, classes).expect("as many of both")
    };
    let data = Data::builder(items(16)).valid(items(6)).batch_size(4).build().expect("there are items");
    let builder = Learner::builder(data, model)
        .optimizer(AdamW::default())
        .group("frozen", |name, _| name.starts_with("frozen"))
        .metric(accuracy)
        .callback(MixUp::default())
        .callback(Accumulate::batches(3))
        .callback(OneCycle::default())
        .callback(Ema::new(0.5))
        .callback(EarlyStopping::on("valid_loss").patience(7))
        .callback(Recorder::default())
        .callback(Seen::default())
        .validate_every(3)
        .quiet();
    builder.build().expect("nothing is wrong with it")
}

/// The learner of the training that is not cut: its first group is frozen.
fn frozen() -> Learner {
    let learn = learner();
    learn.params().freeze("frozen").expect("there is such a group");
    learn
}

/// What is left out: of which part of a checkpoint, and which of its fields or tensors.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    Data(String, Vec<String>),
    Tensor(String, String),
}

fn parts(snapshot: &Snapshot) -> impl Iterator<Item = (&str, &State)> {
    let states = snapshot.states.0.iter().map(|(name, state)| (name.as_str(), state));
    states.chain([("run", &snapshot.run), ("params", &snapshot.params)])
}

fn data(state: &State) -> Value {
    ciborium::from_reader(&*state.data_bytes().expect("it was read")).expect("it was written")
}

/// The fields of a value and of its fields. The parts of a whole that is a tuple are fields too.
fn fields(value: &Value, path: &[String], all: &mut Vec<Vec<String>>) {
    let entries: Vec<(String, &Value)> = match value {
        Value::Map(map) => map.iter().filter_map(|(key, value)| Some((key.as_text()?.to_owned(), value))).collect(),
        Value::Array(list) if path.is_empty() => {
            list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (key, value) in entries {
        let path = [path, &[key]].concat();
        fields(value, &path, all);
        all.push(path);
    }
}

fn without_data(value: &mut Value, path: &[String]) {
    let Some((first, rest)) = path.split_first() else { return };
    match value {
        Value::Map(map) if rest.is_empty() => map.retain(|(key, _)| key.as_text() != Some(first)),
        Value::Map(map) => {
            if let Some((_, inner)) = map.iter_mut().find(|(key, _)| key.as_text() == Some(first)) {
                without_data(inner, rest);
            }
        }
        Value::Array(list) if rest.is_empty() => drop(list.remove(first.parse().expect("a place"))),
        _ => {}
    }
}

fn all_fields(snapshot: &Snapshot) -> Vec<Field> {
    let mut all = Vec::new();
    for (name, state) in parts(snapshot) {
        let mut paths = Vec::new();
        fields(&data(state), &[], &mut paths);
        all.extend(paths.into_iter().map(|path| Field::Data(name.to_owned(), path)));
        all.extend(state.tensor_names().map(|tensor| Field::Tensor(name.to_owned(), tensor.to_owned())));
    }
    all
}

/// The snapshot without a field.
fn without(snapshot: &Snapshot, field: &Field) -> Snapshot {
    let mut snapshot = snapshot.clone();
    let (Field::Data(name, _) | Field::Tensor(name, _)) = field;
    let state = match name.as_str() {
        "run" => &mut snapshot.run,
        "params" => &mut snapshot.params,
        name => snapshot.states.0.get_mut(name).expect("it is there"),
    };
    let mut tensors: BTreeMap<_, _> =
        state.tensors().map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone())).collect();
    let mut value = data(state);
    match field {
        Field::Data(_, path) => without_data(&mut value, path),
        Field::Tensor(_, tensor) => drop(tensors.remove(tensor)),
    }
    let mut bytes = Vec::new();
    ciborium::into_writer(&value, &mut bytes).expect("it can be written");
    *state = State::from_parts(state.version(), &bytes, tensors).expect("it is plain data");
    snapshot
}

#[test]
fn a_checkpoint_without_any_one_of_its_fields_is_refused_or_ends_otherwise() {
    let mut whole = frozen();
    whole.points.taken = Some(Vec::new());
    let report = whole.fit(EPOCHS, 0.05).expect("it trains");
    let snapshots = whole.points.taken.take().expect("they were taken");
    let wanted = Found::of(&mut whole, &report).expect("it can be read");

    let mut unnoticed: Vec<Field> = Vec::new();
    let mut noticed = std::collections::BTreeSet::new();
    for snapshot in &snapshots {
        for field in all_fields(snapshot) {
            if noticed.contains(&field) {
                continue;
            }
            let mut learn = learner();
            let same = learn.resume_snapshot(without(snapshot, &field), EPOCHS).is_ok_and(|report| {
                let found = Found::of(&mut learn, &report).expect("it can be read");
                wanted.differences(&found).is_empty()
            });
            if same {
                unnoticed.push(field);
            } else {
                noticed.insert(field);
            }
        }
    }
    unnoticed.retain(|field| !noticed.contains(field));
    unnoticed.sort();
    unnoticed.dedup();
    assert!(noticed.len() > 100, "only {} fields", noticed.len());
    assert!(unnoticed.is_empty(), "nobody needs {unnoticed:#?}");
}
