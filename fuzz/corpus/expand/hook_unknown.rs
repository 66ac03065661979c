#[callback]
impl Saver {
    fn on_epoch_end(&self) {
        self.on_checkpoint();
    }

    fn on_checkpoint(&self) {}
}
