#[callback]
impl Early {
    fn on_batch_begin(&self, last_los: &tch::Tensor) {
        let _ = last_los;
    }
}
