#[callback]
impl Skip {
    fn on_epoch_end(&self) -> SkipBatch {
        SkipBatch
    }

    fn on_loss_begin(&self) -> Option<StopTraining> {
        None
    }
}
