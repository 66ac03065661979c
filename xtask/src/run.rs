//! The calls of cargo, with libtorch in reach of whatever it runs.
//!
//! Programs and tests find `.libtorch/` by the rpath in `.cargo/config.toml`; the library path that is set here is for a
//! libtorch elsewhere, for a `RUSTFLAGS` or a target folder of the user's, and for doc tests.

use std::{env, ffi::OsString, iter, path::PathBuf, process::Command, process::ExitCode};

use clap::ValueEnum;

use crate::{
    error::Error,
    libtorch::{self, Libtorch},
    machine::Machine,
};

/// The benches, by the names of their files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bench {
    /// The training loop's own cost per batch
    Loop,
    /// The mixing of a batch
    Mix,
    /// The mixed loss of a batch
    Loss,
    /// A whole epoch
    Epoch,
    /// The compiler's time for callbacks
    Compile,
}

/// `cargo test`, over the whole workspace unless packages are named.
pub fn test(mut args: Vec<OsString>, mut rest: Vec<OsString>) -> Vec<OsString> {
    // Behind an argument clap leaves the dashes, and what follows them, among the arguments.
    if let Some(dashes) = args.iter().position(|arg| arg == "--") {
        rest.splice(0..0, args.drain(dashes..).skip(1));
    }
    let choice = ["-p", "--package", "--workspace", "--all", "--manifest-path"];
    let chosen = args.iter().filter_map(|arg| arg.to_str()).any(|arg| {
        let name = arg.split_once('=').map_or(arg, |(name, _)| name);
        choice.contains(&name) || (arg.starts_with("-p") && !arg.starts_with("--"))
    });
    let scope = (!chosen).then(|| "--workspace".into());
    iter::once("test".into()).chain(scope).chain(args).chain(behind_dashes(rest)).collect()
}

/// `cargo run --example mixup`; all arguments are the example's.
pub fn demo(args: Vec<OsString>, rest: Vec<OsString>) -> Vec<OsString> {
    let theirs = args.into_iter().chain(rest).collect();
    words(["run", "--example", "mixup"]).chain(behind_dashes(theirs)).collect()
}

/// `cargo bench` with these benches, or with all; or with the peers', alone or behind those that are named.
pub fn bench(names: &[Bench], peers: bool, rest: Vec<OsString>) -> Vec<OsString> {
    let names = if names.is_empty() && !peers { Bench::value_variants() } else { names };
    let chosen = names.iter().filter_map(ValueEnum::to_possible_value).map(|name| name.get_name().to_owned());
    let chosen = chosen.chain(peers.then(|| "peers".to_owned()));
    let flags = chosen.flat_map(|name| ["--bench".into(), name.into()]);
    iter::once("bench".into()).chain(flags).chain(behind_dashes(rest)).collect()
}

fn words<const N: usize>(words: [&str; N]) -> impl Iterator<Item = OsString> {
    words.map(OsString::from).into_iter()
}

fn behind_dashes(args: Vec<OsString>) -> impl Iterator<Item = OsString> {
    let dashes = (!args.is_empty()).then(|| "--".into());
    dashes.into_iter().chain(args)
}

/// The call of cargo, with its environment.
pub fn cargo(machine: &Machine, libtorch: &Libtorch, arguments: &[OsString]) -> Command {
    let mut command = machine.command(machine.var("CARGO").unwrap_or("cargo".as_ref()));
    command.args(arguments);
    let variable = machine.platform.library_path();
    let before = machine.var(variable).map(|paths| env::split_paths(paths).collect()).unwrap_or_default();
    let paths: Vec<_> = iter::once(libtorch.lib.clone()).chain::<Vec<_>>(before).collect();
    // A path with a separator in it cannot be said; the rpath is then what is left.
    if let Ok(paths) = env::join_paths(paths) {
        command.env(variable, paths);
    }
    // Cargo sets it from `.cargo/config.toml` anyway. Set from outside it would look like a change, and torch-sys would be
    // built anew at each turn between `cargo xtask test` and `cargo test`.
    if libtorch::given(machine).is_none() {
        command.env_remove("LIBTORCH");
    }
    command
}

/// Says what it runs and becomes it, with these variables set, so that Ctrl-C and the exit status are cargo's own business.
///
/// # Errors
///
/// Cargo does not start.
pub fn hand_over(
    machine: &Machine,
    libtorch: &Libtorch,
    arguments: &[OsString],
    vars: &[(&str, PathBuf)],
) -> Result<ExitCode, Error> {
    let shown: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let (variable, lib) = (machine.platform.library_path(), libtorch.lib.display());
    machine.console.line(&format!("running `cargo {}` with {lib} on {variable}", shown.join(" ")));
    let mut command = cargo(machine, libtorch, arguments);
    command.envs(vars.iter().map(|(name, value)| (name, value)));
    become_it(command)
}

#[cfg(unix)]
fn become_it(mut command: Command) -> Result<ExitCode, Error> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(Error::Start { program: command.get_program().into(), error })
}

#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<ExitCode, Error> {
    let status = command.status().map_err(|error| Error::Start { program: command.get_program().into(), error })?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}
