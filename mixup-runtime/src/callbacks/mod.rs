//! Ready-made callbacks, written with `#[callback]` and nothing else.

mod accumulate;
mod lr_finder;
pub mod mixing;
mod progress;
mod recorder;
mod schedules;
mod validate_every;

pub use accumulate::Accumulate;
pub use lr_finder::{LrCurve, LrFinder};
pub use mixing::{CutMix, MixUp, MixUpOrCutMix};
pub use progress::Progress;
pub use recorder::Recorder;
pub use schedules::{OneCycle, Scheduler};
pub use validate_every::ValidateEvery;
