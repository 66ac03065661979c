//! Which libtorch there is, and whether it is the right one.
//!
//! The order is torch-sys's own, so that cargo and xtask never choose different ones: `LIBTORCH_USE_PYTORCH`, then the
//! user's `LIBTORCH`, then the workspace's `.libtorch/`. The source is `build.rs` in torch-sys.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::Output,
};

use crate::{
    error::Error,
    machine::Machine,
    versions::{LIBTORCH, TCH},
};

/// The folder in the workspace's root.
pub const FOLDER: &str = ".libtorch";
/// The file in which torch-sys looks for the version first.
pub const VERSION_FILE: &str = "build-version";

const HEADER: &str = "include/torch/csrc/api/include/torch/torch.h";
/// The library that must be there, by its names on Linux, macOS and Windows.
const LIBRARIES: [&str; 3] = ["libtorch_cpu.so", "libtorch_cpu.dylib", "torch_cpu.dll"];

/// Asks the same questions as torch-sys, so that it fails here exactly where it would fail there.
const ASK_PYTORCH: &str = "
import torch
from torch.utils import cpp_extension
print('version', torch.__version__)
for path in cpp_extension.library_paths():
    print('lib', path)
";

/// A libtorch of the right version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Libtorch {
    /// How it was found.
    pub origin: Origin,
    /// Its full version, such as `2.13.0+cu130`.
    pub version: String,
    /// The folder of its libraries.
    pub lib: PathBuf,
}

/// Where a libtorch comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `.libtorch/` in the workspace.
    Own,
    /// The folder in the user's `LIBTORCH`.
    Given(PathBuf),
    /// The PyTorch of this Python, by `LIBTORCH_USE_PYTORCH`.
    PyTorch(PathBuf),
}

impl Origin {
    /// The environment variable that points there.
    pub fn variable(&self) -> Option<&'static str> {
        match self {
            Self::Own => None,
            Self::Given(_) => Some("LIBTORCH"),
            Self::PyTorch(_) => Some("LIBTORCH_USE_PYTORCH"),
        }
    }
}

/// What `find` found.
#[derive(Debug)]
pub enum Found {
    /// A libtorch of the right version.
    Ready(Libtorch),
    /// None: `.libtorch/` must be made.
    Nothing,
    /// A `.libtorch/` that cannot be used, and the reason: it must be replaced.
    Unfit(String),
}

/// Looks for libtorch in torch-sys's order.
///
/// # Errors
///
/// A variable of the user's points to something unusable. It is the user's choice, so nothing replaces it.
pub fn find(machine: &Machine) -> Result<Found, Error> {
    if machine.var("LIBTORCH_USE_PYTORCH").is_some() {
        return pytorch(machine).map(Found::Ready);
    }
    if let Some(folder) = given(machine) {
        return at(machine, folder).map(Found::Ready);
    }
    let folder = machine.root.join(FOLDER);
    if fs::symlink_metadata(&folder).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(Found::Nothing);
    }
    Ok(match whole(&folder) {
        Ok(version) => {
            let lib = library_folder(machine, &folder);
            Found::Ready(Libtorch { origin: Origin::Own, version, lib })
        }
        Err(problem) => Found::Unfit(problem),
    })
}

/// The user's `LIBTORCH`. Cargo sets one too, from `.cargo/config.toml`, which points to `.libtorch/` and is ignored here.
pub fn given(machine: &Machine) -> Option<&Path> {
    machine.var("LIBTORCH").map(Path::new).filter(|folder| !is_own(machine, folder))
}

fn is_own(machine: &Machine, folder: &Path) -> bool {
    // The folder itself may not exist yet, so the parents are compared.
    let place = |path: &Path| Some((path.parent()?.canonicalize().ok()?, path.file_name()?.to_owned()));
    place(folder).is_some_and(|folder| Some(folder) == place(&machine.root.join(FOLDER)))
}

/// Checks that a folder made by `setup` is complete and of the right version. Returns its version, or what is wrong.
pub fn whole(folder: &Path) -> Result<String, String> {
    let files = [VERSION_FILE, HEADER, "lib/libc10.so", "lib/libtorch.so", "lib/libtorch_cpu.so"];
    for file in files {
        if !folder.join(file).metadata().is_ok_and(|facts| facts.is_file() && facts.len() > 0) {
            return Err(format!("`{file}` is missing or empty"));
        }
    }
    let version = version(folder).ok_or_else(|| format!("`{VERSION_FILE}` cannot be read"))?;
    if fits(&version) { Ok(version) } else { Err(format!("it is version {version}, but tch {TCH} needs {LIBTORCH}")) }
}

fn at(machine: &Machine, folder: &Path) -> Result<Libtorch, Error> {
    let unfit = |problem: String| Error::NotLibtorch { place: folder.to_path_buf(), problem };
    if folder.as_os_str().is_empty() {
        return Err(unfit("it is empty".to_owned()));
    }
    if folder.is_relative() {
        return Err(unfit("torch-sys is built in another folder, where a relative path points elsewhere".to_owned()));
    }
    if !folder.is_dir() {
        return Err(unfit("no such folder exists".to_owned()));
    }
    let include = machine.var("LIBTORCH_INCLUDE").map_or(folder, Path::new);
    if !include.join(HEADER).is_file() {
        return Err(unfit(format!("{} has no `{HEADER}`", include.display())));
    }
    let lib = library_folder(machine, folder);
    if !LIBRARIES.iter().any(|name| lib.join(name).is_file()) {
        return Err(unfit(format!("{} has none of {}", lib.display(), LIBRARIES.join(", "))));
    }
    let version = version(folder).ok_or_else(|| unfit("nothing in it states its version".to_owned()))?;
    check(machine, "LIBTORCH", folder, &version)?;
    Ok(Libtorch { origin: Origin::Given(folder.to_path_buf()), version, lib })
}

