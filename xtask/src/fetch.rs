//! Fetches wheels with what the machine has: pip, or else uv.
//!
//! Both are asked for Linux wheels for a Python 3.12, whatever Python runs here, because nothing of Python's is used.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use crate::{console::Progress, error::Error, machine::Machine, wheel::Part};

/// pip takes a platform literally: a wheel for an older one does not match a newer name, so all are said.
const PLATFORMS: [&str; 6] = [
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_25_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
    "linux_x86_64",
];
/// The Python whose wheels are taken.
pub const PYTHON: &str = "3.12";

/// How often a running pip or uv is looked after.
const LOOK: Duration = Duration::from_millis(50);
/// How long its last lines are waited for when it has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How many of its last lines are remembered.
const LAST_LINES: usize = 20;

/// What fetches.
#[derive(Debug, PartialEq, Eq)]
pub enum Fetcher {
    /// `python -m pip download`, by this Python.
    Pip(PathBuf),
    /// `uv pip install --target`.
    Uv(PathBuf),
}

impl Fetcher {
    /// The first of `python3 -m pip`, `python -m pip`, `uv` that runs.
    ///
    /// # Errors
    ///
    /// None does; the error says what to install.
    pub fn find(machine: &Machine) -> Result<Self, Error> {
        // Inside a virtual environment `python` is the one that it means.
        let names = if machine.var("VIRTUAL_ENV").is_some() { ["python", "python3"] } else { ["python3", "python"] };
        let pythons: Vec<_> = names.iter().filter_map(|name| machine.program(name)).collect();
        let has_pip = |python: &&PathBuf| {
            let quiet = machine.command(python).args(["-m", "pip", "--version"]).stdin(Stdio::null()).output();
            quiet.is_ok_and(|answer| answer.status.success())
        };
        if let Some(python) = pythons.iter().find(has_pip) {
            return Ok(Self::Pip(python.clone()));
        }
        if let Some(uv) = machine.program("uv") {
            return Ok(Self::Uv(uv));
        }
        Err(pythons.into_iter().next().map_or(Error::NoPython, |python| Error::NoPip { python }))
    }

    /// How many bytes of disk a set-up by this way takes at its fullest.
    pub fn disk(&self) -> u64 {
        match self {
            // The wheel twice, while pip moves it into place, or once beside its unpacked files.
            Self::Pip(_) => 1_200_000_000,
            // All that is in the wheel, once, and the wanted files a second time.
            Self::Uv(_) => 1_700_000_000,
        }
    }

    /// What it is called.
    pub fn tool(&self) -> &'static str {
        match self {
            Self::Pip(_) => "pip",
            Self::Uv(_) => "uv",
        }
    }

    /// Fetches a part into the folder `work`, which must be new; where it then lies.
    ///
    /// # Errors
    ///
    /// pip or uv failed, and what it said last is in the error; or Ctrl-C was pressed.
    pub fn fetch(&self, machine: &Machine, part: &Part, work: &Path) -> Result<PathBuf, Error> {
        let (scratch, got) = (work.join("scratch"), work.join("got"));
        for folder in [&scratch, &got] {
            fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let mut command = match self {
            Self::Pip(python) => pip(machine, python, part, &got),
            Self::Uv(uv) => uv_install(machine, uv, part, &got),
        };
        // What pip and uv set aside lies here too: /tmp may be small, and all of it goes when the set-up ends.
        command.env("TMPDIR", &scratch).env("UV_CACHE_DIR", scratch.join("cache"));
        machine.console.line(&format!("fetching {} with {} …", part.requirement, self.tool()));
        // pip shows a progress bar of its own.
        let progress = matches!(self, Self::Uv(_)).then(|| machine.console.open_end(part.requirement));
        let (status, message) = watch(machine, &mut command, progress.map(|progress| (progress, work)))?;
        if !status.success() {
            return Err(failure(self.tool(), part.requirement, message, work));
        }
        match self {
            Self::Pip(_) => only_wheel(&got, part),
            Self::Uv(_) => Ok(got),
        }
    }
}

fn pip(machine: &Machine, python: &Path, part: &Part, into: &Path) -> Command {
    let mut command = machine.command(python);
    command.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--python-version", PYTHON]);
    command.args(PLATFORMS.iter().flat_map(|platform| ["--platform", platform]));
    // Without pip's cache: it would keep half a gigabyte a second time, in the user's home.
    command.args(["--no-input", "--no-cache-dir", "--disable-pip-version-check"]);
    if !machine.console.is_terminal() {
        command.args(["--progress-bar", "off"]);
    }
    command.arg("-d").arg(into).arg(part.requirement);
    command
}

