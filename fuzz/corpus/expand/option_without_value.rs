#[callback(order, name("hello"), crate =)]
impl Hello {
    fn on_train_begin(&self) {}
}
