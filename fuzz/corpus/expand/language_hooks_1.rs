#[callback]
impl Answers {
    fn on_train_begin(&self) -> Option<StopTraining> {
        None
    }

    fn on_epoch_begin(&self) -> Result<(), String> {
        Ok(())
    }

    fn on_batch_begin(&self) -> std::io::Result<Option<SkipBatch>> {
        Ok(None)
    }

    fn on_backward_begin(&self) -> SkipBackward {
        SkipBackward
    }

    fn on_step_end(&mut self) {
        self.0 += 1;
    }

    fn on_epoch_end(&self) -> Result<Option<StopTraining>, tch::TchError> {
        Ok(Some(StopTraining::because("one is enough")))
    }
}
