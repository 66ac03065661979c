#[callback]
impl Skip {
    fn on_epoch_begin(&self, epoch: &mut usize) {
        *epoch += 1;
    }
}
