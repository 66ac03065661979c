//! What a training knows at a moment: the names of the hooks, its state, the numbers that are read late, how it ended, its
//! report, and its errors with their place.

mod board;
mod deferred;
mod error;
mod hook;
mod interrupt;
mod life;
mod monitored;
mod next;
mod outcome;
mod parts;
mod position;
mod report;
mod saved;
mod series;
mod smooth;
mod state;
mod table;
mod tally;
mod uses;
mod value;
mod world;

pub(crate) use board::{Board, VALID_LOSS};
pub(crate) use deferred::{Deferred, EpochRecord, Measured};
pub use error::{BuildError, Error, ReadError, Where};
pub use hook::Hook;
pub use interrupt::Interrupt;
pub(crate) use life::Life;
pub use monitored::{ByMetric, ByName, Monitored};
pub(crate) use next::{Next, Phase};
pub use outcome::Outcome;
pub(crate) use parts::Parts;
pub use position::Position;
pub use report::{EpochReport, Report};
pub(crate) use saved::Run;
pub(crate) use series::Shared;
pub use smooth::RunningLoss;
pub(crate) use smooth::SmoothLoss;
pub(crate) use state::{Internal, State};
pub(crate) use table::Table;
pub use tally::Tally;
pub use uses::Uses;
pub use value::{IntoNumber, NoValue, Numbers, Value, Values};
pub use world::World;
