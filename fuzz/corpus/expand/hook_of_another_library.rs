#[callback]
impl Hello {
    fn on_train_start(&self) {}

    fn on_train_batch_start(&self) {}

    fn on_validation_end(&self) {}
}
