#[callback]
impl Keep {
    fn on_batch_begin(&mut self, last_input: Input, metric_names: Vec<String>) {
        let _ = (last_input, metric_names);
    }
}
