#[callback]
impl Hello {
    fn on_train_begin(&self) {}

    fn on_train_begin(&self, epochs: usize) {
        let _ = epochs;
    }
}
