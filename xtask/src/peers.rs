//! Makes the Python for the bench `peers`: a virtual environment under `target/` with PyTorch, torchvision, timm, fastai and Lightning,
//! each in the version that `docs/benchmarks.md` reports.
//!
//! The last step writes down what was installed. If this note is missing or differs, the environment is made again, so an
//! interrupted set-up does no harm.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::Error,
    fetch::{self, Fetcher},
    machine::Machine,
};

/// The installed packages: PyTorch in the version of our libtorch, and versions of the others that work with it.
const REQUIREMENTS: [&str; 5] =
    ["torch==2.13.0", "torchvision==0.28.0", "timm==1.0.31", "fastai==2.8.12", "lightning==2.6.6"];
const NOTE: &str = "made-of";
/// PyTorch from PyPI depends on CUDA: installed they take 5.5 GB, and the wheels need space at the same time.
const DISK: u64 = 9_000_000_000;

/// The Python with the peers. It is made if it does not exist yet.
///
/// # Errors
///
/// There is no Python, too little disk space, or pip or uv failed. Nothing incomplete is left behind.
pub fn ensure(machine: &Machine) -> Result<PathBuf, Error> {
    let folder = machine.target().join("peers");
    let python = folder.join("bin").join("python");
    let note = REQUIREMENTS.join("\n");
    if fs::read_to_string(folder.join(NOTE)).is_ok_and(|made_of| made_of == note) && python.exists() {
        return Ok(python);
    }
    remove(&folder)?;
    let made = make(machine, &folder, &python).and_then(|()| {
        let place = folder.join(NOTE);
        fs::write(&place, note).map_err(Error::io("write", &place))
    });
    if let Err(error) = made {
        // The first error is the one to report.
        let _ = remove(&folder);
        return Err(error);
    }
    machine.console.line(&format!("the peers are ready in {}", folder.display()));
    Ok(python)
}

/// The folder with the libraries of that Python's PyTorch: those of our libtorch, and those for CUDA.
///
/// # Errors
///
/// The folder can't be read, or has none.
pub fn libtorch(python: &Path) -> Result<PathBuf, Error> {
    let lib = python.ancestors().nth(2).unwrap_or(python).join("lib");
    let versions = fs::read_dir(&lib).map_err(Error::io("read", &lib))?;
    let places = versions.flatten().map(|version| version.path().join("site-packages").join("torch").join("lib"));
    let missing =
        || Error::io("find", &lib.join("python3").join("site-packages").join("torch"))(io::ErrorKind::NotFound.into());
    places.into_iter().find(|place| place.is_dir()).ok_or_else(missing)
}

fn make(machine: &Machine, folder: &Path, python: &Path) -> Result<(), Error> {
    let fetcher = Fetcher::find(machine).map_err(|error| match error {
        Error::NoPython | Error::NoPip { .. } => Error::NoPythonForPeers,
        other => other,
    })?;
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    if let Some(free) = (machine.free)(folder).filter(|free| *free < DISK) {
        return Err(Error::LittleDiskForPeers { needed: DISK, free, place: folder.to_path_buf() });
    }
    let what = REQUIREMENTS.join(" ");
    machine.console.line(&format!("making a Python with {what}, which downloads about 3 GB …"));
    let (mut environment, mut install) = match &fetcher {
        Fetcher::Pip(own) => (command(machine, own, ["-m", "venv"]), pip(machine, python)),
        Fetcher::Uv(uv) => {
            let mut install = command(machine, uv, ["pip", "install", "--only-binary", ":all:", "--python"]);
            install.arg(python);
            (command(machine, uv, ["venv", "--allow-existing", "--python", fetch::PYTHON]), install)
        }
    };
    environment.arg(folder);
    install.args(REQUIREMENTS);
    let scratch = folder.join("scratch");
    fs::create_dir_all(&scratch).map_err(Error::io("create", &scratch))?;
    for command in [&mut environment, &mut install] {
        // Temporary files of pip and uv go here too, because /tmp may be small.
        command.env("TMPDIR", &scratch).env("UV_CACHE_DIR", scratch.join("cache"));
        let (status, message) = fetch::watch(machine, command, None)?;
        if !status.success() {
            return Err(Error::Peers { tool: fetcher.tool(), message });
        }
    }
    remove(&scratch)
}

fn pip(machine: &Machine, python: &Path) -> Command {
    let mut install = command(machine, python, ["-m", "pip", "install", "--only-binary=:all:"]);
    install.args(["--no-input", "--no-cache-dir", "--disable-pip-version-check"]);
    if !machine.console.is_terminal() {
        install.args(["--progress-bar", "off"]);
    }
    install
}

fn command<const N: usize>(machine: &Machine, program: &Path, args: [&str; N]) -> Command {
    let mut command = machine.command(program);
    command.args(args.map(OsStr::new));
    command
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", folder)(error)),
        _ => Ok(()),
    }
}
