//! The figures as a table in a page of the documentation, between two lines that mark what is written by this bench.

use std::{fmt::Write as _, fs, io, path::Path};

use mixup::mixup::Mode;

use crate::support::median;

const BEGIN: &str = "<!-- What follows is written by `cargo xtask bench --peers`. -->";
const END: &str = "<!-- What `cargo xtask bench --peers` writes ends here. -->";

/// A load above which something else than this bench is at work.
const BUSY: f64 = 1.5;

/// One shape's sides: first ours with a weight for each item, then ours with one for the batch.
pub struct Figures {
    pub case: String,
    pub rows: Vec<Row>,
}

/// One side, what it draws a weight for, and its rounds in microseconds.
pub struct Row {
    pub name: String,
    pub per: Mode,
    pub times: Vec<f64>,
}

/// The tables so far.
pub struct Page {
    text: String,
}

impl Page {
    /// The machine by its cores and memory, and the libraries.
    pub fn new(versions: &[(String, String)], threads: i32) -> Self {
        let cores = std::thread::available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
        let versions: Vec<_> = versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let text = format!(
            "Measured on {cores} cores{}, with {threads} threads, beside {}. Microseconds for a batch of `f32`, medians \
             of the rounds, all sides taken in turn in one run; and how many times as fast ours in place is that draws as the \
             other does, the median of the rounds' ratios.\n",
            memory().map_or_else(String::new, |gib| format!(" and {gib} GiB of memory")),
            versions.join(", ")
        );
        // Threads that wait for each other wait for strangers then: libtorch's times grow tenfold, and ours look too good.
        let busy = load().filter(|load| *load > BUSY);
        let busy = busy.map_or_else(String::new, |load| {
            format!("\n**The machine was busy with something else (load {load:.1}): these figures mean little.**\n")
        });
        Self { text: text + &busy }
    }

    /// Adds a shape's table.
    pub fn add(&mut self, figures: &Figures) {
        let Figures { case, rows } = figures;
        let _ = write!(self.text, "\n| {case} | µs | ours is faster |\n|---|---|---|\n");
        for (at, row) in rows.iter().enumerate() {
            let faster = if at < 2 { String::new() } else { format!("{:.1} ×", 1.0 / figures.ratio(row)) };
            let _ = writeln!(self.text, "| {} | {:.0} | {faster} |", row.name, median(row.times.clone()));
        }
    }

    /// Puts the tables between the page's two lines, and these at its end where it has none yet.
    pub fn write(&self, place: &Path) -> io::Result<()> {
        let page = match fs::read_to_string(place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            page => page?,
        };
        let (before, after) = match (page.split_once(BEGIN), page.split_once(END)) {
            (Some((before, _)), Some((_, after))) => (before.to_owned(), after.to_owned()),
            _ => (format!("{}\n\n", page.trim_end()), "\n".to_owned()),
        };
        fs::write(place, format!("{before}{BEGIN}\n\n{}\n{END}{after}", self.text))
    }
}

/// How many programs ran at once in the last minute, where the system tells it.
fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// The machine's memory in GiB, where the system tells it.
fn memory() -> Option<u64> {
    let facts = fs::read_to_string("/proc/meminfo").ok()?;
    let line = facts.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some((kib + (1 << 19)) >> 20)
}
