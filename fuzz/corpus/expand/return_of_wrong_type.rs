#[callback]
impl Count {
    fn on_batch_end(&mut self) -> usize {
        self.0 += 1;
        self.0
    }
}
