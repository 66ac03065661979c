//! The line with the bars, on a terminal. It makes room for what others print there: that is why both bars are in one line.
//!
//! `indicatif` leaves the cursor at the right edge, after the bar, so that whatever is printed next begins on its own line.
//! In two cases this leaves the bar on the screen:
//! - A panic prints its message before anybody can clear the bar. A panic hook clears it first.
//! - On Ctrl-C the terminal prints `^C` on the next line, and the training notices a signal only after the batch. So a thread waits for
//!   the signal, clears both lines, and says what happens next. The kernel sends the signal first, so `^C` may also come after that: the
//!   message is cleared with what is on the line below it, as the bar is.

use std::{
    io::IsTerminal as _,
    panic,
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};

use super::line::{self, Pass, Training};

/// How often the line is drawn, and how often a loss is read for it, which waits for the device.
const DRAW: Duration = Duration::from_millis(50);
const READ: Duration = Duration::from_millis(500);
/// How long the terminal has for its `^C`, once a signal has come.
const ECHO: Duration = Duration::from_millis(30);

/// What is shown while a training runs: a bar, or what happens after a signal.
#[derive(Debug)]
pub(super) struct Bar {
    line: Arc<Mutex<Line>>,
    #[cfg(unix)]
    _watch: Option<signal::Watch>,
}

impl Bar {
    /// `None` if the standard error is not a terminal: nobody would see a bar. `epochs` is how many epochs a training has.
    pub(super) fn begin(signals: bool, epochs: Option<usize>) -> Option<Self> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        clear_before_a_panic();
        let line = Arc::new(Mutex::new(Line { epochs, began: Some(Instant::now()), ..Line::default() }));
        #[cfg(unix)]
        let watch = signals.then(|| signal::Watch::begin(&line).ok()).flatten();
        Some(Self {
            line,
            #[cfg(unix)]
            _watch: watch,
        })
    }

    /// Called before each batch. Shows a new bar if the batch is the first one of its pass here.
    pub(super) fn enter(&self, label: &'static str, batches: usize, num_batch: usize, epoch: usize) {
        let mut line = Line::lock(&self.line);
        let goes_on = num_batch > 0 && line.pass.as_ref().is_some_and(|of| of.pass.label == label);
        if line.stopping || goes_on {
            return;
        }
        line.shown = None;
        let (items, time, loss) = (0, Duration::ZERO, None);
        let pass = Pass { label, batches, done: num_batch, first: num_batch, items, time, loss };
        line.pass = Some(Timed { pass, epoch, began: Instant::now(), drawn: None, read: None });
        line.draw();
    }

    /// Called after each batch, with its items.
    pub(super) fn advance(&self, items: usize) {
        let mut line = Line::lock(&self.line);
        if let Some(of) = &mut line.pass {
            of.pass.done += 1;
            of.pass.items += items;
            line.draw();
        }
    }

    /// Whether the loss should be read for the line.
    pub(super) fn wants_loss(&self) -> bool {
        let line = Line::lock(&self.line);
        !line.stopping && line.pass.as_ref().is_some_and(|of| of.read.is_none_or(|read| read.elapsed() >= READ))
    }

    pub(super) fn set_loss(&self, loss: f64) {
        if let Some(of) = &mut Line::lock(&self.line).pass {
            (of.pass.loss, of.read) = (Some(loss), Some(Instant::now()));
        }
    }

    /// Clears everything from the screen.
    pub(super) fn clear(&self) {
        let mut line = Line::lock(&self.line);
        line.clear();
        line.pass = None;
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        let mut line = Line::lock(&self.line);
        line.clear();
        line.stopping = true; // so that a signal that the thread notices only now shows nothing
    }
}

/// The last line of the terminal.
#[derive(Debug, Default)]
struct Line {
    shown: Option<Shown>,
    pass: Option<Timed>,
    /// How many epochs the training has, how many were done when it began here, and when that was.
    epochs: Option<usize>,
    first: Option<f64>,
    began: Option<Instant>,
    /// Set by a signal.
    signalled: Arc<AtomicBool>,
    /// After a signal there is no bar.
    stopping: bool,
}

/// A pass over the data.
#[derive(Debug)]
struct Timed {
    pass: Pass,
    epoch: usize,
    began: Instant,
    /// When the line was drawn last, and when a loss was read for it.
    drawn: Option<Instant>,
    read: Option<Instant>,
}

impl Line {
    /// Draws the line, unless it was drawn just now.
    fn draw(&mut self) {
        let Some(of) = self.pass.as_mut().filter(|of| of.drawn.is_none_or(|drawn| drawn.elapsed() >= DRAW)) else {
            return;
        };
        if self.stopping {
            return;
        }
        of.drawn = Some(Instant::now());
        of.pass.time = of.began.elapsed();
        let of_epoch = match of.pass.label {
            "train" if of.pass.batches < usize::MAX => of.pass.done as f64 / of.pass.batches.max(1) as f64,
            "train" => 0.0,
            _ => 1.0,
        };
        let done = of.epoch as f64 + of_epoch;
        let first = *self.first.get_or_insert(done);
        let time = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        let training = self.epochs.map(|epochs| Training { epochs, done, first, time });
        let columns = usize::from(Term::stderr().size().1);
        let text = line::text(&of.pass, training.as_ref(), columns);
        match &self.shown {
            Some(shown) => shown.0.set_message(text),
            None => self.shown = Some(Shown::new(text)),
        }
    }

    /// Handles a signal, the first time that it is called after one.
    fn lock(line: &Mutex<Self>) -> MutexGuard<'_, Self> {
        let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
        if !line.stopping && line.signalled.load(Ordering::Relaxed) {
            thread::sleep(ECHO);
            line.clear_with_echo();
            line.stopping = true;
            let message = "Stopping after this batch. A second Ctrl-C or signal ends the program at once.";
            line.shown = Some(Shown::new(message.to_owned()));
        }
        line
    }

    fn clear(&mut self) {
        if self.stopping && self.shown.is_some() {
            self.clear_with_echo();
        } else {
            self.shown = None;
        }
    }

    /// Clears what is shown, and the `^C` on the line below it if the terminal has printed one.
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
    fn new(text: String) -> Self {
        let bar = ProgressBar::new_spinner().with_message(text);
        if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
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
