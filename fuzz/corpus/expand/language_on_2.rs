#[callback]
impl Watch {
    #[on(batch_begin, train, every = 2)]
    fn begin(&self, iteration: usize) {
        self.log.add(format!("begin {iteration}"));
    }

    #[on(batch_end, train, every = self.period)]
    fn end(&self, iteration: usize) {
        self.log.add(format!("end {iteration}"));
    }

    #[on(epoch_begin, every = 2)]
    fn epoch_begin(&self, epoch: usize) {
        self.log.add(format!("epoch begin {epoch}"));
    }

    #[on(epoch_end, every = 2)]
    fn epoch_end(&self, epoch: usize) {
        self.log.add(format!("epoch end {epoch}"));
    }
}
