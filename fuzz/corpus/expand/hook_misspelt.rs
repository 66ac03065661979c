#[callback]
impl Count {
    fn on_bacth_end(&mut self) {
        self.0 += 1;
    }
}
