//! The machine as the chores see it: environment variables, platform, programs, free disk.
//!
//! It is a value that is passed in; nothing below reads the environment of the process. So a test can make a machine without
//! Python or with another platform, and all tests can run in parallel.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{console::Console, error::Error};

/// The variables by which cargo describes a package to the program that it runs. They must not reach another cargo.
const OF_THIS_PACKAGE: [&str; 4] = ["CARGO_BIN_", "CARGO_CRATE_", "CARGO_MANIFEST_", "CARGO_PKG_"];

/// The machine: see the module.
pub struct Machine {
    /// The workspace's root, which contains `.libtorch/`.
    pub root: PathBuf,
    /// The root of the file system, below which system libraries are.
    pub system: PathBuf,
    /// The environment variables.
    pub vars: BTreeMap<OsString, OsString>,
    /// Operating system, processor and C library.
    pub platform: Platform,
    /// The number of free bytes on the disk of a path, if known.
    pub free: fn(&Path) -> Option<u64>,
    /// Whether Ctrl-C was pressed.
    pub interrupted: Arc<AtomicBool>,
    /// What the user reads.
    pub console: Console,
}

/// Operating system, processor and C library, in Rust's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// `linux`, `macos`, `windows`, …
    pub os: &'static str,
    /// `x86_64`, `aarch64`, …
    pub arch: &'static str,
    /// Whether the C library is glibc, for which PyTorch's wheels for Linux are built.
    pub glibc: bool,
}

impl Platform {
    /// The platform that this program was built for.
    pub const HERE: Self = Self {
        os: env::consts::OS,
        arch: env::consts::ARCH,
        glibc: cfg!(all(target_os = "linux", target_env = "gnu")),
    };
    /// The platform for which `.libtorch/` can be made.
    pub const LINUX: Self = Self { os: "linux", arch: "x86_64", glibc: true };

    /// The variable that lists the folders in which the loader looks for libraries.
    pub fn library_path(self) -> &'static str {
        match self.os {
            "windows" => "PATH",
            "macos" => "DYLD_FALLBACK_LIBRARY_PATH",
            _ => "LD_LIBRARY_PATH",
        }
    }
}

impl Machine {
    /// The machine that this runs on.
    pub fn here(root: PathBuf, interrupted: Arc<AtomicBool>) -> Self {
        Self {
            root,
            system: PathBuf::from("/"),
            vars: env::vars_os().collect(),
            platform: Platform::HERE,
            free: free_bytes,
            interrupted,
            console: Console::here(),
        }
    }

    /// An environment variable.
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        self.vars.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// The program of this name on `PATH`, or at this path.
    pub fn program(&self, name: impl AsRef<Path>) -> Option<PathBuf> {
        let name = name.as_ref();
        if name.components().count() > 1 {
            return runnable(name).then(|| name.to_path_buf());
        }
        let file = if self.platform.os == "windows" { name.with_extension("exe") } else { name.to_path_buf() };
        env::split_paths(self.var("PATH")?).map(|folder| folder.join(&file)).find(|path| runnable(path))
    }

    /// A command with this machine's environment that runs in the workspace's root.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let own =
            |name: &OsStr| OF_THIS_PACKAGE.iter().any(|start| name.as_encoded_bytes().starts_with(start.as_bytes()));
        let mut command = Command::new(program);
        command.env_clear().envs(self.vars.iter().filter(|(name, _)| !own(name))).current_dir(&self.root);
        command
    }

    /// The cargo that runs this program.
    pub fn cargo(&self) -> Command {
        self.command(self.var("CARGO").unwrap_or("cargo".as_ref()))
    }

    /// Cargo's target folder.
    pub fn target(&self) -> PathBuf {
        self.root.join(self.var("CARGO_TARGET_DIR").unwrap_or("target".as_ref()))
    }

    /// Fails once Ctrl-C was pressed.
    pub fn go_on(&self) -> Result<(), Error> {
        if self.interrupted.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }
}

#[cfg(unix)]
fn runnable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn runnable(path: &Path) -> bool {
    path.is_file()
}

#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    rustix::fs::statvfs(path).ok().map(|facts| facts.f_bavail.saturating_mul(facts.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}
