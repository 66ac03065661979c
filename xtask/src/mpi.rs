//! The tests of trainings of several processes: `cargo xtask test --mpi`.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::{error::Error, machine::Machine};

/// `cargo test` for `mixup-mpi`. It selects all packages and not this one alone, so that the others are built with the same features as usual.
pub fn test(mut args: Vec<OsString>, rest: Vec<OsString>) -> Vec<OsString> {
    let selected = ["--workspace", "--lib", "--test=ranks"].map(OsString::from);
    args.splice(0..0, selected);
    crate::run::test(args, rest)
}

/// Checks that everything is there that the crate needs to build and to run.
///
/// # Errors
/// [`Error::NoMpi`] names the first thing that is missing.
pub fn check(machine: &Machine) -> Result<(), Error> {
    for missing in ["mpicc", "mpirun"] {
        if machine.program(missing).is_none() {
            return Err(Error::NoMpi { missing });
        }
    }
    if has_libclang(machine) { Ok(()) } else { Err(Error::NoMpi { missing: "libclang" }) }
}

/// Whether there is a libclang in a place where the crate `clang-sys` looks.
fn has_libclang(machine: &Machine) -> bool {
    if machine.var("LIBCLANG_PATH").is_some() || machine.program("llvm-config").is_some() {
        return true;
    }
    let libs = ["usr/lib", "usr/lib64", "usr/local/lib", "usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu"];
    let of_llvm = ["usr/lib", "opt/homebrew/opt", "usr/local/opt"]
        .into_iter()
        .flat_map(|folder| entries(&machine.system.join(folder)));
    let of_llvm = of_llvm.filter(|path| starts_with(path, "llvm")).map(|path| path.join("lib"));
    let folders = libs.map(|folder| machine.system.join(folder)).into_iter().chain(of_llvm);
    folders.flat_map(|folder| entries(&folder)).any(|path| starts_with(&path, "libclang"))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn starts_with(path: &Path, start: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start))
}
