//! Ctrl-C, and the same from another thread: the run ends after the current batch, and everything is restored.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use signal_hook::{consts::SIGINT, flag};

/// A handle that ends a learner's run from any thread; its clones end the same run.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Ends the current run at the next batch, or after its last one, with
    /// [`Error::Interrupted`](crate::training::Error::Interrupted). Does nothing if there is no current run.
    pub fn interrupt(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether this run was interrupted, by this handle or by Ctrl-C.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) || CTRL_C.get().is_some_and(|ctrl_c| ctrl_c.load(Ordering::Relaxed))
    }
}

/// Set by Ctrl-C. It is also set while no run is in progress: Ctrl-C then does what it does without this library. So a second
/// Ctrl-C during a run ends the process at once.
static CTRL_C: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The number of runs in progress.
static RUNS: Mutex<usize> = Mutex::new(0);

/// While this guard lives, Ctrl-C means "end the run".
pub(super) struct Watch(());

impl Watch {
    /// If no handler can be installed, training goes on without one.
    pub(super) fn begin() -> Self {
        let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
        let ctrl_c = CTRL_C.get_or_init(|| {
            let ctrl_c = Arc::new(AtomicBool::new(true));
            // The order matters: the first handler sees what the second one sets only at the next Ctrl-C.
            let set = flag::register_conditional_default(SIGINT, Arc::clone(&ctrl_c))
                .and_then(|_| flag::register(SIGINT, Arc::clone(&ctrl_c)));
            if let Err(error) = set {
                tracing::warn!("Ctrl-C will end the process without ending the training first: {error}");
            }
            ctrl_c
        });
        if *runs == 0 {
            ctrl_c.store(false, Ordering::Relaxed);
        }
        *runs += 1;
        Self(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
        *runs = runs.saturating_sub(1);
        if let (0, Some(ctrl_c)) = (*runs, CTRL_C.get()) {
            ctrl_c.store(true, Ordering::Relaxed);
        }
    }
}
