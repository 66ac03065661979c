#[callback]
impl Rate {
    fn on_train_begin(&self, learning_rate: f64) {
        let _ = learning_rate;
    }
}
