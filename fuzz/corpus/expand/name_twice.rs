#[callback]
impl Twice {
    fn on_epoch_end(&self, epoch: usize, _epoch: usize) {
        let _ = epoch;
    }
}
