#[callback]
impl Look {
    fn on_batch_end(&self, last_los: &Tensor, epoch: String, last_target: &Tensor, #[name] #[names = 3] accuracy: &Value, learn: &mut Learner) {}

    #[on(batch_begin, epoch_end)]
    fn at_both(&self, last_loss: &Tensor, (a, _): (u8, u8), last_input: &Input, epoch: f32, epoch: impl Copy, event: &mut BatchBegin<'_>) {}
}
