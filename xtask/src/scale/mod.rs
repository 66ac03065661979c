//! `cargo xtask scale`: what a training on several ranks costs, on this machine and on hosts that are made for it, beside a model of it.
//!
//! Each measurement is a line of JSON on stdout; the tables and the picture go to `docs/`.
//!
//! Each module imports only modules before it in this list: link → hosts → model → measure → page

mod hosts;
mod link;
mod measure;
mod model;
mod page;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use self::{
    hosts::Hosts,
    link::Link,
    measure::{Measured, Net, Scaling, Where},
    model::Model,
    page::Page,
};
use crate::{child, child::Output, error::Error, libtorch::Libtorch, machine::Machine, run};

/// The networks: gradients of 3 MB and of 50 MB.
const NETS: [Net; 2] =
    [Net { width: 512, layers: 3, batch: 512, steps: 100 }, Net { width: 2048, layers: 3, batch: 256, steps: 20 }];
/// On how many hosts.
const HOSTS: [usize; 3] = [2, 3, 4];
/// How the hosts are connected. The first one is that of the model.
const LINKS: [Link; 3] = [
    Link { mbit: 1000, delay_us: 0, loss_percent: 0.0 },
    Link { mbit: 1000, delay_us: 1000, loss_percent: 0.0 },
    Link { mbit: 1000, delay_us: 1000, loss_percent: 0.1 },
];

/// Measures all, and writes the page and the picture.
///
/// # Errors
///
/// A program is missing, does not start or fails, or Ctrl-C was pressed. The hosts are removed in any case.
pub fn run(machine: &Machine, libtorch: &Libtorch) -> Result<ExitCode, Error> {
    let programs = build(machine, libtorch)?;
    let scaling = Scaling { machine, libtorch, program: programs.join("scaling") };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut page = Page::new(cores);
    for strong in [false, true] {
        for net in &NETS {
            for ranks in powers_of_two(cores) {
                let measured = scaling.measure(net, ranks, strong, &Where::Here)?;
                show(machine, &measured);
                page.here(measured);
            }
        }
    }
    match hosts::possible(machine) {
        Ok(()) => connected(machine, &scaling, &mut page)?,
        Err(why) => {
            machine.console.line(&format!("no hosts are made: {why}"));
            page.without_hosts(&why);
        }
    }
    let docs = machine.root.join("docs");
    page.write(&docs.join("scale.md"))?;
    draw(machine, libtorch, &programs, &page.lines(), &docs.join("scale.svg"))?;
    machine.console.line("wrote docs/scale.md and docs/scale.svg");
    Ok(ExitCode::SUCCESS)
}

/// Measures on hosts that are made for it, with each kind of link.
fn connected(machine: &Machine, scaling: &Scaling<'_>, page: &mut Page) -> Result<(), Error> {
    let most = HOSTS.iter().copied().max().unwrap_or(1);
    for link in &LINKS {
        let hosts = match Hosts::make(machine, most, link)? {
            Ok(hosts) => hosts,
            Err(why) => {
                machine.console.line(&format!("no hosts with {link}: {why}"));
                page.without_link(link, &why);
                continue;
            }
        };
        let mut all = Vec::new();
        for net in &NETS {
            for count in HOSTS {
                let measured = scaling.measure(net, count, false, &Where::On(&hosts))?;
                show(machine, &measured);
                all.push(measured);
            }
        }
        page.on_hosts(link, Model::fitted(&all), all);
    }
    Ok(())
}

fn show(machine: &Machine, measured: &Measured) {
    machine.console.output(&measured.line());
}

/// 1, 2, 4, … up to this number.
fn powers_of_two(most: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), |ranks| Some(ranks * 2)).take_while(move |ranks| *ranks <= most.max(2))
}

/// Builds the programs, and returns their folder.
fn build(machine: &Machine, libtorch: &Libtorch) -> Result<PathBuf, Error> {
    let words = ["build", "--release", "--workspace", "--example", "scaling", "--example", "scaling_picture"];
    let words = words.map(Into::into);
    run::announce(machine, libtorch, &words);
    let status = child::run(machine, &mut run::cargo(machine, libtorch, &words), Output::None, |_| ())?;
    if status.success() {
        Ok(machine.target().join("release").join("examples"))
    } else {
        Err(Error::Scaling { message: "cargo did not build it".to_owned() })
    }
}

/// Has the picture drawn from lines of JSON.
fn draw(machine: &Machine, libtorch: &Libtorch, programs: &Path, lines: &str, place: &Path) -> Result<(), Error> {
    let from = tempfile::NamedTempFile::new().map_err(Error::io("create", place))?;
    fs::write(from.path(), lines).map_err(Error::io("write", from.path()))?;
    let mut command = run::with_libtorch(machine, libtorch, machine.command(programs.join("scaling_picture")));
    command.arg(from.path()).arg(place);
    let status = child::run(machine, &mut command, Output::None, |_| ())?;
    if status.success() { Ok(()) } else { Err(Error::Scaling { message: "the picture was not drawn".to_owned() }) }
}
