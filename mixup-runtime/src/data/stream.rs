//! Data without a length: batches that come one after another, and end or don't.

use super::DataError;
use crate::{batch::Batch, rng::Rng};

/// Batches that come one after another: a log, a simulator, files too large to count.
///
/// It says where it stands, so that a program that was ended goes on from there.
///
/// ```
/// use mixup::{batch::Batch, data::{Data, DataError, Stream}, rng::Rng};
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
///
///     fn position(&self) -> Vec<u64> {
///         vec![self.0]
///     }
///
///     fn seek(&mut self, position: &[u64]) -> Result<(), DataError> {
///         let [at] = position else { return Err(DataError::other("the position of a counter is one number")) };
///         self.0 = *at;
///         Ok(())
///     }
/// }
///
/// let data = Data::stream(Counter(0)).batches_per_epoch(100).build()?;
/// assert_eq!(data.to_string(), "a stream of training items, no validation");
/// # Ok::<(), DataError>(())
/// ```
pub trait Stream: Send {
    /// The next batch; `None` at the end. An epoch then ends, and the call after it begins the next one: a stream that reads a file begins the
    /// file anew. `rng` is a function of the learner's seed, the epoch and the batch's number in it.
    ///
    /// # Errors
    /// Whatever keeps the batch from being there; an error of your own goes into [`DataError::other`].
    fn next(&mut self, rng: &mut Rng) -> Result<Option<Batch>, DataError>;

    /// Where it stands, in numbers of its own choice: from there [`next`](Self::next) would go on.
    fn position(&self) -> Vec<u64>;

    /// Goes on from a position that [`position`](Self::position) has returned.
    ///
    /// # Errors
    /// If this stream has no such position.
    fn seek(&mut self, position: &[u64]) -> Result<(), DataError>;

    /// Whether each batch's tensors are made for that batch, as [`Dataset::fresh`](super::Dataset::fresh) says. No unless told, which is always
    /// right.
    fn fresh(&self) -> bool {
        false
    }

    /// What the items are, for the summary: «items» unless told.
    fn describe(&self) -> String {
        "items".to_owned()
    }
}
