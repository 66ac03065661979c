#[callback]
impl Best {
    fn on_epoch_end(&self, [first, ..]: &[f64; 1], _: usize) {
        let _ = first;
    }
}
