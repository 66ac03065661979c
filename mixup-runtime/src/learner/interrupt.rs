//! Ctrl-C and SIGTERM, and the same from another thread: the run ends after the current batch, and everything is restored.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// A handle that ends a learner's run from any thread; its clones end the same run.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Ends the current run at the next batch, or after its last one, with
    /// [`Error::Interrupted`](crate::training::Error::Interrupted). Does nothing if there is no current run.
    ///
    /// It only sets a flag, so a signal handler may call it.
    pub fn interrupt(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether this run was interrupted by this handle.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
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
pub(super) fn signalled() -> bool {
    SIGNALLED.get().is_some_and(|signalled| signalled.load(Ordering::Relaxed))
}

/// While this guard lives, a signal means "end the run".
pub(super) struct Watch(());

impl Watch {
    /// If no handler can be installed, training goes on without one.
    pub(super) fn begin() -> Self {
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
