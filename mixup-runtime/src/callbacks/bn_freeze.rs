//! Batch norms of frozen groups that keep their running statistics.

use mixup_macros::callback;
use tch::{TchError, Tensor};

use crate::model::Params;

/// Keeps the running mean and variance of batch norms whose parameters are all frozen, which training would change otherwise.
///
/// In fastai, PyTorch's modules are set to `eval`, and so a frozen norm also normalizes training batches by its running
/// statistics. A layer of `tch` has no such switch: it does what the model's `train` says, and normalizes training batches by
/// their own statistics. To have both, run the layer with `train` false in your model.
#[derive(Debug, Default)]
pub struct BnFreeze {
    kept: Vec<(Tensor, Tensor)>,
}

#[callback(crate = crate, stateless)]
impl BnFreeze {
    #[on(batch_begin, train)]
    fn keep(&mut self, params: &Params) -> Result<(), TchError> {
        let statistics = params.frozen_statistics().into_iter();
        self.kept = statistics.map(|tensor| Ok((tensor.f_detach_copy()?, tensor))).collect::<Result<_, TchError>>()?;
        Ok(())
    }

    #[on(batch_end, always)]
    fn give_back(&mut self) -> Result<(), TchError> {
        tch::no_grad(|| self.kept.drain(..).try_for_each(|(kept, mut statistic)| statistic.f_copy_(&kept)))
    }
}
