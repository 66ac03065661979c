#[callback]
impl Watch {
    #[on(epoch_begin, validate_begin)]
    #[on(batch_begin, first)]
    fn begin(&self, epoch: usize, train: bool) {
        self.0.add(format!("begin {epoch} {train}"));
    }

    #[on(epoch_end)]
    fn first(&self) {
        self.0.add("first");
    }

    fn on_epoch_end(&self) {
        self.0.add("second");
    }

    #[on(epoch_end)]
    #[cfg(not(test))]
    fn never(&self) {
        self.0.add("never");
    }

    #[on(epoch_end)]
    fn third(&self) {
        self.0.add("third");
    }
}
