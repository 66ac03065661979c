// Predictions have no target and no loss, and are outside of a training.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_predict_begin(&self, loss_func: &LossFunc, last_input: &Input) {
        let _ = (loss_func, last_input);
    }

    #[on(batch_begin, predict_batch_begin)]
    fn both(&self, last_input: &mut Input, last_target: &Target, train: bool) {
        let _ = (last_input, last_target, train);
    }

    fn on_predict_batch_end(&self, last_loss: &tch::Tensor, epoch: usize) {
        let _ = (last_loss, epoch);
    }

    fn on_predict_end(&self, last_output: &tch::Tensor) {
        let _ = last_output;
    }
}

fn main() {}
