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
    state::{State, StateError},
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
    pub learner: Facts,
}

/// What a learner was built with, in words: it must be the same when a training goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Facts {
    pub data: String,
    pub optimizer: String,
    pub model: String,
}

impl Facts {
    /// Each with its name.
    pub fn facts(&self) -> [(&'static str, &str); 3] {
        [("data", &self.data), ("optimizer", &self.optimizer), ("model", &self.model)]
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
