//! What can go wrong. Each message is a sentence that says what is wrong and then what to do.

use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::versions::{LIBTORCH, TCH};

/// Why a chore failed.
#[derive(Debug, Error)]
pub enum Error {
    /// A variable that the user has set points to another version.
    #[error(
        "{variable} points to libtorch {found} in {}, but tch {TCH} needs {LIBTORCH}: unset {variable} and run `cargo \
         xtask setup`, which installs that version, or point {variable} to it",
        place.display()
    )]
    WrongVersion {
        /// `LIBTORCH` or `LIBTORCH_USE_PYTORCH`.
        variable: &'static str,
        /// Where it points to.
        place: PathBuf,
        /// The version there.
        found: String,
    },
    /// `LIBTORCH` does not point to a libtorch.
    #[error(
        "LIBTORCH is `{}`, but {problem}: set it to the absolute path of the folder of libtorch {LIBTORCH} that contains \
         `include` and `lib`, or unset it and run `cargo xtask setup`",
        place.display()
    )]
    NotLibtorch {
        /// The variable's value.
        place: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// `LIBTORCH_USE_PYTORCH` is set, but Python has no PyTorch to offer.
    #[error(
        "LIBTORCH_USE_PYTORCH is set (any value counts), but {problem}: install PyTorch there, with `{python} -m pip \
         install torch=={LIBTORCH} setuptools`, or unset the variable and run `cargo xtask setup`"
    )]
    NoPyTorch {
        /// The interpreter that torch-sys would ask.
        python: String,
        /// What is wrong.
        problem: String,
    },
    /// `--force` was given, but what it makes would not be used.
    #[error(
        "`--force` rebuilds `.libtorch`, but {variable} is set and takes precedence over it: unset {variable} first"
    )]
    UselessForce {
        /// `LIBTORCH` or `LIBTORCH_USE_PYTORCH`.
        variable: &'static str,
    },
    /// A platform for which `.libtorch/` cannot be made.
    #[error(
        "libtorch cannot be set up on {os} on {arch} (only on Linux with glibc on x86_64): install PyTorch {LIBTORCH} with \
         pip and set LIBTORCH_USE_PYTORCH=1, or unpack libtorch {LIBTORCH} and set LIBTORCH to its folder"
    )]
    Platform {
        /// The operating system.
        os: &'static str,
        /// The processor.
        arch: &'static str,
    },
    /// The C++ part of torch-sys cannot be compiled.
    #[error(
        "torch-sys needs a C++ compiler: {problem}; install one (Debian and Ubuntu: `sudo apt install g++`, Fedora: `sudo \
         dnf install gcc-c++`, macOS: `xcode-select --install`) and run this again"
    )]
    NoCompiler {
        /// What was found instead.
        problem: String,
    },
    /// There is neither Python nor uv.
    #[error(
        "libtorch is extracted from PyTorch's wheel, but neither Python (`python3`, `python`) nor `uv` is on PATH: install \
         Python with pip (Debian and Ubuntu: `sudo apt install python3-pip`, Fedora: `sudo dnf install python3-pip`) or \
         uv, and run `cargo xtask setup` again"
    )]
    NoPython,
    /// There is a Python without pip, and no uv.
    #[error(
        "`{} -m pip` does not run, and `uv` is not on PATH: install pip (Debian and Ubuntu: `sudo apt install python3-pip`, \
         elsewhere `{} -m ensurepip --upgrade`) or uv, and run `cargo xtask setup` again",
        python.display(), python.display()
    )]
    NoPip {
        /// The Python that was tried.
        python: PathBuf,
    },
    /// pip or uv did not fetch a wheel.
    #[error(
        "{tool} could not download {requirement}{}: check the network and {tool}'s settings, update {tool} if it is too old \
         for these wheels, and run `cargo xtask setup` again",
        said(message)
    )]
    Fetch {
        /// `pip` or `uv`.
        tool: &'static str,
        /// The package and its version.
        requirement: &'static str,
        /// The end of its output.
        message: String,
    },
    /// A wheel does not contain a file that it should.
    #[error(
        "{} has no `{missing}`: it is another build of PyTorch than expected; check whether pip or uv uses another index, \
         and run `cargo xtask setup` again",
        place.display()
    )]
    Missing {
        /// The wheel or folder.
        place: PathBuf,
        /// The file that is expected.
        missing: String,
    },
    /// A wheel cannot be read.
    #[error("{} is damaged at `{file}` ({cause}): run `cargo xtask setup` again, which downloads a new one", place.display())]
    Damaged {
        /// The wheel.
        place: PathBuf,
        /// The file in it.
        file: String,
        /// Why.
        cause: String,
    },
    /// The libtorch that was set up does not work.
    #[error(
        "the new `.libtorch` is unusable: {problem}; run `cargo xtask setup` again, and report this if it fails again"
    )]
    Unusable {
        /// Why.
        problem: String,
    },
    /// There is too little disk space, as is known beforehand.
    #[error(
        "setting up libtorch needs {} MB of disk space (450 MB in the end), but only {} MB are free in {}: free some space \
         and run `cargo xtask setup` again",
        needed / 1_000_000, free / 1_000_000, place.display()
    )]
    LittleDisk {
        /// Bytes needed.
        needed: u64,
        /// Bytes that are free.
        free: u64,
        /// Where.
        place: PathBuf,
    },
    /// The disk became full on the way.
    #[error(
        "the disk became full while writing {}: setting up libtorch needs about 1,200 MB (450 MB in the end); free some \
         space and run `cargo xtask setup` again",
        place.display()
    )]
    FullDisk {
        /// The file or folder that was written.
        place: PathBuf,
    },
    /// What MPI needs is not there.
    #[error(
        "`mixup-mpi` needs Open MPI and libclang, and {missing} is not on this machine: install them (Debian and Ubuntu: `sudo apt \
         install libopenmpi-dev openmpi-bin libclang-dev`, Fedora: `sudo dnf install openmpi-devel clang-devel` and `module load mpi`, macOS: \
         `brew install open-mpi llvm`), and run the command again"
    )]
    NoMpi {
        /// The first thing that is missing.
        missing: &'static str,
    },
    /// A measurement of several ranks failed.
    #[error("the scaling could not be measured ({message}): correct this and run `cargo xtask scale` again")]
    Scaling {
        /// What failed.
        message: String,
    },
    /// There is neither Python nor uv to install the peers.
    #[error(
        "the peers are Python libraries, but neither Python with pip nor `uv` is on PATH: install Python 3.10 or newer with \
         pip and venv (Debian and Ubuntu: `sudo apt install python3-pip python3-venv`) or uv, and run `cargo xtask bench \
         --peers` again"
    )]
    NoPythonForPeers,
    /// There is too little disk space for the peers.
    #[error(
        "installing the peers needs {} MB of disk space, but only {} MB are free in {}: free some space and run `cargo \
         xtask bench --peers` again",
        needed / 1_000_000, free / 1_000_000, place.display()
    )]
    LittleDiskForPeers {
        /// Bytes needed.
        needed: u64,
        /// Bytes that are free.
        free: u64,
        /// Where.
        place: PathBuf,
    },
    /// pip or uv did not install the peers.
    #[error(
        "{tool} could not install the peers{}: check the network, {tool}'s settings and that Python is 3.10 or newer and has \
         venv, and run `cargo xtask bench --peers` again",
        said(message)
    )]
    Peers {
        /// `pip` or `uv`.
        tool: &'static str,
        /// The end of its output.
        message: String,
    },
    /// Any other error of the file system.
    #[error("cannot {doing} {} ({error}): correct this and run the command again", place.display())]
    Io {
        /// The verb, as in "cannot … this file".
        doing: &'static str,
        /// The file or folder.
        place: PathBuf,
        /// What the system reports.
        error: io::Error,
    },
    /// A program exists but does not start.
    #[error("cannot start {} ({error}): check that it is a program for this machine and run the command again", program.display())]
    Start {
        /// Its path.
        program: PathBuf,
        /// What the system reports.
        error: io::Error,
    },
    /// The handler for Ctrl-C cannot be installed.
    #[error("cannot listen for Ctrl-C ({error})")]
    Signals {
        /// What the system reports.
        error: io::Error,
    },
    /// Ctrl-C was pressed.
    #[error("interrupted: nothing incomplete is left behind, and the same command starts from the beginning")]
    Interrupted,
}

impl Error {
    /// An error of the file system. A full disk has a variant of its own.
    pub fn io(doing: &'static str, place: &Path) -> impl FnOnce(io::Error) -> Self {
        let place = place.to_path_buf();
        move |error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::FullDisk { place },
            _ => Self::Io { doing, place, error },
        }
    }
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" («{message}»)") }
}
