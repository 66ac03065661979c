#[callback(order = "first", name = 3, crate = "mixup")]
impl Hello {
    fn on_train_begin(&self) {}
}
