//! What a training knows at a moment: the hooks' names, its state and the numbers that are read late, how it ended, its report,
//! and what can go wrong in it, with the place.

mod deferred;
mod error;
mod hook;
mod outcome;
mod report;
mod state;
mod table;

pub(crate) use deferred::{Measured, Told, Untold};
pub use error::{At, BuildError, Error, ReadError, Where};
pub use hook::Hook;
pub use outcome::Outcome;
pub use report::{EpochReport, Report};
pub(crate) use state::{Beside, State};
pub(crate) use table::Table;
