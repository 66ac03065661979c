//! Ready-made callbacks, written with `#[callback]` and nothing else.

mod progress;
mod recorder;

pub use progress::Progress;
pub use recorder::Recorder;
