#[callback]
impl Shared {
    fn on_train_begin(&self) {}
}
