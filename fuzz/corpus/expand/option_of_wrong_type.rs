#[callback(order = FIRST)]
impl Hello {
    fn on_train_begin(&self) {}
}
