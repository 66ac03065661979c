//! Packs the crates as they are published, and checks that a project outside of the workspace compiles with them.
//!
//! The project is `examples/own_project`. It is only checked, with the feature `doc-only`, which needs neither libtorch nor a C++ compiler;
//! if asked for, it is also built and run.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{ExitCode, ExitStatus},
};

use flate2::read::GzDecoder;
use tar::Archive;

use crate::{
    child::{self, Output},
    error::Error,
    libtorch::{self, Libtorch, Origin},
    machine::Machine,
    run,
};

/// The published crates. Their version is that of the workspace, as xtask's is.
const CRATES: [&str; 3] = ["mixup-macros", "mixup-runtime", "mixup"];
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The source of one more program, which writes callbacks.
const PROGRAM: &str = include_str!("../program.rs");

/// Packs and checks. With a libtorch, also builds the example of a user's project with the packed crates, lets it train on pictures that are
/// drawn here, and predict them. Returns the exit status of the first program that fails.
///
/// # Errors
///
/// Cargo does not start, a file cannot be read or written, or Ctrl-C was pressed.
pub fn run(machine: &Machine, libtorch: Option<&Libtorch>) -> Result<ExitCode, Error> {
    let target = machine.target();
    let publish = ["publish", "--workspace", "--dry-run", "--no-verify", "--allow-dirty"].map(OsString::from);
    let package = ["package", "--no-verify", "--allow-dirty", "--quiet"].map(OsString::from);
    let package = package.into_iter().chain(CRATES.map(|name| format!("--package={name}").into()));
    for arguments in [publish.into_iter().collect(), package.collect::<Vec<_>>()] {
        let status = without_libtorch(machine, &machine.root, &arguments)?;
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
    let project = write_project(machine, folder.path())?;
    // In a target folder of its own, because it depends on other packages and profiles than the workspace.
    let place = [OsString::from("--target-dir"), target.join("packed").into_os_string()];
    let check = ["check", "--bins", "--features", "mixup/doc-only"].map(OsString::from);
    let status = without_libtorch(machine, &project, &[&check[..], &place].concat())?;
    if !status.success() {
        return Ok(run::exit_code(status));
    }
    machine.console.line("a project outside of the workspace compiles with the packed crates");
    let Some(libtorch) = libtorch else { return Ok(ExitCode::SUCCESS) };
    let photos = project.join("photos");
    draw(&photos)?;
    for program in ["pets", "predict"] {
        let run = ["run".into(), "--bin".into(), program.into()].into_iter().chain(place.clone());
        let arguments: Vec<_> = run.chain(["--".into(), photos.clone().into_os_string()]).collect();
        run::announce(machine, libtorch, &arguments);
        let mut command = run::cargo(machine, libtorch, &arguments);
        // The build script of the project says where libtorch is.
        command.current_dir(&project).env_remove(machine.platform.library_path());
        if matches!(libtorch.origin, Origin::Own) {
            command.env("LIBTORCH", machine.root.join(libtorch::FOLDER));
        }
        let status = child::run(machine, &mut command, Output::None, drop)?;
        if !status.success() {
            return Ok(run::exit_code(status));
        }
    }
    machine.console.line("the project trains and predicts with the packed crates");
    Ok(ExitCode::SUCCESS)
}

fn without_libtorch(machine: &Machine, folder: &Path, arguments: &[OsString]) -> Result<ExitStatus, Error> {
    let mut command = machine.cargo();
    // The variable takes precedence over the one in `.cargo/config.toml`.
    command.args(arguments).current_dir(folder).env("LIBTORCH", "");
    child::run(machine, &mut command, Output::None, drop)
}

fn unpack(packed: &Path, folder: &Path) -> Result<(), Error> {
    let file = File::open(packed).map_err(Error::io("open", packed))?;
    Archive::new(GzDecoder::new(file)).unpack(folder).map_err(Error::io("unpack", packed))
}

/// Copies the example of a project next to the unpacked crates, with one more program. It starts with the lock file of the workspace, so that
/// it uses the same versions of all other crates.
fn write_project(machine: &Machine, folder: &Path) -> Result<PathBuf, Error> {
    let (from, project) = (machine.root.join("examples").join("own_project"), folder.join("project"));
    let bins = project.join("src").join("bin");
    fs::create_dir_all(&bins).map_err(Error::io("create", &bins))?;
    for file in ["build.rs", "src/main.rs", "src/bin/predict.rs"] {
        let file = from.join(file);
        let to = project.join(file.strip_prefix(&from).unwrap_or(&file));
        fs::copy(&file, to).map_err(Error::io("copy", &file))?;
    }
    let lock = machine.root.join("Cargo.lock");
    fs::copy(&lock, project.join("Cargo.lock")).map_err(Error::io("copy", &lock))?;
    let manifest = from.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).map_err(Error::io("read", &manifest))?;
    let patches = CRATES.map(|name| format!("{name} = {{ path = \"../{name}-{VERSION}\" }}\n")).concat();
    let text = text.replace("mixup = { path = \"../..\" }", &format!("mixup = \"={VERSION}\""));
    let files = [
        (project.join("Cargo.toml"), format!("{text}\n[patch.crates-io]\n{patches}")),
        (bins.join("program.rs"), PROGRAM.to_owned()),
    ];
    for (path, text) in files {
        fs::write(&path, text).map_err(Error::io("write", &path))?;
    }
    Ok(project)
}

/// Draws pictures of two classes and several sizes, as BMP files.
fn draw(photos: &Path) -> Result<(), Error> {
    for (class, colour) in [("blue", [200, 60, 40]), ("red", [40, 60, 200])] {
        let folder = photos.join(class);
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        for number in 0..20_u8 {
            let (width, height) = (40 + u32::from(number), 60 - u32::from(number));
            let file = folder.join(format!("{number}.bmp"));
            fs::write(&file, bitmap(width, height, colour)).map_err(Error::io("write", &file))?;
        }
    }
    Ok(())
}

/// A BMP file of one colour, given as blue, green and red.
fn bitmap(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    const HEADERS: u32 = 14 + 40;
    let padding = (4 - width * 3 % 4) % 4;
    let size = HEADERS + (width * 3 + padding) * height;
    let mut bytes = b"BM".to_vec();
    let mut words = |words: &[u32]| bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    words(&[size, 0, HEADERS, 40, width, height]);
    words(&[1 | 24 << 16, 0, size - HEADERS, 0, 0, 0, 0]); // one plane, 24 bits
    for _ in 0..height {
        bytes.extend((0..width).flat_map(|_| colour));
        bytes.extend((0..padding).map(|_| 0));
    }
    bytes
}
