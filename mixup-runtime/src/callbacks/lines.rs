//! A text file that grows line by line while a training runs, and is cut back when a training goes on from a checkpoint.
//!
//! The state is how many lines the file had at the checkpoint. The file may have more, written between the checkpoint and the kill: the
//! training writes these again. It never has fewer, because a checkpoint waits until the lines that it counts are on the disk.

use std::{
    fmt,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use crate::{
    files::FileError,
    state::{State, StateError, Stateful},
};

/// The file. It is open while a training runs, and what is written at other times goes nowhere.
pub(super) struct Lines {
    path: PathBuf,
    count: u64,
    file: Option<File>,
}

impl Lines {
    pub fn new(path: PathBuf) -> Self {
        Self { path, count: 0, file: None }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a training with an empty file, or with the lines that are kept: those of the checkpoint, or all of them. Creates the file and its
    /// folder if they do not exist. Returns the first line that was kept.
    pub fn begin(&mut self, resumed: bool, append: bool) -> Result<Option<String>, FileError> {
        let kept = match (resumed, append) {
            (true, _) => self.count,
            (false, true) => u64::MAX,
            (false, false) => 0,
        };
        let found = self.open(kept).map_err(|source| self.unwritten(source))?;
        if resumed && self.count < kept {
            let (path, had) = (self.path.display(), self.count);
            tracing::warn!("`{path}` has {had} lines, and had {kept} at the checkpoint: the others are lost");
        }
        Ok(found)
    }

    fn open(&mut self, kept: u64) -> io::Result<Option<String>> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = File::options().create(true).truncate(false).read(true).write(true).open(&self.path)?;
        let mut reader = BufReader::new(&mut file);
        let (mut line, mut first, mut len) = (Vec::new(), None, 0);
        self.count = 0;
        while self.count < kept && reader.read_until(b'\n', &mut line)? > 0 {
            let ends = line.ends_with(b"\n");
            if !ends && kept < u64::MAX {
                break; // a kill has cut it off
            }
            len += line.len() as u64 + u64::from(!ends);
            self.count += 1;
            first.get_or_insert_with(|| String::from_utf8_lossy(&line).trim_end().to_owned());
            line.clear();
        }
        // A last line of the user's that does not end gets its end.
        if file.metadata()?.len() < len {
            file.seek(SeekFrom::End(0))?;
            file.write_all(b"\n")?;
        }
        file.set_len(len)?;
        file.seek(SeekFrom::End(0))?;
        self.file = Some(file);
        Ok(first)
    }

    /// Writes a line, which has its `\n`, so that the operating system has all of it when this returns.
    pub fn write(&mut self, line: &[u8]) -> Result<(), FileError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(line).map_err(|source| self.unwritten(source))?;
        self.count += 1;
        Ok(())
    }

    /// Closes the file.
    pub fn end(&mut self) {
        self.file = None;
    }

    fn unwritten(&self, source: io::Error) -> FileError {
        FileError::Write { path: self.path.clone(), source }
    }
}

/// For summaries.
impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

/// How many lines there are.
impl Stateful for Lines {
    fn save(&self) -> Result<State, StateError> {
        let synced = self.file.as_ref().map_or(Ok(()), File::sync_data);
        synced.map_err(|source| StateError::other(self.unwritten(source)))?;
        State::of_data(&self.count)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.count = state.data()?;
        Ok(())
    }
}
