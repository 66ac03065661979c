#[callback]
impl Once {
    fn on_train_begin(self) {}

    fn on_epoch_end(mut self) {
        self.0.clear();
    }

    fn on_train_end(self: Box<Self>) {}
}
