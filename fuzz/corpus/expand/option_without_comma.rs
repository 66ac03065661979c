#[callback(order = 1 name = "hello")]
impl Hello {
    fn on_train_begin(&self) {}
}
