//! Ctrl-C and SIGTERM, and the same from another thread: the run ends after the current batch, and everything is restored.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// What ends a learner's run as Ctrl-C does, from any thread; its clones end the same run.
///
/// [`Learner::interrupt_handle`](crate::learner::Learner::interrupt_handle) has it, and so has a callback that asks for
/// `interrupt: &Interrupt`: one that ends a training shortly before the machine's time is over, say, so that a checkpoint is
/// written.
///
/// ```
/// use std::{
///     sync::LazyLock,
///     time::{Duration, Instant},
/// };
///
/// use mixup::prelude::*;
///
/// static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
///
/// #[callback(on_batch_end, if = BEGAN.elapsed() > Duration::from_secs(23 * 3600))]
/// fn end_in_time(interrupt: &Interrupt) {
///     interrupt.interrupt();
/// }
/// # let _ = end_in_time;
/// ```
#[derive(Clone, Debug)]
pub struct Interrupt(Arc<Flags>);

#[derive(Debug)]
struct Flags {
    /// Whether it was used.
    used: AtomicBool,
    /// Whether a callback holds it off.
    held: AtomicBool,
    /// Whether there is a run.
    running: AtomicBool,
    /// Whether a signal does the same.
    by_signals: bool,
}

impl Interrupt {
    pub(crate) fn new(by_signals: bool) -> Self {
        let [used, held, running] = [(); 3].map(|()| AtomicBool::new(false));
        Self(Arc::new(Flags { used, held, running, by_signals }))
    }

    /// Ends the current run at the next batch, or after its last one, with
    /// [`Error::Interrupted`](crate::training::Error::Interrupted). Does nothing if there is no current run.
    ///
    /// It only sets a flag, so a signal handler may call it.
    pub fn interrupt(&self) {
        self.0.used.store(true, Ordering::Relaxed);
    }

    /// Whether the current run is to end: by [`interrupt`](Self::interrupt), or by a signal if the learner
    /// [handles signals](crate::learner::LearnerBuilder::handle_signals). False if there is no current run.
    #[must_use]
    pub fn is_used(&self) -> bool {
        let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        is_set(&self.0.running) && (is_set(&self.0.used) || self.0.by_signals && signalled())
    }

    /// Lets the current run go on, whoever interrupts it, until [`release`](Self::release): for a callback that trains with
    /// other processes, with which it must agree on the batch after which all end. A run begins without a hold.
    pub fn hold(&self) {
        self.0.held.store(true, Ordering::Relaxed);
    }

    /// Ends a [`hold`](Self::hold): if the run was interrupted since, it ends at the next batch.
    pub fn release(&self) {
        self.0.held.store(false, Ordering::Relaxed);
    }

    /// Begins a run, which lasts as long as what this returns.
    #[must_use]
    pub(crate) fn begin(&self) -> Interruptible {
        self.0.used.store(false, Ordering::Relaxed);
        self.release();
        self.0.running.store(true, Ordering::Relaxed);
        Interruptible { interrupt: self.clone(), _watch: self.0.by_signals.then(Watch::begin) }
    }

    /// Whether the run ends now.
    pub(crate) fn ends(&self) -> bool {
        !self.0.held.load(Ordering::Relaxed) && self.is_used()
    }
}

/// A run that an interrupt ends.
pub(crate) struct Interruptible {
    interrupt: Interrupt,
    _watch: Option<Watch>,
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        self.interrupt.0.running.store(false, Ordering::Relaxed);
    }
}

/// The signals that end a run. A second one of them ends the process at once.
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// Set by a signal. It is also set while no run is in progress: signals then do what they do without this library. So a second one during a run
/// ends the process at once.
static SIGNALLED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The number of runs in progress whose learners handle signals.
static RUNS: Mutex<usize> = Mutex::new(0);

/// Whether a signal has ended the runs in progress.
fn signalled() -> bool {
    SIGNALLED.get().is_some_and(|signalled| signalled.load(Ordering::Relaxed))
}

/// While this guard lives, a signal means "end the run".
struct Watch(());

impl Watch {
    /// If no handler can be installed, training goes on without one.
    fn begin() -> Self {
        let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
        let signalled = SIGNALLED.get_or_init(|| {
            let signalled = Arc::new(AtomicBool::new(true));
            for signal in SIGNALS {
                // The order matters: the first handler sees what the second one sets only at the next signal.
                let set = flag::register_conditional_default(signal, Arc::clone(&signalled))
                    .and_then(|_| flag::register(signal, Arc::clone(&signalled)));
                if let Err(error) = set {
                    tracing::warn!("signal {signal} will end the process without ending the training first: {error}");
                }
            }
            signalled
        });
        if *runs == 0 {
            signalled.store(false, Ordering::Relaxed);
        }
        *runs += 1;
        Self(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
        *runs = runs.saturating_sub(1);
        if let (0, Some(signalled)) = (*runs, SIGNALLED.get()) {
            signalled.store(true, Ordering::Relaxed);
        }
    }
}
