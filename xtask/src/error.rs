//! What can go wrong, each case as a sentence that ends with the remedy.

use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::libtorch::{TCH, WANTED};

/// What a set-up can fail with.
#[derive(Debug, Error)]
pub enum Error {
    /// A variable of the user's leads to another version.
    #[error(
        "{variable} leads to libtorch {found} in {}, and tch {TCH} wants {WANTED}: unset {variable} and run `cargo xtask \
         setup`, which makes a fitting one, or let {variable} lead to version {WANTED}",
        place.display()
    )]
    WrongVersion {
        /// `LIBTORCH` or `LIBTORCH_USE_PYTORCH`.
        variable: &'static str,
        /// Where it leads to.
        place: PathBuf,
        /// The version there.
        found: String,
    },
    /// `LIBTORCH` leads nowhere useful.
    #[error(
        "LIBTORCH is `{}`, but {problem}: let it name, as an absolute path, the folder of libtorch {WANTED} that has \
         `include` and `lib`, or unset it and run `cargo xtask setup`",
        place.display()
    )]
    NotLibtorch {
        /// The variable's value.
        place: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// `LIBTORCH_USE_PYTORCH` is set, and Python did not tell where PyTorch is.
    #[error(
        "LIBTORCH_USE_PYTORCH is set (any value counts), but {problem}: install PyTorch there, with `{python} -m pip \
         install torch=={WANTED} setuptools`, or unset the variable and run `cargo xtask setup`"
    )]
    NoPyTorch {
        /// The interpreter that torch-sys would ask.
        python: String,
        /// What is wrong.
        problem: String,
    },
    /// `--force`, but what it makes would not be used.
    #[error("`--force` makes `.libtorch` anew, but {variable} is set and goes before it: unset {variable} first")]
    ForcedInVain {
        /// `LIBTORCH` or `LIBTORCH_USE_PYTORCH`.
        variable: &'static str,
    },
    /// No wheel that this knows how to use.
    #[error(
        "there is no recipe for libtorch on {os} on {arch} (only for Linux with glibc on x86_64): install PyTorch \
         {WANTED} with pip and set LIBTORCH_USE_PYTORCH=1, or unpack libtorch {WANTED} and set LIBTORCH to its folder"
    )]
    Platform {
        /// The operating system.
        os: &'static str,
        /// The processor.
        arch: &'static str,
    },
    /// The C++ part of torch-sys cannot be built.
    #[error(
        "no C++ compiler: {problem}; install one (Debian and Ubuntu: `sudo apt install g++`, Fedora: `sudo dnf install \
         gcc-c++`, macOS: `xcode-select --install`), since torch-sys compiles its C++ side, and run this again"
    )]
    NoCompiler {
        /// What was looked for.
        problem: String,
    },
    /// Neither Python nor uv.
    #[error(
        "libtorch is taken out of PyTorch's wheel, but neither Python (`python3`, `python`) nor `uv` is on PATH: install \
         Python with pip (Debian and Ubuntu: `sudo apt install python3-pip`, Fedora: `sudo dnf install python3-pip`) or \
         uv, and run `cargo xtask setup` again"
    )]
    NoPython,
    /// A Python, but without pip, and no uv.
    #[error(
        "`{} -m pip` does not run, and there is no `uv`: install pip (Debian and Ubuntu: `sudo apt install python3-pip`, \
         elsewhere `{} -m ensurepip --upgrade`) or uv, and run `cargo xtask setup` again",
        python.display(), python.display()
    )]
    NoPip {
        /// The Python that was tried.
        python: PathBuf,
    },
    /// pip or uv did not fetch a wheel.
    #[error(
        "{tool} could not fetch {requirement}{}: see to the network or to {tool}'s settings (an old {tool} may not know \
         these wheels: update it), and run `cargo xtask setup` again",
        said(message)
    )]
    Fetch {
        /// `pip` or `uv`.
        tool: &'static str,
        /// What was asked for.
        requirement: &'static str,
        /// The last that it said.
        message: String,
    },
    /// A wheel without what should be in it.
    #[error(
        "{} has no `{missing}`: it is not the build of PyTorch that this recipe knows; look whether pip or uv is set to \
         another index, and run `cargo xtask setup` again",
        place.display()
    )]
    Missing {
        /// The wheel or folder.
        place: PathBuf,
        /// The file that is wanted.
        missing: String,
    },
    /// A wheel that cannot be read.
    #[error("{} is damaged at `{file}` ({cause}): run `cargo xtask setup` again, which fetches it anew", place.display())]
    Damaged {
        /// The wheel.
        place: PathBuf,
        /// The file in it.
        file: String,
        /// Why.
        cause: String,
    },
    /// What was made is not what was wanted.
    #[error(
        "what was made is of no use: {problem}; run `cargo xtask setup` again, and report it if that changes nothing"
    )]
    Unusable {
        /// Why.
        problem: String,
    },
    /// Too little disk, known beforehand.
    #[error(
        "setting libtorch up takes {} MB of disk for a while (450 MB afterwards), and only {} MB are free in {}: make \
         room and run `cargo xtask setup` again",
        needed / 1_000_000, free / 1_000_000, place.display()
    )]
    LittleDisk {
        /// Bytes needed.
        needed: u64,
        /// Bytes that are there.
        free: u64,
        /// Where.
        place: PathBuf,
    },
    /// The disk ran full on the way.
    #[error(
        "the disk ran full at {}: setting libtorch up takes about 1,200 MB for a while, 450 MB afterwards; make room and \
         run `cargo xtask setup` again",
        place.display()
    )]
    FullDisk {
        /// What was written.
        place: PathBuf,
    },
    /// Neither Python nor uv, for the peers.
    #[error(
        "the peers are Python libraries, but neither Python with pip nor `uv` is on PATH: install Python 3.10 or newer with \
         pip and venv (Debian and Ubuntu: `sudo apt install python3-pip python3-venv`) or uv, and run `cargo xtask bench \
         --peers` again"
    )]
    NoPythonForPeers,
    /// Too little disk for the peers.
    #[error(
        "the peers take {} MB of disk for a while, and only {} MB are free in {}: make room and run `cargo xtask bench \
         --peers` again",
        needed / 1_000_000, free / 1_000_000, place.display()
    )]
    LittleDiskForPeers {
        /// Bytes needed.
        needed: u64,
        /// Bytes that are there.
        free: u64,
        /// Where.
        place: PathBuf,
    },
    /// pip or uv did not install the peers.
    #[error(
        "{tool} could not install the peers{}: see to the network, to {tool}'s settings, and that Python is 3.10 or newer \
         with venv, and run `cargo xtask bench --peers` again",
        said(message)
    )]
    Peers {
        /// `pip` or `uv`.
        tool: &'static str,
        /// The last that it said.
        message: String,
    },
    /// Anything else that the file system says.
    #[error("cannot {doing} {} ({error}): see to it, and run this again", place.display())]
    Io {
        /// As in "cannot … this file".
        doing: &'static str,
        /// The file or folder.
        place: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A program that is there and does not start.
    #[error("cannot start {} ({error}): see that it is a program for this machine, and run this again", program.display())]
    Start {
        /// Which.
        program: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Ctrl-C cannot be heard.
    #[error("cannot listen for Ctrl-C ({error})")]
    Signals {
        /// What the system said.
        error: io::Error,
    },
    /// Ctrl-C.
    #[error("interrupted; nothing half-made is left, and the same command starts afresh")]
    Interrupted,
}

impl Error {
    /// An error of the file system, with a full disk told apart.
    pub fn io(doing: &'static str, place: &Path) -> impl FnOnce(io::Error) -> Self {
        let place = place.to_path_buf();
        move |error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::FullDisk { place },
            _ => Self::Io { doing, place, error },
        }
    }
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(", saying «{message}»") }
}
