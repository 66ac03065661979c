//! Ready-made callbacks, written with `#[callback]` and nothing else.

pub mod mixing;
mod progress;
mod recorder;

pub use mixing::{CutMix, MixUp, MixUpOrCutMix};
pub use progress::Progress;
pub use recorder::Recorder;
