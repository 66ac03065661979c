#[callback]
impl<'a> Keep<'a> {
    fn on_batch_begin(&mut self, last_input: &'a Input) {
        self.input = Some(last_input);
    }

    fn on_batch_end(&mut self, last_target: &'static mut Target) {
        let _ = last_target;
    }
}
