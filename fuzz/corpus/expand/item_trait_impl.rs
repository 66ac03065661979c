#[callback]
impl Callback for Hello {
    fn on_train_begin(&self) {}
}
