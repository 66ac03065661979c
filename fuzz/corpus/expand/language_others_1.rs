#[callback]
impl Reader {
    #[on(batch_end, train)]
    fn read(&self, counter: &Counter, num_batch: usize, mixup: Option<&MixUp>) {
        self.0.add(format!("{num_batch}: {} {}", counter.batches, mixup.is_some()));
    }

    fn on_epoch_end(
        &mut self,
        counter: &mut Counter,
        recorder: Option<&mut Recorder>,
        epoch: usize,
    ) -> Result<(), tch::TchError> {
        counter.batches += 100;
        let losses = recorder.map(Recorder::losses).transpose()?.map(<[f64]>::len);
        self.0.add(format!("epoch {epoch}: {losses:?}"));
        Ok(())
    }

    fn on_train_end(counter: &Counter, _mixup: Option<&MixUp>) {
        assert!(counter.batches > 0);
    }
}
