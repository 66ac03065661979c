#[callback]
impl Hello {
    fn on_train_begin(&self) {}
}
