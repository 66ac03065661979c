#[callback]
impl Late {
    fn on_batch_end(&self, gradients: &Gradients) {
        let _ = gradients;
    }

    fn on_epoch_end(&self, last_input: &Input) {
        let _ = last_input;
    }

    fn on_train_end(&self, _epoch: usize) {}
}
