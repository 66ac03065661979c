//! The device on which a learner trains.

use tch::{Cuda, Device};

use crate::{kernel::cuda, training::BuildError};

/// The first GPU if libtorch sees one, otherwise the CPU.
///
/// Use it in place of `Device::cuda_if_available()`, and before any other question about GPUs: the linker leaves libtorch's CUDA library out of a
/// program, so this function loads it, and libtorch looks for it only once.
///
/// ```no_run
/// # use mixup::{data::TensorDataset, prelude::*};
/// # let numbers = || tch::Tensor::zeros([8, 1], (tch::Kind::Float, tch::Device::Cpu));
/// # let data = Data::builder(TensorDataset::new(numbers(), numbers())?).build()?;
/// let learn = Learner::builder(data, |vs| tch::nn::linear(vs.path(), 1, 1, Default::default()))
///     .loss(Mse::default())
///     .device(mixup::default_device())
///     .build()?;
/// # Ok::<(), BoxError>(())
/// ```
#[must_use]
pub fn default_device() -> Device {
    cuda::load();
    Device::cuda_if_available()
}

/// Rejects a GPU that libtorch does not see.
pub(super) fn check(device: Device) -> Result<(), BuildError> {
    let Device::Cuda(index) = device else { return Ok(()) };
    cuda::load();
    let found = Cuda::device_count();
    if i64::try_from(index).is_ok_and(|index| index < found) {
        return Ok(());
    }
    Err(BuildError::Device { wanted: format!("{device:?}"), found })
}
