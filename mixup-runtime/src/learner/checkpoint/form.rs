//! The form of a checkpoint: a snapshot as an archive, and back.
//!
//! The tensors of the parameters are `model/…` and `grad/…`, those of the optimizer `opt/…`, those of other states `state/<name>/…`, and those of the
//! run `run/…`. Plain data is CBOR, which has each float to the bit, as a tensor of bytes. The manifest, JSON in the metadata, says which
//! tensor is what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::{
    files::{Archive, Unread},
    learner::{LearnerState, snapshot::Snapshot},
    state::{State, StateError, present},
};

/// The version of this form.
const VERSION: u32 = 1;

/// The name of the manifest in the metadata.
const MANIFEST: &str = "mixup.checkpoint";

/// What a checkpoint says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub version: u32,
    /// The version of the library that wrote it.
    pub library: String,
    /// The training: all its checkpoints have the same, also after it has gone on.
    pub run: String,
    /// The number of the checkpoint in its folder.
    pub number: u64,
    /// The files of this training that were there, this one included.
    pub files: Vec<String>,
    /// The best one, and the bits of its value.
    #[serde(deserialize_with = "present")]
    pub best: Option<(String, u64)>,
    #[serde(flatten)]
    pub place: Place,
    pub states: Vec<Stored>,
}

/// Where a training was, and what it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    /// In words.
    pub at: String,
    /// How many epochs the training has, and how many are finished.
    pub epochs: usize,
    pub finished: usize,
    /// The device and the number of libtorch's threads, which may be others when the training goes on.
    pub device: String,
    pub threads: i32,
    pub learner: Facts,
}

/// What a learner was built with, in words: it must be the same when a training goes on. The parameters and what has a state are compared with
/// their saved states.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Facts {
    /// How many processes train together.
    pub processes: usize,
    pub data: String,
    pub classes: String,
    pub optimizer: String,
    pub model: String,
    pub loss: String,
    pub metrics: String,
    /// The callbacks. One without a state may be added or left out, as one that only prints; that is worth a warning.
    pub callbacks: Vec<String>,
}

impl Facts {
    /// The first thing that is different: its name, what it was, and what it is.
    pub fn differs(&self, now: &Self) -> Option<(&'static str, String, String)> {
        if self.processes != now.processes {
            let now = format!("{}, so start {}", now.processes, self.processes);
            return Some(("processes", self.processes.to_string(), now));
        }
        let pairs = [
            ("data", &self.data, &now.data),
            ("classes", &self.classes, &now.classes),
            ("optimizer", &self.optimizer, &now.optimizer),
            ("model", &self.model, &now.model),
            ("loss function", &self.loss, &now.loss),
            ("metrics", &self.metrics, &now.metrics),
        ];
        let (what, saved, now) = pairs.into_iter().find(|(_, saved, now)| saved != now)?;
        let named = |text: &String| if text.is_empty() { "none".to_owned() } else { text.clone() };
        Some((what, named(saved), named(now)))
    }
}

/// Where the parts of a state are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    name: String,
    version: u32,
    /// The tensor that has its data.
    data: String,
    /// Each of its tensors, and its name in the file.
    tensors: BTreeMap<String, String>,
}

/// Names of parts that are no state of the learner's.
const RUN: &str = "run";
const PARAMS: &str = "params";

impl Manifest {
    pub fn new(place: Place) -> Self {
        Self {
            version: VERSION,
            library: env!("CARGO_PKG_VERSION").to_owned(),
            run: String::new(),
            number: 0,
            files: Vec::new(),
            best: None,
            place,
            states: Vec::new(),
        }
    }

    /// The archive of a snapshot.
    pub fn archive(mut self, snapshot: &Snapshot) -> Result<Archive, StateError> {
        let mut tensors = BTreeMap::new();
        let learner = snapshot.states.0.iter().map(|(name, state)| (name.as_str(), state));
        // None of the learner's states has one of these two names.
        for (name, state) in learner.chain([(RUN, &snapshot.run), (PARAMS, &snapshot.params)]) {
            let folder = folder(name);
            let mut put = |wanted: String, tensor: Tensor| {
                let numbered = (2..).map(|number| format!("{wanted}#{number}"));
                let free = std::iter::once(wanted.clone()).chain(numbered).find(|name| !tensors.contains_key(name));
                let free = free.unwrap_or(wanted);
                tensors.insert(free.clone(), tensor);
                free
            };
            let data = put(format!("{folder}data"), Tensor::f_from_slice(&state.data_bytes()?)?);
            let mut named = |(own, tensor): (&str, &Tensor)| {
                (own.to_owned(), put(format!("{folder}{own}"), tensor.shallow_clone()))
            };
            let tensors = state.tensors().map(&mut named).collect();
            self.states.push(Stored { name: name.to_owned(), version: state.version(), data, tensors });
        }
        let manifest = serde_json::to_string_pretty(&self).map_err(StateError::other)?;
        Ok(Archive { metadata: [(MANIFEST.to_owned(), manifest)].into(), tensors })
    }

