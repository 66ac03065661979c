#[callback]
impl Whole {
    fn on_batch_begin(&mut self, event: &mut BatchBegin<'_>) -> Option<SkipBatch> {
        self.items += event.last_input.items();
        *event.last_input = Input::Tensor(Tensor::zeros([4, 3], (tch::Kind::Float, event.device)));
        (event.num_batch == 1).then_some(SkipBatch)
    }

    #[on(batch_end, train, if = num_batch < 9)]
    fn smooth(&mut self, event: &mixup::callback::BatchEnd<'_>) {
        self.smooth.push(event.smooth_loss);
    }

    fn on_epoch_end(&mut self, event: &mut EpochEnd) {
        self.recorded = event.callback_mut::<Recorder>().map_or(0, |recorder| recorder.lrs().len());
        assert!(event.callback::<MixUp>().is_none());
    }

    fn on_train_end<'a>(&mut self, event: &'a mut TrainEnd<'_>) {
        self.ended = *event.outcome == Outcome::Finished;
    }
}
