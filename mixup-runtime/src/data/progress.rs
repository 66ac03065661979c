//! Shows on stderr how far a long preparation is, and nothing for a short one.
//!
//! On a terminal a bar appears after a second and disappears at the end; elsewhere one line is printed after two seconds, and for a download one
//! every half a minute. Nothing here is coloured, so `NO_COLOR` has no effect.

use std::{
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use indicatif::{DecimalBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The progress of a task with a known number of steps; any thread may report them.
pub(crate) struct Progress {
    bar: ProgressBar,
    what: String,
    begun: Instant,
    terminal: bool,
    /// When something is shown next, in milliseconds since the beginning.
    next: AtomicU64,
    /// How long after a line the next one is printed, if one is.
    every: Option<Duration>,
}

impl Progress {
    /// Starts a task with a number of steps; `what` describes it.
    pub(crate) fn new(what: String, steps: u64) -> Self {
        Self::with("{msg} [{wide_bar}] {percent:>3} %, {eta} left", what, Some(steps), None)
    }

    /// Starts a task whose steps are bytes; [`set`](Self::set) says how many there are.
    #[cfg(feature = "download")]
    pub(crate) fn of_bytes(what: String) -> Self {
        let template = "{msg} [{wide_bar}] {decimal_bytes} of {decimal_total_bytes}, {eta} left";
        Self::with(template, what, None, Some(Duration::from_secs(30)))
    }

    fn with(template: &str, what: String, steps: Option<u64>, every: Option<Duration>) -> Self {
        let bar = ProgressBar::with_draw_target(steps, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.clone());
        let terminal = io::stderr().is_terminal();
        let next = AtomicU64::new(if terminal { 1000 } else { 2000 });
        Self { bar, what, begun: Instant::now(), terminal, next, every }
    }

    /// Says that `done` steps are done, of so many if it is known.
    #[cfg(feature = "download")]
    pub(crate) fn set(&self, done: u64, of: Option<u64>) {
        match of {
            Some(steps) => self.bar.set_length(steps),
            None => self.bar.unset_length(),
        }
        self.bar.set_position(done);
        self.bar.reset_eta();
    }

    /// Reports that some steps are done.
    pub(crate) fn step(&self, steps: u64) {
        self.bar.inc(steps);
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let next = self.next.load(Ordering::Relaxed);
        let then = self
            .every
            .filter(|_| !self.terminal)
            .map_or(u64::MAX, |every| now.saturating_add(u64::try_from(every.as_millis()).unwrap_or(u64::MAX)));
        // Of several threads, one shows it.
        if now < next || self.next.compare_exchange(next, then, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        if self.terminal {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        } else {
            // A closed stderr is not a reason to stop.
            let _ = writeln!(io::stderr(), "{}{} …", self.what, self.far());
        }
    }

    /// How far a download is: ", 12.30 MB of 168.20 MB".
    fn far(&self) -> String {
        let there = DecimalBytes(self.bar.position());
        match (self.every, self.bar.length()) {
            (None, _) => String::new(),
            (_, Some(all)) => format!(", {there} of {}", DecimalBytes(all)),
            (_, None) => format!(", {there}"),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
