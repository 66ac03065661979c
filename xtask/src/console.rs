//! What the user reads. It goes to stderr, because stdout belongs to the programs that are run, such as the benches with
//! their JSON.
//!
//! A terminal shows progress bars; a pipe gets plain lines, one for each quarter of the work. Nothing is coloured, so there
//! is nothing for `NO_COLOR` to turn off.

use std::io::{self, IsTerminal, Write};
#[cfg(test)]
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a bar is redrawn, even without progress.
const TICK: Duration = Duration::from_millis(120);

/// Without a terminal, work that takes less than this prints no intermediate lines.
const SLOW: Duration = Duration::from_secs(1);

/// Where lines and progress go.
pub enum Console {
    /// A person watches: progress bars.
    Terminal,
    /// A file or another program reads: plain lines.
    Pipe,
    /// A test reads: the lines are kept.
    #[cfg(test)]
    Kept(Mutex<Vec<String>>),
}

impl Console {
    /// This process's stderr.
    pub fn here() -> Self {
        if io::stderr().is_terminal() { Self::Terminal } else { Self::Pipe }
    }

    /// Prints a line.
    pub fn line(&self, text: &str) {
        match self {
            Self::Terminal | Self::Pipe => eprintln!("{text}"),
            #[cfg(test)]
            Self::Kept(lines) => lines.lock().expect("no test panics while it holds the lines").push(text.to_owned()),
        }
    }

    /// Prints a line of another program's output on stdout.
    pub fn output(&self, text: &str) {
        match self {
            // The write fails once nobody reads any more, as in `cargo xtask test | head`.
            Self::Terminal | Self::Pipe => drop(writeln!(io::stdout(), "{text}")),
            #[cfg(test)]
            Self::Kept(_) => self.line(text),
        }
    }

    /// Whether this is a terminal.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal)
    }

    /// Progress over a known number of bytes.
    pub fn bytes(&self, what: &str, total: u64) -> Progress<'_> {
        self.progress(what, Some(total), "{msg} {wide_bar} {bytes}/{total_bytes} {elapsed}")
    }

    /// Progress in bytes with an unknown end.
    pub fn open_end(&self, what: &str) -> Progress<'_> {
        self.progress(what, None, "{spinner} {msg} {bytes} {elapsed}")
    }

    fn progress(&self, what: &str, total: Option<u64>, template: &str) -> Progress<'_> {
        let bar = self.is_terminal().then(|| {
            let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(what.to_owned());
            bar.enable_steady_tick(TICK);
            bar
        });
        if bar.is_none() {
            self.line(&format!("{what} …"));
        }
        Progress { console: self, what: what.to_owned(), bar, total, done: 0, quarters: 0, start: Instant::now() }
    }
}

/// Work in progress. Dropping it removes it from the terminal.
pub struct Progress<'a> {
    console: &'a Console,
    what: String,
    bar: Option<ProgressBar>,
    total: Option<u64>,
    done: u64,
    quarters: u64,
    start: Instant,
}

impl Progress<'_> {
    /// Adds this number of bytes.
    pub fn add(&mut self, bytes: u64) {
        self.set(self.done + bytes);
    }

    /// Sets the number of bytes so far.
    pub fn set(&mut self, bytes: u64) {
        self.done = bytes;
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
        } else if let Some(total) = self.total.filter(|total| *total > 0) {
            let quarters = bytes.saturating_mul(4) / total;
            // The end has a line of its own, and quick work needs no other.
            if quarters > self.quarters && quarters < 4 && self.start.elapsed() > SLOW {
                self.console.line(&format!("{}: {} %", self.what, quarters * 25));
            }
            self.quarters = quarters;
        }
    }

    /// Prints a line above the bar.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.console.line(text)),
            None => self.console.line(text),
        }
    }

    /// Ends the progress and prints how long it took.
    pub fn finish(self) {
        let line = format!("{}: done in {} s", self.what, self.start.elapsed().as_secs());
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.console.line(&line);
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
