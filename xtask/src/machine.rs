//! The machine as the chores see it: environment variables, platform, programs, free disk.
//!
//! It is a value that is handed in, and nothing deeper asks the process for its environment: so a test makes a machine
//! without Python, or one with another platform, and all tests run side by side.

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

/// What cargo tells the program that it runs about that program. Handed on to another cargo it would be wrong there.
const OF_THIS_PACKAGE: [&str; 4] = ["CARGO_BIN_", "CARGO_CRATE_", "CARGO_MANIFEST_", "CARGO_PKG_"];

/// See the module.
pub struct Machine {
    /// The workspace's root, where `.libtorch/` lies.
    pub root: PathBuf,
    /// The environment variables.
    pub vars: BTreeMap<OsString, OsString>,
    /// Operating system, processor and C library.
    pub platform: Platform,
    /// How many bytes are free where this path lies, if that can be known.
    pub free: fn(&Path) -> Option<u64>,
    /// Ctrl-C was pressed.
    pub interrupted: Arc<AtomicBool>,
    /// Where the user reads.
    pub console: Console,
}

/// Operating system, processor and C library, in Rust's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// `linux`, `macos`, `windows`, …
    pub os: &'static str,
    /// `x86_64`, `aarch64`, …
    pub arch: &'static str,
    /// The C library is glibc, which PyTorch's wheels for Linux are built for.
    pub glibc: bool,
}

impl Platform {
    /// The one that this program was built for.
    pub const HERE: Self = Self {
        os: env::consts::OS,
        arch: env::consts::ARCH,
        glibc: cfg!(all(target_os = "linux", target_env = "gnu")),
    };
    /// The one for which `.libtorch/` can be made.
    pub const LINUX: Self = Self { os: "linux", arch: "x86_64", glibc: true };

    /// The variable that tells the loader where to look for libraries.
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

    /// A command with this machine's environment, in the workspace's root.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let own =
            |name: &OsStr| OF_THIS_PACKAGE.iter().any(|start| name.as_encoded_bytes().starts_with(start.as_bytes()));
        let mut command = Command::new(program);
        command.env_clear().envs(self.vars.iter().filter(|(name, _)| !own(name))).current_dir(&self.root);
        command
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
