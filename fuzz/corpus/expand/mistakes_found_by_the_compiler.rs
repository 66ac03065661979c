#[callback]
impl<W: Wrte> Watch<W> {
    fn on_train_begin(&self) {}
}
