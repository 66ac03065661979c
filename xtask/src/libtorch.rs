//! Which libtorch there is, and whether it is the right one.
//!
//! The order is torch-sys's own, so that cargo and xtask never mean different ones: `LIBTORCH_USE_PYTORCH`, then a
//! `LIBTORCH` of the user's, then the workspace's `.libtorch/`. What torch-sys asks is told in its `build.rs`.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::Output,
};

use crate::{error::Error, machine::Machine};

/// The version of libtorch that tch wants.
pub const WANTED: &str = "2.13.0";
/// The version of tch that wants it.
pub const TCH: &str = "0.26";

/// The folder in the workspace's root.
pub const FOLDER: &str = ".libtorch";
/// The file in which torch-sys looks for the version.
pub const VERSION_FILE: &str = "build-version";

const HEADER: &str = "include/torch/csrc/api/include/torch/torch.h";
/// One of these must lie among the libraries: Linux's, macOS's, Windows's.
const LIBRARIES: [&str; 3] = ["libtorch_cpu.so", "libtorch_cpu.dylib", "torch_cpu.dll"];

/// Asks just what torch-sys asks, so that what fails here would fail there.
const ASK_PYTORCH: &str = "
import torch
from torch.utils import cpp_extension
print('version', torch.__version__)
for path in cpp_extension.library_paths():
    print('lib', path)
";

/// A libtorch that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Libtorch {
    /// By which way it was found.
    pub origin: Origin,
    /// Its whole version, such as `2.13.0+cu130`.
    pub version: String,
    /// The folder of its libraries.
    pub lib: PathBuf,
}

/// The ways to libtorch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `.libtorch/` in the workspace.
    Own,
    /// The folder that the user's `LIBTORCH` names.
    Given(PathBuf),
    /// The PyTorch of this Python, by `LIBTORCH_USE_PYTORCH`.
    PyTorch(PathBuf),
}

impl Origin {
    /// The variable that leads there.
    pub fn variable(&self) -> Option<&'static str> {
        match self {
            Self::Own => None,
            Self::Given(_) => Some("LIBTORCH"),
            Self::PyTorch(_) => Some("LIBTORCH_USE_PYTORCH"),
        }
    }
}

/// What `find` saw.
#[derive(Debug)]
pub enum Found {
    /// One that fits.
    Ready(Libtorch),
    /// None: `.libtorch/` is to be made.
    Nothing,
    /// A `.libtorch/` that does not do, and why: it is to be made anew.
    Unfit(String),
}

/// Looks for libtorch in torch-sys's order.
///
/// # Errors
///
/// What a variable of the user's leads to does not fit: that is the user's, and nothing is made in its stead.
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

/// The `LIBTORCH` of the user's. Cargo sets one too, from `.cargo/config.toml`, and that is just `.libtorch/`.
pub fn given(machine: &Machine) -> Option<&Path> {
    machine.var("LIBTORCH").map(Path::new).filter(|folder| !is_own(machine, folder))
}

fn is_own(machine: &Machine, folder: &Path) -> bool {
    // The folder itself may not be there yet, so its parent is compared.
    let place = |path: &Path| Some((path.parent()?.canonicalize().ok()?, path.file_name()?.to_owned()));
    place(folder).is_some_and(|folder| Some(folder) == place(&machine.root.join(FOLDER)))
}

/// Whether a folder that setup made is complete and of the right version; its version, or what is wrong.
pub fn whole(folder: &Path) -> Result<String, String> {
    let files = [VERSION_FILE, HEADER, "lib/libc10.so", "lib/libtorch.so", "lib/libtorch_cpu.so"];
    for file in files {
        if !folder.join(file).metadata().is_ok_and(|facts| facts.is_file() && facts.len() > 0) {
            return Err(format!("`{file}` is missing in it or empty"));
        }
    }
    let version = version(folder).ok_or_else(|| format!("`{VERSION_FILE}` in it cannot be read"))?;
    if fits(&version) { Ok(version) } else { Err(format!("it is version {version}, and tch {TCH} wants {WANTED}")) }
}