fn library_folder(machine: &Machine, folder: &Path) -> PathBuf {
    machine.var("LIBTORCH_LIB").map_or(folder, Path::new).join("lib")
}

fn pytorch(machine: &Machine) -> Result<Libtorch, Error> {
    // torch-sys chooses in the same way.
    let name = if machine.platform.os == "windows" {
        "python.exe"
    } else if machine.var("VIRTUAL_ENV").is_some() {
        "python"
    } else {
        "python3"
    };
    let unfit = |problem: String| Error::NoPyTorch { python: name.to_owned(), problem };
    let python = machine.program(name).ok_or_else(|| unfit(format!("`{name}` is not on PATH")))?;
    let answer = {
        let _asking = machine.console.open_end("asking Python about its PyTorch");
        machine.command(&python).args(["-c", ASK_PYTORCH]).output()
    };
    let answer = answer.map_err(|error| Error::Start { program: python.clone(), error })?;
    if !answer.status.success() {
        return Err(unfit(format!("{} says «{}»", python.display(), last_line(&answer))));
    }
    let output = String::from_utf8_lossy(&answer.stdout);
    let value = |word: &str| output.lines().rev().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    let (Some(version), Some(lib)) = (value("version"), value("lib")) else {
        return Err(unfit(format!("{} does not state the version and the libraries of PyTorch", python.display())));
    };
    let lib = PathBuf::from(lib);
    check(machine, "LIBTORCH_USE_PYTORCH", &lib, version)?;
    Ok(Libtorch { origin: Origin::PyTorch(python), version: version.to_owned(), lib })
}

fn last_line(answer: &Output) -> String {
    let said = String::from_utf8_lossy(&answer.stderr);
    said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing").trim().to_owned()
}

fn check(machine: &Machine, variable: &'static str, place: &Path, version: &str) -> Result<(), Error> {
    // torch-sys lets users who know what they are doing skip its check in this way.
    if fits(version) || machine.var("LIBTORCH_BYPASS_VERSION_CHECK").is_some() {
        return Ok(());
    }
    Err(Error::WrongVersion { variable, place: place.to_path_buf(), found: version.to_owned() })
}

/// `2.13.0+cu130` and `2.13.0+cpu` count as `2.13.0`.
fn fits(version: &str) -> bool {
    version.split_once('+').map_or(version, |(release, _)| release) == LIBTORCH
}

/// The version in a folder: from torch-sys's file, else from PyTorch's module, else from the macros in the header.
fn version(folder: &Path) -> Option<String> {
    let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
    read(VERSION_FILE)
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .or_else(|| read("version.py").and_then(|text| version_in_module(&text)))
        .or_else(|| read("include/torch/headeronly/version.h").and_then(|text| version_in_header(&text)))
        .or_else(|| read("include/torch/csrc/api/include/torch/version.h").and_then(|text| version_in_header(&text)))
}

/// The version in PyTorch's `version.py`.
pub fn version_in_module(text: &str) -> Option<String> {
    let assigned = text.lines().find_map(|line| line.strip_prefix("__version__ ="))?;
    Some(assigned.trim().trim_matches(['\'', '"']).to_owned())
}

fn version_in_header(text: &str) -> Option<String> {
    let number = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix("#define TORCH_VERSION_")?.strip_prefix(name)?.trim().parse().ok())
    };
    let (major, minor, patch): (u32, u32, u32) = (number("MAJOR ")?, number("MINOR ")?, number("PATCH ")?);
    Some(format!("{major}.{minor}.{patch}"))
}

/// Checks that there is a compiler for torch-sys's C++ code, by the rules of the crate `cc`.
///
/// # Errors
///
/// There is none. The error says which one was looked for.
pub fn compiler(machine: &Machine) -> Result<(), Error> {
    // On Windows `cc` finds Visual C++ through the registry, not on PATH.
    if machine.platform.os == "windows" {
        return Ok(());
    }
    let triple = format!("CXX_{}_unknown_linux_gnu", machine.platform.arch);
    let chosen = [triple.as_str(), "HOST_CXX", "TARGET_CXX", "CXX"]
        .into_iter()
        .find_map(|name| Some((name, machine.var(name)?)));
    let problem = match chosen {
        Some((name, value)) => {
            let value = value.to_string_lossy();
            // The value may be a wrapper with its compiler, or a compiler with its options.
            if value.split_whitespace().next().is_some_and(|first| machine.program(first).is_some()) {
                return Ok(());
            }
            format!("{name} is `{value}`, but no such program exists")
        }
        None if machine.program("c++").is_some() => return Ok(()),
        None => match ["g++", "clang++"].into_iter().find(|name| machine.program(OsStr::new(name)).is_some()) {
            Some(other) => format!("`c++` is not on PATH, but `{other}` is: set CXX={other}"),
            None => "neither `c++` nor `g++` nor `clang++` is on PATH".to_owned(),
        },
    };
    Err(Error::NoCompiler { problem })
}
