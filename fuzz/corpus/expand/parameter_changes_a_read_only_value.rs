#[callback]
impl Cheat {
    fn on_epoch_end(&self, last_metrics: &mut [f64]) {
        last_metrics[0] = 1.0;
    }
}
