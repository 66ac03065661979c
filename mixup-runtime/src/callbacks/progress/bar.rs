//! The bar of a pass over the data, on a terminal. It makes room for what others print there.
//!
//! `indicatif` leaves the cursor at the right edge, after the bar, so that whatever is printed next begins on its own line.
//! In two cases this leaves the bar on the screen:
//! - A panic prints its message before anybody can clear the bar. A panic hook clears it first.
//! - On Ctrl-C the terminal prints `^C` on the next line, and the training notices a signal only after the batch. So a thread waits for
//!   the signal, clears both lines, and says what happens next.

use std::{
    io::IsTerminal as _,
    panic,
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};

/// What is shown while a training runs: a bar, or what happens after a signal.
#[derive(Debug)]
pub(super) struct Bar {
    line: Arc<Mutex<Line>>,
    #[cfg(unix)]
    _watch: Option<signal::Watch>,
}

impl Bar {
    /// `None` if the standard error is not a terminal: nobody would see a bar.
    pub(super) fn begin(signals: bool) -> Option<Self> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        clear_before_a_panic();
        let line = Arc::new(Mutex::new(Line::default()));
        #[cfg(unix)]
        let watch = signals.then(|| signal::Watch::begin(&line).ok()).flatten();
        Some(Self {
            line,
            #[cfg(unix)]
            _watch: watch,
        })
    }

    /// Shows a new bar for a pass.
    pub(super) fn show(&self, label: &'static str, batches: usize) {
        let mut line = Line::lock(&self.line);
        line.shown = None;
        if !line.stopping {
            // The number of batches in a stream is not known.
            let (bar, style) = match batches {
                usize::MAX => (ProgressBar::no_length(), "{msg} {spinner} {pos} batches {elapsed}"),
                _ => (ProgressBar::new(batches as u64), "{msg} {wide_bar} {pos}/{len} {elapsed}<{eta}"),
            };
            line.shown = Some(Shown::new(bar.with_message(label), ProgressStyle::with_template(style).ok()));
        }
    }

    /// Called after each batch.
    pub(super) fn advance(&self) {
        let line = Line::lock(&self.line);
        if let Some(shown) = line.shown.as_ref().filter(|_| !line.stopping) {
            shown.0.inc(1);
        }
    }

    /// Clears everything from the screen.
    pub(super) fn clear(&self) {
        Line::lock(&self.line).shown = None;
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        let mut line = Line::lock(&self.line);
        line.shown = None;
        line.stopping = true; // so that a signal that the thread notices only now shows nothing
    }
}

/// The last line of the terminal.
#[derive(Debug, Default)]
struct Line {
    shown: Option<Shown>,
    /// Set by a signal.
    signalled: Arc<AtomicBool>,
    /// After a signal there is no bar.
    stopping: bool,
}

impl Line {
    /// Handles a signal, the first time that it is called after one.
    fn lock(line: &Mutex<Self>) -> MutexGuard<'_, Self> {
        let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
        if !line.stopping && line.signalled.load(Ordering::Relaxed) {
            line.stopping = true;
            line.clear_with_echo();
            let message = "Stopping after this batch. A second Ctrl-C or signal ends the program at once.";
            let style = ProgressStyle::with_template("{wide_msg}");
            line.shown = Some(Shown::new(ProgressBar::new_spinner().with_message(message), style.ok()));
        }
        line
    }

    /// Clears the bar, and the `^C` on the line below it if the terminal has printed one.
    ///
    /// The terminal has not if the signal came from elsewhere. This many spaces bring the cursor to the line below the bar in both
    /// cases: from the bar's right edge to the last column but one, or from after the two columns of `^C` to the right edge.
    fn clear_with_echo(&mut self) {
        let terminal = Term::stderr();
        if self.shown.is_some() {
            let columns = usize::from(terminal.size().1);
            let _ = terminal.write_str(&" ".repeat(columns.saturating_sub(2)));
            let _ = terminal.clear_line().and_then(|()| terminal.move_cursor_up(1));
            self.shown = None;
        } else {
            let _ = terminal.clear_line();
        }
    }
}

/// How many lines are shown in this process.
static SHOWN: AtomicUsize = AtomicUsize::new(0);

/// A line that is on the screen for as long as this value lives.
#[derive(Debug)]
struct Shown(ProgressBar);

impl Shown {
    fn new(bar: ProgressBar, style: Option<ProgressStyle>) -> Self {
        if let Some(style) = style {
            bar.set_style(style);
        }
        bar.tick();
        SHOWN.fetch_add(1, Ordering::Relaxed);
        Self(bar)
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        SHOWN.fetch_sub(1, Ordering::Relaxed);
        self.0.finish_and_clear();
    }
}

/// Makes a panic's message replace a bar that is shown, for the rest of the process. The previous hook prints the message.
fn clear_before_a_panic() {
    static HOOK: Once = Once::new();
    // The hook can't be replaced in a thread that panics.
    if thread::panicking() {
        return;
    }
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if SHOWN.load(Ordering::Relaxed) > 0 {
                let _ = Term::stderr().clear_line();
            }
            print(info);
        }));
    });
}

#[cfg(unix)]
mod signal {
    use std::{
        io,
        sync::{Arc, Mutex},
        thread,
    };

    use signal_hook::{
        SigId,
        consts::{SIGINT, SIGTERM},
        flag,
        iterator::{Handle, Signals},
        low_level::unregister,
    };

    use super::Line;

    /// While it lives, a thread handles the display on a signal. The learner decides what the signal does to the training.
    #[derive(Debug)]
    pub(super) struct Watch {
        flags: Vec<SigId>,
        signals: Handle,
    }

    impl Watch {
        pub(super) fn begin(line: &Arc<Mutex<Line>>) -> io::Result<Self> {
            // The flag is set before the thread is woken.
            let mut signals = Signals::new([0; 0])?;
            let mut watch = Self { flags: Vec::new(), signals: signals.handle() };
            for signal in [SIGINT, SIGTERM] {
                watch.flags.push(flag::register(signal, Arc::clone(&Line::lock(line).signalled))?);
                signals.add_signal(signal)?;
            }
            let line = Arc::clone(line);
            let wait = move || signals.forever().for_each(|_| drop(Line::lock(&line)));
            thread::Builder::new().name("mixup-signals".to_owned()).spawn(wait)?;
            Ok(watch)
        }
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            self.signals.close();
            for flag in self.flags.drain(..) {
                unregister(flag);
            }
        }
    }
}
