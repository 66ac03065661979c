//! Data without a length: batches that come one after another and may never end.

use super::DataError;
use crate::{batch::Batch, rng::Rng, state::Stateful};

/// Batches that come one after another, from a log, a simulator, or files too large to count.
///
/// A stream is [`Stateful`]: it saves its position, so that another run of the program can continue from there.
///
/// ```
/// use mixup::{batch::Batch, data::{Data, DataError, Stream}, rng::Rng, state::{State, StateError, Stateful}};
/// use tch::Tensor;
///
/// /// Counts for ever, four numbers a batch; learns their halves.
/// struct Counter(u64);
///
/// impl Stream for Counter {
///     fn next(&mut self, _: &mut Rng) -> Result<Option<Batch>, DataError> {
///         let numbers: Vec<f32> = (0..4).map(|k| (self.0 + k) as f32).collect();
///         self.0 += 4;
///         let x = Tensor::f_from_slice(&numbers)?.f_unsqueeze(1)?;
///         Ok(Some(Batch { target: x.f_mul_scalar(0.5)?.into(), input: x.into() }))
///     }
/// }
///
/// impl Stateful for Counter {
///     fn save(&self) -> Result<State, StateError> {
///         State::of_data(&self.0)
///     }
///
///     fn load(&mut self, state: &State) -> Result<(), StateError> {
///         self.0 = state.data()?;
///         Ok(())
///     }
/// }
///
/// let data = Data::stream(Counter(0)).batches_per_epoch(100).build()?;
/// assert_eq!(data.to_string(), "a stream of training items, no validation");
/// # Ok::<(), DataError>(())
/// ```
pub trait Stream: Stateful + Send {
    /// Returns the next batch, or `None` at the end. The epoch then ends, and the next call must begin the stream anew: a stream that reads a
    /// file starts over. `rng` is a function of the learner's seed, the epoch and the batch's number in it.
    ///
    /// # Errors
    /// If the batch can't be made. Wrap your own errors with [`DataError::other`].
    fn next(&mut self, rng: &mut Rng) -> Result<Option<Batch>, DataError>;

    /// Whether the tensors of each batch are created for that batch, as described at [`Dataset::fresh`](super::Dataset::fresh). Defaults to
    /// false, which is always right.
    fn fresh(&self) -> bool {
        false
    }

    /// Whether its state is the same in all processes that [train together](crate::training::World), as the number of batches
    /// read so far is: which part of the data a process reads then comes from the program. Processes go on from the checkpoint
    /// of the first one, so they refuse a stream whose state is not common. Defaults to false.
    fn is_common(&self) -> bool {
        false
    }

    /// Describes the items for the summary. Defaults to "items".
    fn describe(&self) -> String {
        "items".to_owned()
    }
}
