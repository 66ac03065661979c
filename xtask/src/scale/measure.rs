//! Runs the program `scaling` under `mpirun`, and reads its line.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::hosts::{self, Hosts};
use crate::{
    child::{self, Output},
    error::Error,
    libtorch::Libtorch,
    machine::Machine,
    run,
};

/// A network of linear layers, the items of a batch (of each rank, or of all together), and how many steps are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    pub width: usize,
    pub layers: usize,
    pub batch: usize,
    pub steps: usize,
}

/// Where the ranks are.
pub enum Where<'a> {
    /// On this machine.
    Here,
    /// One on each host.
    On(&'a Hosts<'a>),
}

/// What a step has cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    pub place: String,
    pub width: usize,
    pub layers: usize,
    pub strong: bool,
    pub ranks: usize,
    pub batch: usize,
    /// Bytes of gradients.
    pub bytes: u64,
    pub step_us: f64,
    /// Of a step: the copies of gradients within a rank, their exchange, and the wait for other ranks before it.
    pub copy_us: f64,
    pub exchange_us: f64,
    pub wait_us: f64,
}

/// The program that is run.
pub struct Scaling<'a> {
    pub machine: &'a Machine,
    pub libtorch: &'a Libtorch,
    pub program: PathBuf,
}

impl Scaling<'_> {
    /// Runs it on so many ranks.
    ///
    /// # Errors
    ///
    /// `mpirun` does not start or fails, the line is missing, or Ctrl-C was pressed.
    pub fn measure(&self, net: &Net, ranks: usize, strong: bool, place: &Where<'_>) -> Result<Measured, Error> {
        let (named, of_hosts, steps) = match place {
            Where::Here => ("one machine".to_owned(), Vec::new(), net.steps),
            Where::On(hosts) => (hosts.link.to_string(), hosts.arguments(ranks), (net.steps / 2).max(5)),
        };
        self.machine.console.line(&format!("{ranks} ranks, {named}, {} layers of {} …", net.layers, net.width));
        let mut command = run::with_libtorch(self.machine, self.libtorch, self.machine.command("mpirun"));
        if hosts::is_root() {
            command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        }
        // With more ranks than cores, one that waits must not keep another one from computing.
        command.args([
            "--mca",
            "mpi_yield_when_idle",
            "1",
            "--oversubscribe",
            "--bind-to",
            "none",
            "-x",
            self.machine.platform.library_path(),
        ]);
        command.args(of_hosts).arg("-n").arg(ranks.to_string()).arg(&self.program);
        let options = [("--width", net.width), ("--layers", net.layers), ("--batch", net.batch), ("--steps", steps)];
        for (name, value) in options {
            command.arg(name).arg(value.to_string());
        }
        command.args(strong.then_some("--strong"));
        let mut found = None;
        let status = child::run(self.machine, &mut command, Output::Stdout, |line| {
            found = line.and_then(|line| read(&line)).or(found.take());
        })?;
        let Some(line) = found.filter(|_| status.success()) else {
            return Err(Error::Scaling {
                message: format!("{ranks} ranks, {named}: {status}; what they said is above"),
            });
        };
        let number = |name: &str| line[name].as_f64().unwrap_or(f64::NAN);
        Ok(Measured {
            place: named,
            width: net.width,
            layers: net.layers,
            strong,
            ranks,
            batch: number("batch") as usize,
            bytes: number("bytes") as u64,
            step_us: number("step_us"),
            copy_us: number("copy_us"),
            exchange_us: number("exchange_us"),
            wait_us: number("wait_us"),
        })
    }
}

fn read(line: &str) -> Option<Value> {
    serde_json::from_str(line).ok().filter(|line: &Value| line["step_us"].is_number())
}

impl Measured {
    /// As a line of JSON.
    pub fn line(&self) -> String {
        json!({
            "bench": "scale",
            "case": format!("{} layers of {}", self.layers, self.width),
            "place": self.place,
            "strong": self.strong,
            "ranks": self.ranks,
            "batch": self.batch,
            "bytes": self.bytes,
            "step_us": self.step_us,
            "copy_us": self.copy_us,
            "exchange_us": self.exchange_us,
            "wait_us": self.wait_us,
        })
        .to_string()
    }

    /// Items in a second, of all ranks together.
    pub fn items_per_second(&self) -> f64 {
        (self.ranks * self.batch) as f64 / self.step_us * 1e6
    }
}
