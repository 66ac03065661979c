//! Downloads wheels with pip or, if there is none, with uv.
//!
//! Both are asked for Linux wheels for Python 3.12, whatever Python runs here, because no Python code of them is used.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use crate::{
    child::{self, Output},
    console::Progress,
    error::Error,
    machine::Machine,
    wheel::Part,
};

/// pip compares the names of platforms literally: a newer name does not match a wheel for an older one, so all are listed.
const PLATFORMS: [&str; 6] = [
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_25_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
    "linux_x86_64",
];
/// The version of Python whose wheels are used.
pub const PYTHON: &str = "3.12";

/// How many of the last lines of pip and uv are kept for an error message.
const LAST_LINES: usize = 20;

/// The program that downloads.
#[derive(Debug, PartialEq, Eq)]
pub enum Fetcher {
    /// `python -m pip download`, with this Python.
    Pip(PathBuf),
    /// `uv pip install --target`.
    Uv(PathBuf),
}

impl Fetcher {
    /// The first of `python3 -m pip`, `python -m pip`, `uv` that runs.
    ///
    /// # Errors
    ///
    /// None of them runs. The error says what to install.
    pub fn find(machine: &Machine) -> Result<Self, Error> {
        // In a virtual environment, `python` is its own Python.
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

    /// How many bytes of disk space a set-up with this program needs at most.
    pub fn disk(&self) -> u64 {
        match self {
            // The wheel twice, while pip moves it into place, or once next to its extracted files.
            Self::Pip(_) => 1_200_000_000,
            // The content of the wheel, and a second copy of the needed files.
            Self::Uv(_) => 1_700_000_000,
        }
    }

    /// The name of the program.
    pub fn tool(&self) -> &'static str {
        match self {
            Self::Pip(_) => "pip",
            Self::Uv(_) => "uv",
        }
    }

    /// Downloads a part into the folder `work`, which must be new. Returns the path of the wheel or of its content.
    ///
    /// # Errors
    ///
    /// pip or uv failed (the error has the end of its output), or Ctrl-C was pressed.
    pub fn fetch(&self, machine: &Machine, part: &Part, work: &Path) -> Result<PathBuf, Error> {
        let (scratch, got) = (work.join("scratch"), work.join("got"));
        for folder in [&scratch, &got] {
            fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let mut command = match self {
            Self::Pip(python) => pip(machine, python, part, &got),
            Self::Uv(uv) => uv_install(machine, uv, part, &got),
        };
        // Temporary files of pip and uv go here too: /tmp may be small, and the folder is removed when the set-up ends.
        command.env("TMPDIR", &scratch).env("UV_CACHE_DIR", scratch.join("cache"));
        machine.console.line(&format!("downloading {} with {} …", part.requirement, self.tool()));
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
    // Without pip's cache, which would keep another half a gigabyte in the user's home folder.
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

/// Runs a command to its end and shows its output. Returns its status and the end of its output.
pub fn watch(
    machine: &Machine,
    command: &mut Command,
    mut progress: Option<(Progress<'_>, &Path)>,
) -> Result<(ExitStatus, String), Error> {
    // Its stdout goes to our stderr. If that is a terminal, pip draws its progress bar there, and our stdout stays clean.
    command.stdin(Stdio::null()).stdout(io::stderr());
    let mut last = VecDeque::new();
    let status = child::run(machine, command, Output::Stderr, |line| {
        if let Some(line) = line {
            progress.as_ref().map_or_else(|| machine.console.line(&line), |(progress, _)| progress.line(&line));
            last.push_back(line);
            if last.len() > LAST_LINES {
                last.pop_front();
            }
        } else if let Some((progress, work)) = &mut progress {
            progress.set(size(work));
        }
    })?;
    Ok((status, end_of_output(&last)))
}

/// From the last line that begins with `error:` to the end, because uv prints the causes below it; else the last line.
fn end_of_output(lines: &VecDeque<String>) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    let error = |line: &&str| line.starts_with("ERROR:") || line.starts_with("error:");
    let start = lines.iter().rposition(error).unwrap_or(lines.len().saturating_sub(1));
    let words =
        lines.iter().skip(start).map(|line| line.trim_start_matches("ERROR:").trim_start_matches("error:").trim());
    words.collect::<Vec<_>>().join("; ")
}

fn failure(tool: &'static str, requirement: &'static str, message: String, work: &Path) -> Error {
    // The text of ENOSPC, which Python and Rust print when a disk is full.
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
        message: "it succeeded, but there is no wheel".to_owned(),
    })
}

/// The bytes in a folder, as far as they can be counted while another program writes there.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let one = |entry: fs::DirEntry| match entry.metadata() {
        Ok(facts) if facts.is_dir() => size(&entry.path()),
        Ok(facts) => facts.len(),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(one).sum()
}