fn at(machine: &Machine, folder: &Path) -> Result<Libtorch, Error> {
    let unfit = |problem: String| Error::NotLibtorch { place: folder.to_path_buf(), problem };
    if folder.as_os_str().is_empty() {
        return Err(unfit("that is empty".to_owned()));
    }
    if folder.is_relative() {
        return Err(unfit("torch-sys is built in another folder, where a relative path leads elsewhere".to_owned()));
    }
    if !folder.is_dir() {
        return Err(unfit("there is no such folder".to_owned()));
    }
    let include = machine.var("LIBTORCH_INCLUDE").map_or(folder, Path::new);
    if !include.join(HEADER).is_file() {
        return Err(unfit(format!("there is no `{HEADER}` in {}", include.display())));
    }
    let lib = library_folder(machine, folder);
    if !LIBRARIES.iter().any(|name| lib.join(name).is_file()) {
        return Err(unfit(format!("none of {} is in {}", LIBRARIES.join(", "), lib.display())));
    }
    let version = version(folder).ok_or_else(|| unfit("nothing in it tells its version".to_owned()))?;
    check(machine, "LIBTORCH", folder, &version)?;
    Ok(Libtorch { origin: Origin::Given(folder.to_path_buf()), version, lib })
}

fn library_folder(machine: &Machine, folder: &Path) -> PathBuf {
    machine.var("LIBTORCH_LIB").map_or(folder, Path::new).join("lib")
}

fn pytorch(machine: &Machine) -> Result<Libtorch, Error> {
    // The same choice as torch-sys's.
    let name = if machine.platform.os == "windows" {
        "python.exe"
    } else if machine.var("VIRTUAL_ENV").is_some() {
        "python"
    } else {
        "python3"
    };
    let unfit = |problem: String| Error::NoPyTorch { python: name.to_owned(), problem };
    let python = machine.program(name).ok_or_else(|| unfit(format!("there is no `{name}` on PATH")))?;
    let answer = {
        let _asking = machine.console.open_end("asking Python for its PyTorch");
        machine.command(&python).args(["-c", ASK_PYTORCH]).output()
    };
    let answer = answer.map_err(|error| Error::Start { program: python.clone(), error })?;
    if !answer.status.success() {
        return Err(unfit(format!("{} says «{}»", python.display(), last_line(&answer))));
    }
    let told = String::from_utf8_lossy(&answer.stdout);
    let tell = |word: &str| told.lines().rev().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    let (Some(version), Some(lib)) = (tell("version"), tell("lib")) else {
        return Err(unfit(format!("{} does not tell PyTorch's version and libraries", python.display())));
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
    // torch-sys has this way round its check, for those who know what they do.
    if fits(version) || machine.var("LIBTORCH_BYPASS_VERSION_CHECK").is_some() {
        return Ok(());
    }
    Err(Error::WrongVersion { variable, place: place.to_path_buf(), found: version.to_owned() })
}

/// `2.13.0+cu130` and `2.13.0+cpu` fit where `2.13.0` is wanted.
fn fits(version: &str) -> bool {
    version.split_once('+').map_or(version, |(release, _)| release) == WANTED
}

/// The version of a folder: torch-sys's file, else PyTorch's module, else the macros in the header.
fn version(folder: &Path) -> Option<String> {
    let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
    read(VERSION_FILE)
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .or_else(|| read("version.py").and_then(|text| version_in_module(&text)))
        .or_else(|| read("include/torch/headeronly/version.h").and_then(|text| version_in_header(&text)))
        .or_else(|| read("include/torch/csrc/api/include/torch/version.h").and_then(|text| version_in_header(&text)))
}

/// The version that PyTorch's `version.py` assigns.
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

/// Whether a compiler for torch-sys's C++ side is there, by the `cc` crate's rules.
///
/// # Errors
///
/// There is none; the error says which was looked for.
pub fn compiler(machine: &Machine) -> Result<(), Error> {
    // On Windows `cc` finds Visual C++ in the registry and not on PATH.
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
            // It may be a wrapper and its compiler, or a compiler and its options.
            if value.split_whitespace().next().is_some_and(|first| machine.program(first).is_some()) {
                return Ok(());
            }
            format!("{name} is `{value}`, and there is no such program")
        }
        None if machine.program("c++").is_some() => return Ok(()),
        None => match ["g++", "clang++"].into_iter().find(|name| machine.program(OsStr::new(name)).is_some()) {
            Some(other) => format!("`c++` is not on PATH, but `{other}` is: set CXX={other}, and all is well"),
            None => "neither `c++` nor `g++` nor `clang++` is on PATH".to_owned(),
        },
    };
    Err(Error::NoCompiler { problem })
}
