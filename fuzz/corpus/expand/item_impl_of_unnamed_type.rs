#[callback]
impl dyn Greets {
    fn on_train_begin(&self) {}
}
