#[callback]
impl Raw {
    unsafe fn on_batch_end(&self) {}

    extern "C" fn on_epoch_end(&self) {}
}
