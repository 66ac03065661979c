#[callback]
impl<'a> Log<'a> {
    fn on_epoch_end(&mut self, epoch: usize) {
        self.0.push(epoch);
    }
}
