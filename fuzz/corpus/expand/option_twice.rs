#[callback(order = 1, name = "hello", order = 2)]
impl Hello {
    fn on_train_begin(&self) {}
}
