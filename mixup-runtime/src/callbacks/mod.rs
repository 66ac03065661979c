//! Ready-made callbacks, written with `#[callback]` and nothing else.

pub mod mixing;
mod progress;
mod recorder;
mod validate_every;

pub use mixing::{CutMix, MixUp, MixUpOrCutMix};
pub use progress::Progress;
pub use recorder::Recorder;
pub use validate_every::ValidateEvery;
