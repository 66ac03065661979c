#[callback]
trait Hello {
    fn on_train_begin(&self);
}
