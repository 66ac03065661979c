//! Calls cargo such that the programs that it runs find libtorch.
//!
//! Programs and tests find `.libtorch/` through the rpath in `.cargo/config.toml`. The library path that is set here serves
//! a libtorch in another place, a `RUSTFLAGS` or target folder of the user's, and doc tests.

use std::{
    env,
    ffi::OsString,
    iter,
    path::PathBuf,
    process::{Command, ExitCode, ExitStatus},
};

use clap::ValueEnum;

use crate::{
    error::Error,
    libtorch::{self, Libtorch},
    machine::Machine,
};

/// The benches, named like their files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bench {
    /// The cost of the training loop itself per batch
    Loop,
    /// The whole training step of networks of several sizes, with AdamW and with SGD
    Step,
    /// The mixing of a batch
    Mix,
    /// The mixed loss of a batch
    Loss,
    /// A whole epoch
    Epoch,
    /// One checkpoint, as a share of an epoch
    Checkpoint,
    /// The loading of photos
    Loader,
    /// The time that callbacks take to compile
    Compile,
}

/// `cargo test`, for the default members of the workspace unless packages are selected: all but `mixup-mpi`, which has a command of its own.
pub fn test(mut args: Vec<OsString>, mut rest: Vec<OsString>) -> Vec<OsString> {
    // After an argument, clap leaves the dashes and what follows them among the arguments.
    if let Some(dashes) = args.iter().position(|arg| arg == "--") {
        rest.splice(0..0, args.drain(dashes..).skip(1));
    }
    iter::once("test".into()).chain(args).chain(after_dashes(rest)).collect()
}

/// `cargo run --example mixup`. All arguments are passed to the example.
pub fn demo(args: Vec<OsString>, rest: Vec<OsString>) -> Vec<OsString> {
    let theirs = args.into_iter().chain(rest).collect();
    words(["run", "--example", "mixup"]).chain(after_dashes(theirs)).collect()
}

/// `cargo bench` with these benches, or with all of them. `peers` adds the bench of the peers, which runs alone if no other is named.
pub fn bench(names: &[Bench], peers: bool, rest: Vec<OsString>) -> Vec<OsString> {
    let names = if names.is_empty() && !peers { Bench::value_variants() } else { names };
    let chosen = names.iter().filter_map(ValueEnum::to_possible_value).map(|name| name.get_name().to_owned());
    let chosen = chosen.chain(peers.then(|| "peers".to_owned()));
    let flags = chosen.flat_map(|name| ["--bench".into(), name.into()]);
    iter::once("bench".into()).chain(flags).chain(after_dashes(rest)).collect()
}

fn words<const N: usize>(words: [&str; N]) -> impl Iterator<Item = OsString> {
    words.map(OsString::from).into_iter()
}

fn after_dashes(args: Vec<OsString>) -> impl Iterator<Item = OsString> {
    let dashes = (!args.is_empty()).then(|| "--".into());
    dashes.into_iter().chain(args)
}

/// A call of cargo with the environment that it needs.
pub fn cargo(machine: &Machine, libtorch: &Libtorch, arguments: &[OsString]) -> Command {
    let mut command = with_libtorch(machine, libtorch, machine.cargo());
    command.args(arguments);
    // Cargo sets this variable itself, from `.cargo/config.toml`. If it were set here, cargo would see a change and rebuild
    // torch-sys whenever `cargo xtask test` and `cargo test` take turns.
    if libtorch::given(machine).is_none() {
        command.env_remove("LIBTORCH");
    }
    command
}

/// A command that finds libtorch, as the programs that it runs do.
pub fn with_libtorch(machine: &Machine, libtorch: &Libtorch, mut command: Command) -> Command {
    let variable = machine.platform.library_path();
    let before = machine.var(variable).map(|paths| env::split_paths(paths).collect()).unwrap_or_default();
    let paths: Vec<_> = iter::once(libtorch.lib.clone()).chain::<Vec<_>>(before).collect();
    // A path that contains the separator cannot be listed. Then only the rpath helps.
    if let Ok(paths) = env::join_paths(paths) {
        command.env(variable, paths);
    }
    command
}

/// Tells the user which call of cargo follows.
pub fn announce(machine: &Machine, libtorch: &Libtorch, arguments: &[OsString]) {
    let shown: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let (variable, lib) = (machine.platform.library_path(), libtorch.lib.display());
    machine.console.line(&format!("running `cargo {}` with {lib} on {variable}", shown.join(" ")));
}

/// Replaces this process by cargo, with these additional variables, so that cargo handles Ctrl-C and sets the exit status.
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
    announce(machine, libtorch, arguments);
    let mut command = cargo(machine, libtorch, arguments);
    command.envs(vars.iter().map(|(name, value)| (name, value)));
    replace_process(command)
}

#[cfg(unix)]
fn replace_process(mut command: Command) -> Result<ExitCode, Error> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(Error::Start { program: command.get_program().into(), error })
}

#[cfg(not(unix))]
fn replace_process(mut command: Command) -> Result<ExitCode, Error> {
    let status = command.status().map_err(|error| Error::Start { program: command.get_program().into(), error })?;
    Ok(exit_code(status))
}

/// The exit status of a program as the exit status of this one.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
