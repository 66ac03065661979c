#[callback]
impl Count {
    fn on_bacth_end(&mut self) {
        self.0 += 1;
    }

    fn on_epoch_end(&mut self) {
        self.on_bacth_end();
    }

    fn count(&self) -> usize {
        self.0
    }
}
