//! The tables in `docs/scale.md`, between two lines that mark what this command writes, and the lines of the picture.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::json;

use super::{link::Link, measure::Measured, model::Model};
use crate::error::Error;

const BEGIN: &str = "<!-- Written by `cargo xtask scale` from here on. -->";
const END: &str = "<!-- Written by `cargo xtask scale` up to here. -->";

/// The example for many ranks: ResNet-50's parameters in single precision, and a step of half a second.
const BYTES: u64 = 25_557_032 * 4;
const COMPUTE_US: f64 = 500_000.0;
/// Networks of a computing centre: their name, and microseconds and bytes per microsecond of each message.
const NETWORKS: [(&str, f64, f64); 3] =
    [("1 Gbit/s", 50.0, 125.0), ("10 Gbit/s", 20.0, 1250.0), ("100 Gbit/s", 3.0, 12_500.0)];
/// Bytes per microsecond at which a rank copies gradients, if it was not measured.
const GAMMA: f64 = 2000.0;

/// What was measured.
pub struct Page {
    cores: usize,
    here: Vec<Measured>,
    hosts: Vec<(Link, Option<Model>, Vec<Measured>)>,
    notes: Vec<String>,
}

impl Page {
    pub fn new(cores: usize) -> Self {
        Self { cores, here: Vec::new(), hosts: Vec::new(), notes: Vec::new() }
    }

    pub fn here(&mut self, measured: Measured) {
        self.here.push(measured);
    }

    pub fn on_hosts(&mut self, link: &Link, model: Option<Model>, all: Vec<Measured>) {
        self.hosts.push((*link, model, all));
    }

    pub fn without_hosts(&mut self, why: &str) {
        self.notes.push(format!("No hosts were made: {}.", why.trim_end_matches('.')));
    }

    pub fn without_link(&mut self, link: &Link, why: &str) {
        self.notes.push(format!("Hosts with {link} were not made: {}.", why.trim_end_matches('.')));
    }

    fn gamma(&self) -> f64 {
        self.hosts.iter().find_map(|(_, model, _)| *model).map_or(GAMMA, |model| model.gamma)
    }

    /// Puts the tables between the marker lines of the page.
    ///
    /// # Errors
    ///
    /// The page can't be read or written, or has no such lines.
    pub fn write(&self, place: &Path) -> Result<(), Error> {
        let page = fs::read_to_string(place).map_err(Error::io("read", place))?;
        let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let Some((before, after)) = parts else {
            let message = format!("{} has not the lines `{BEGIN}` and `{END}`", place.display());
            return Err(Error::Scaling { message });
        };
        let page = format!("{before}{BEGIN}\n\n{}\n{END}{after}", self.text());
        fs::write(place, page).map_err(Error::io("write", place))
    }

    fn text(&self) -> String {
        let mut text = format!("Measured on one machine with {} cores, with one thread for each rank.\n", self.cores);
        for (strong, title) in
            [(false, "weak scaling: the batch of each rank stays"), (true, "strong scaling: the batch of all stays")]
        {
            let _ = writeln!(
                text,
                "\n| {title} | ranks | batch of each | a step | of it copies | exchange | waiting | items a second |"
            );
            text.push_str("|---|---|---|---|---|---|---|---|\n");
            for one in self.here.iter().filter(|one| one.strong == strong) {
                let first = self
                    .here
                    .iter()
                    .find(|first| first.ranks == 1 && first.strong == strong && first.width == one.width);
                let faster = first.map_or(1.0, |first| one.items_per_second() / first.items_per_second());
                let Measured { layers, width, ranks, batch, .. } = one;
                let _ = write!(text, "| {layers} layers of {width} | {ranks} | {batch} | {} |", ms(one.step_us));
                let [copies, exchange, wait] = [one.copy_us, one.exchange_us, one.wait_us].map(ms);
                let _ = writeln!(text, " {copies} | {exchange} | {wait} | {faster:.2} × |");
            }
        }
        for (link, model, all) in &self.hosts {
            let _ = writeln!(
                text,
                "\n| hosts, each with a link of {link} | gradients | exchange | by the model |\n|---|---|---|---|"
            );
            for one in all {
                let expected =
                    model.map_or_else(|| "—".to_owned(), |model| ms(model.exchange_us(one.ranks, one.bytes)));
                let mb = one.bytes as f64 / 1e6;
                let _ = writeln!(text, "| {} | {mb:.1} MB | {} | {expected} |", one.ranks, ms(one.exchange_us));
            }
            if let Some(Model { alpha_us, beta, gamma }) = model {
                let _ = writeln!(
                    text,
                    "\nThe model, fitted to two hosts: {alpha_us:.0} µs for a message, {:.2} Gbit/s on the network, {:.1} GB/s within a rank.",
                    beta * 8.0 / 1000.0,
                    gamma / 1000.0
                );
            }
        }
        for note in &self.notes {
            let _ = writeln!(text, "\n{note}");
        }
        text.push_str(&self.on_paper());
        text
    }

    /// The table for many ranks.
    fn on_paper(&self) -> String {
        let mut text = "\n| ranks, on paper |".to_owned();
        for (name, ..) in NETWORKS {
            let _ = write!(text, " {name} |");
        }
        let _ = writeln!(text, "\n|---|{}", "---|".repeat(NETWORKS.len()));
        for ranks in [2, 8, 32, 128, 256, 1024] {
            let _ = write!(text, "| {ranks} |");
            for (_, model) in self.networks() {
                let _ = write!(text, " {:.0} % |", 100.0 * model.efficiency(ranks, BYTES, COMPUTE_US));
            }
            text.push('\n');
        }
        text
    }

    fn networks(&self) -> impl Iterator<Item = (&'static str, Model)> {
        let gamma = self.gamma();
        NETWORKS.into_iter().map(move |(name, alpha_us, beta)| (name, Model { alpha_us, beta, gamma }))
    }

    /// The lines of the picture, as JSON: efficiency in percent over ranks.
    pub fn lines(&self) -> String {
        let mut text = String::new();
        for (name, model) in self.networks() {
            let ranks = (0..=10).map(|power| 1_usize << power);
            let points: Vec<_> =
                ranks.map(|ranks| (ranks as f64, 100.0 * model.efficiency(ranks, BYTES, COMPUTE_US))).collect();
            let _ = writeln!(text, "{}", json!({ "line": name, "points": points }));
        }
        text
    }
}

fn ms(us: f64) -> String {
    if us < 10_000.0 { format!("{:.1} ms", us / 1000.0) } else { format!("{:.0} ms", us / 1000.0) }
}
