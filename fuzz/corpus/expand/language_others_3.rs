#[callback(order = -5)]
impl Counter {
    #[on(batch_end, train)]
    fn count(&mut self) {
        self.batches += 1;
    }
}
