//! Shows on stderr how far a long preparation is, and nothing for a short one.
//!
//! On a terminal a bar appears after a second and disappears at the end; elsewhere one line is printed after two seconds.
//! Nothing here is coloured, so `NO_COLOR` has no effect.

use std::{
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The progress of a task with a known number of steps; any thread may report them.
pub(crate) struct Progress {
    bar: ProgressBar,
    what: String,
    begun: Instant,
    wait: Duration,
    terminal: bool,
    shown: AtomicBool,
}

impl Progress {
    /// Starts a task with a number of steps; `what` describes it.
    pub(crate) fn new(what: String, steps: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{msg} [{wide_bar}] {percent:>3} %, {eta} left") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.clone());
        let terminal = io::stderr().is_terminal();
        let wait = Duration::from_secs(if terminal { 1 } else { 2 });
        Self { bar, what, begun: Instant::now(), wait, terminal, shown: AtomicBool::new(false) }
    }

    /// Reports that some steps are done.
    pub(crate) fn step(&self, steps: u64) {
        self.bar.inc(steps);
        if self.begun.elapsed() < self.wait || self.shown.swap(true, Ordering::Relaxed) {
            return;
        }
        if self.terminal {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        } else {
            // A closed stderr is not a reason to stop.
            let _ = writeln!(io::stderr(), "{} …", self.what);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
