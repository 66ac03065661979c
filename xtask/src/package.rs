//! Packs the crates as they are published, and checks that a program outside of the workspace compiles with them.
//!
//! The program is only checked, with the feature `doc-only`, so this needs neither libtorch nor a C++ compiler.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{ExitCode, ExitStatus},
};

use flate2::read::GzDecoder;
use tar::Archive;

use crate::{
    child::{self, Output},
    error::Error,
    machine::Machine,
    run,
};

/// The published crates. Their version is that of the workspace, as xtask's is.
const CRATES: [&str; 3] = ["mixup-macros", "mixup-runtime", "mixup"];
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The source of the program.
const PROGRAM: &str = include_str!("../program.rs");

/// Packs and checks. Returns the exit status of the first call of cargo that fails.
///
/// # Errors
///
/// Cargo does not start, a file cannot be read or written, or Ctrl-C was pressed.
pub fn run(machine: &Machine) -> Result<ExitCode, Error> {
    let target = machine.target();
    let publish = ["publish", "--workspace", "--dry-run", "--no-verify", "--allow-dirty"].map(str::to_owned);
    let package = ["package", "--no-verify", "--allow-dirty", "--quiet"].map(str::to_owned);
    let package = package.into_iter().chain(CRATES.map(|name| format!("--package={name}")));
    for arguments in [publish.into_iter().collect(), package.collect::<Vec<_>>()] {
        let status = cargo(machine, &machine.root, &arguments)?;
        if !status.success() {
            return Ok(run::exit_code(status));
        }
    }
    let folder = tempfile::Builder::new()
        .prefix("packed-")
        .tempdir_in(&target)
        .map_err(Error::io("create a folder in", &target))?;
    for name in CRATES {
        unpack(&target.join("package").join(format!("{name}-{VERSION}.crate")), folder.path())?;
    }
    let program = write_program(machine, folder.path())?;
    // In a target folder of its own, because it depends on other packages and profiles than the workspace.
    let check = ["check".into(), "--target-dir".into(), target.join("packed").into_os_string()];
    let status = cargo(machine, &program, &check)?;
    if status.success() {
        machine.console.line("a program outside of the workspace compiles with the packed crates");
    }
    Ok(run::exit_code(status))
}

fn cargo(machine: &Machine, folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Result<ExitStatus, Error> {
    let mut command = machine.cargo();
    // Without libtorch: the variable takes precedence over the one in `.cargo/config.toml`.
    command.args(arguments).current_dir(folder).env("LIBTORCH", "");
    child::run(machine, &mut command, Output::None, drop)
}

fn unpack(packed: &Path, folder: &Path) -> Result<(), Error> {
    let file = File::open(packed).map_err(Error::io("open", packed))?;
    Archive::new(GzDecoder::new(file)).unpack(folder).map_err(Error::io("unpack", packed))
}

/// Writes the program next to the unpacked crates. It starts with the lock file of the workspace, so that it uses the same
/// versions of all other crates.
fn write_program(machine: &Machine, folder: &Path) -> Result<PathBuf, Error> {
    let program = folder.join("program");
    let patches = CRATES.map(|name| format!("{name} = {{ path = \"../{name}-{VERSION}\" }}\n")).concat();
    let manifest = format!(
        "[workspace]\n\n[package]\nname = \"program\"\nedition = \"2024\"\n\n[dependencies]\n\
         mixup = {{ version = \"={VERSION}\", features = [\"doc-only\"] }}\n\n[patch.crates-io]\n{patches}"
    );
    let source = program.join("src");
    fs::create_dir_all(&source).map_err(Error::io("create", &source))?;
    let files = [(program.join("Cargo.toml"), manifest.as_str()), (source.join("main.rs"), PROGRAM)];
    for (path, text) in files {
        fs::write(&path, text).map_err(Error::io("write", &path))?;
    }
    let lock = machine.root.join("Cargo.lock");
    fs::copy(&lock, program.join("Cargo.lock")).map_err(Error::io("copy", &lock))?;
    Ok(program)
}
