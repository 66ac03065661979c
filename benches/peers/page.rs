//! Writes the figures as tables to a page of the documentation, between two lines that mark what this bench writes.

use std::{fmt::Write as _, fs, io, path::Path};

use mixup::callbacks::mixing::Mode;

use crate::support::median;

const BEGIN: &str = "<!-- Written by `cargo xtask bench --peers` from here on. -->";
const END: &str = "<!-- Written by `cargo xtask bench --peers` up to here. -->";

/// With a load above this, another program is running besides this bench.
const BUSY: f64 = 1.5;

/// The sides for one shape. The first is ours with a weight per item, the second is ours with one weight per batch.
pub struct Figures {
    pub case: String,
    pub rows: Vec<Row>,
}

/// One side: its name, whether it draws a weight per item or per batch, and the microseconds of its rounds.
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
    /// Begins the text with the machine's cores and memory, and the versions of the libraries.
    pub fn new(versions: &[(String, String)], threads: i32) -> Self {
        let cores = std::thread::available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
        let versions: Vec<_> = versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let text = format!(
            "Measured on {cores} cores{}, with {threads} threads; the other libraries are {}. The first figure is the time in \
             microseconds for a batch of `f32`: the median of the rounds, where all sides take turns in one run. The second is our \
             speed-up, in place and in the mode that draws in the same way: the median of the rounds' ratios.\n",
            memory().map_or_else(String::new, |gib| format!(" and {gib} GiB of memory")),
            versions.join(", ")
        );
        // On a busy machine, threads that wait for each other also wait for other programs: libtorch's times can grow tenfold, and
        // ours look too good.
        let busy = load().filter(|load| *load > BUSY);
        let busy = busy.map_or_else(String::new, |load| {
            format!("\n**Another program kept the machine busy (load {load:.1}): these figures are not reliable.**\n")
        });
        Self { text: text + &busy }
    }

    /// Adds a shape's table.
    pub fn add(&mut self, figures: &Figures) {
        let Figures { case, rows } = figures;
        let _ = write!(self.text, "\n| {case} | µs | our speed-up |\n|---|---|---|\n");
        for (at, row) in rows.iter().enumerate() {
            let faster = if at < 2 { String::new() } else { format!("{:.1} ×", 1.0 / figures.ratio(row)) };
            let _ = writeln!(self.text, "| {} | {:.0} | {faster} |", row.name, median(row.times.clone()));
        }
    }

    /// Adds tables that are written already.
    pub fn add_text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Puts the tables between the page's two marker lines; a page without them gets them at its end.
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

/// The average number of running programs in the last minute; `None` if the system does not provide it.
fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// The machine's memory in GiB; `None` if the system does not provide it.
fn memory() -> Option<u64> {
    let facts = fs::read_to_string("/proc/meminfo").ok()?;
    let line = facts.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some((kib + (1 << 19)) >> 20)
}
