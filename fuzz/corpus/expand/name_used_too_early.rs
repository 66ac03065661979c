#[callback]
impl Early {
    fn on_batch_begin(&self, last_loss: &tch::Tensor) {
        let _ = last_loss;
    }

    fn on_epoch_end(&self, outcome: &Outcome) {
        let _ = outcome;
    }
}