    /// The manifest of an archive.
    pub fn of(archive: &Archive) -> Result<Self, String> {
        archive.description(MANIFEST, VERSION).map_err(|unread| match unread {
            Unread::Missing => "it is no checkpoint: weights are loaded with `load`".to_owned(),
            Unread::Newer(version) => format!(
                "it has version {version} of the format, and this program knows versions up to {VERSION}: a newer one has written it"
            ),
            Unread::Malformed(reason) => format!("its manifest can't be read: {reason}"),
        })
    }

    /// The snapshot in the archive that this manifest is of.
    pub fn snapshot(&self, archive: &Archive) -> Result<Snapshot, String> {
        let (mut run, mut params, mut states) = (None, None, BTreeMap::new());
        for stored in &self.states {
            let state = stored.read(archive).map_err(|reason| format!("`{}`: {reason}", stored.name))?;
            match stored.name.as_str() {
                RUN => run = Some(state),
                PARAMS => params = Some(state),
                name => drop(states.insert(name.to_owned(), state)),
            }
        }
        let (run, params) = run.zip(params).ok_or("it has no parameters or no place")?;
        Ok(Snapshot { states: LearnerState(states), run, params })
    }
}

impl Stored {
    fn read(&self, archive: &Archive) -> Result<State, String> {
        let tensor = |name: &String| archive.tensors.get(name).ok_or_else(|| format!("there is no tensor `{name}`"));
        let data: Vec<u8> = Vec::try_from(tensor(&self.data)?).map_err(|error: tch::TchError| error.to_string())?;
        let tensors = self.tensors.iter().map(|(own, name)| Ok((own.clone(), tensor(name)?.shallow_clone())));
        let tensors = tensors.collect::<Result<_, String>>()?;
        State::from_parts(self.version, &data, tensors).map_err(|error| error.to_string())
    }
}

/// Under which names the tensors of a state are.
fn folder(name: &str) -> String {
    match name {
        RUN => "run/".to_owned(),
        PARAMS => String::new(), // its tensors begin with `model/` and `grad/`
        "optimizer" => "opt/".to_owned(),
        name => format!("state/{name}/"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// The places of all fields of an object and of its parts.
    fn fields(value: &Value, path: &str, all: &mut Vec<String>) {
        let entries: Vec<(String, &Value)> = match value {
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
            _ => Vec::new(),
        };
        for (key, inner) in entries {
            let path = format!("{path}/{key}");
            fields(inner, &path, all);
            if value.is_object() && !path.contains("/tensors/") {
                all.push(path);
            }
        }
    }

    #[test]
    fn a_manifest_without_any_one_of_its_fields_is_refused() {
        let learner = Facts {
            processes: 1,
            data: "data".to_owned(),
            classes: String::new(),
            optimizer: "optimizer".to_owned(),
            model: "model".to_owned(),
            loss: "loss".to_owned(),
            metrics: String::new(),
            callbacks: Vec::new(),
        };
        let place =
            Place { at: "at".to_owned(), epochs: 2, finished: 1, device: "Cpu".to_owned(), threads: 1, learner };
        let tensors = [("own".to_owned(), "name".to_owned())].into();
        let stored = Stored { name: "life".to_owned(), version: 1, data: "data".to_owned(), tensors };
        let whole =
            serde_json::to_value(Manifest { states: vec![stored], ..Manifest::new(place) }).expect("it is plain");
        let read = |value: &Value| {
            let metadata = [(MANIFEST.to_owned(), value.to_string())].into();
            Manifest::of(&Archive { metadata, ..Archive::default() })
        };
        read(&whole).expect("it is whole");
        let mut all = Vec::new();
        fields(&whole, "", &mut all);
        assert!(all.len() > 15, "{all:?}");
        for path in all {
            let mut value = whole.clone();
            let (parent, key) = path.rsplit_once('/').expect("it begins with one");
            value.pointer_mut(parent).and_then(Value::as_object_mut).expect("it is there").remove(key);
            assert!(read(&value).is_err(), "nobody needs `{path}`");
        }
    }
}
