//! An event file: records with checksums, as TensorFlow's `record_writer.cc` writes them.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process,
    time::{SystemTime, UNIX_EPOCH},
};

use prost::Message as _;

use super::event::{Event, START, SessionLog, Summary, Value, What};
use crate::{
    files::FileError,
    state::{State, StateError, Stateful},
};

/// The file of the training in progress. What is written at other times goes nowhere.
#[derive(Debug, Default)]
pub(super) struct EventFile(Option<(PathBuf, File)>);

impl EventFile {
    /// Begins a new file in the folder, which is created. TensorBoard drops what the files before it have from the step `first` on, as with
    /// `purge_step` of PyTorch's `SummaryWriter`.
    pub(super) fn begin(&mut self, folder: &Path, first: i64) -> Result<(), FileError> {
        let failed = |what| move |source| FileError::Folder { path: folder.to_owned(), what, source };
        fs::create_dir_all(folder).map_err(failed("created"))?;
        let path = folder.join(new_name(folder).map_err(failed("listed"))?);
        let file = File::create_new(&path).map_err(|source| FileError::Write { path: path.clone(), source })?;
        self.0 = Some((path, file));
        self.write(0, What::FileVersion("brain.Event:2".to_owned()))?;
        self.write(first, What::SessionLog(SessionLog { status: START }))
    }

    /// Writes values of a step.
    pub(super) fn add(&mut self, step: i64, value: Vec<Value>) -> Result<(), FileError> {
        self.add_all(step, Summary { value })
    }

    pub(super) fn add_all(&mut self, step: i64, summary: Summary) -> Result<(), FileError> {
        if summary.value.is_empty() { Ok(()) } else { self.write(step, What::Summary(summary)) }
    }

    fn write(&mut self, step: i64, what: What) -> Result<(), FileError> {
        let Some((path, file)) = &mut self.0 else { return Ok(()) };
        let event = Event { wall_time: since_1970().as_secs_f64(), step, what: Some(what) };
        file.write_all(&record(&event.encode_to_vec()))
            .map_err(|source| FileError::Write { path: path.clone(), source })
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn end(&mut self) {
        self.0 = None;
    }
}

/// Nothing, but what a checkpoint takes for written must be on the disk.
impl Stateful for EventFile {
    fn save(&self) -> Result<State, StateError> {
        if let Some((path, file)) = &self.0 {
            let failed = |source| StateError::other(FileError::Write { path: path.clone(), source });
            file.sync_data().map_err(failed)?;
        }
        Ok(State::new())
    }

    fn load(&mut self, _: &State) -> Result<(), StateError> {
        Ok(())
    }
}

fn since_1970() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A name that comes after those of all files in the folder: TensorBoard reads them in the order of their names.
fn new_name(folder: &Path) -> io::Result<String> {
    let mut seconds = since_1970().as_secs();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let other = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('.').next()?.parse::<u64>().ok());
        seconds = other.map_or(seconds, |other| seconds.max(other.saturating_add(1)));
    }
    Ok(format!("{PREFIX}{seconds:010}.mixup.{}", process::id()))
}

const PREFIX: &str = "events.out.tfevents.";

/// A record: its length, a checksum of the length, the bytes, and a checksum of the bytes.
fn record(bytes: &[u8]) -> Vec<u8> {
    let len = (bytes.len() as u64).to_le_bytes();
    [&len[..], &masked_crc(&len).to_le_bytes(), bytes, &masked_crc(bytes).to_le_bytes()].concat()
}

/// A checksum that is no checksum of data which has one in it.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}