fn uv_install(machine: &Machine, uv: &Path, part: &Part, into: &Path) -> Command {
    let mut command = machine.command(uv);
    command.args(["pip", "install", "--no-deps", "--only-binary", ":all:", "--python-version", PYTHON]);
    command.args(["--python-platform", "x86_64-manylinux_2_28"]);
    command.arg("--target").arg(into).arg(part.requirement);
    command
}

/// Runs a command to its end, shows what it says, and ends it on Ctrl-C. Its status, and its last words.
pub fn watch(
    machine: &Machine,
    command: &mut Command,
    mut progress: Option<(Progress<'_>, &Path)>,
) -> Result<(ExitStatus, String), Error> {
    // Its stdout goes to our stderr: a terminal stays a terminal, so that pip draws its bar, and ours stays clean.
    command.stdin(Stdio::null()).stdout(io::stderr()).stderr(Stdio::piped());
    let program = PathBuf::from(command.get_program());
    let failed = |error| Error::Start { program: program.clone(), error };
    let mut child = command.spawn().map_err(failed)?;
    let said = listen(&mut child);
    let mut last = VecDeque::new();
    let mut hear = |line: String, progress: &Option<(Progress<'_>, &Path)>| {
        progress.as_ref().map_or_else(|| machine.console.line(&line), |(progress, _)| progress.line(&line));
        last.push_back(line);
        if last.len() > LAST_LINES {
            last.pop_front();
        }
    };
    let status = loop {
        match said.recv_timeout(LOOK) {
            Ok(line) => hear(line, &progress),
            Err(RecvTimeoutError::Timeout) => {}
            // It has closed its stderr, and will end soon.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(LOOK),
        }
        if let Err(interrupted) = machine.go_on() {
            end(&mut child);
            return Err(interrupted);
        }
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        if let Some((progress, work)) = &mut progress {
            progress.set(size(work));
        }
    };
    // Not for ever: a child of its own may live on and hold the pipe.
    while let Ok(line) = said.recv_timeout(LAST_WORDS) {
        hear(line, &progress);
    }
    // pip ends by itself on the terminal's Ctrl-C, and may do so before it is looked after.
    machine.go_on()?;
    Ok((status, last_words(&last)))
}

/// The lines of a child's stderr, as they come.
fn listen(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stderr) = child.stderr.take() {
        thread::spawn(move || {
            let lines = BufReader::new(stderr).split(b'\n').map_while(Result::ok);
            // Sending fails once nobody listens any more, and then this ends.
            for line in lines {
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

fn end(child: &mut Child) {
    // It may just have ended by itself, and then there is nothing to do.
    let _ = child.kill();
    let _ = child.wait();
}

/// From the last line that calls itself an error to the end, since uv tells the causes below it; else the last line.
fn last_words(lines: &VecDeque<String>) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    let error = |line: &&str| line.starts_with("ERROR:") || line.starts_with("error:");
    let start = lines.iter().rposition(error).unwrap_or(lines.len().saturating_sub(1));
    let words =
        lines.iter().skip(start).map(|line| line.trim_start_matches("ERROR:").trim_start_matches("error:").trim());
    words.collect::<Vec<_>>().join("; ")
}

fn failure(tool: &'static str, requirement: &'static str, message: String, work: &Path) -> Error {
    // What Python and Rust say when a disk is full (ENOSPC's text).
    if message.contains("No space left on device") {
        return Error::FullDisk { place: work.to_path_buf() };
    }
    Error::Fetch { tool, requirement, message }
}

fn only_wheel(folder: &Path, part: &Part) -> Result<PathBuf, Error> {
    let entries = fs::read_dir(folder).map_err(Error::io("list", folder))?;
    let wheel = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension() == Some(OsStr::new("whl")));
    wheel.ok_or_else(|| Error::Fetch {
        tool: "pip",
        requirement: part.requirement,
        message: "it ended well, but left no wheel behind".to_owned(),
    })
}

/// The bytes in a folder, as far as can be seen while another program writes there.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let one = |entry: fs::DirEntry| match entry.metadata() {
        Ok(facts) if facts.is_dir() => size(&entry.path()),
        Ok(facts) => facts.len(),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(one).sum()
}
