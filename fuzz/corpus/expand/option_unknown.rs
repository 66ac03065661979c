#[callback(oder = 1)]
impl Hello {
    fn on_train_begin(&self) {}
}
