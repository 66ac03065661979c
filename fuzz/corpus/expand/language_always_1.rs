#[callback(state(averaged), after = Recorder)]
impl Ema {
    fn on_validate_begin(&mut self, params: &Params) -> Option<SkipValidation> { self.swap(params); None }

    #[on(validate_end, always)]
    fn give_back(&mut self, params: &Params) { self.swap(params); }

    #[on(batch_end, epoch_end, always, if = self.on)]
    fn after(&mut self, steps: usize, _iteration: usize) -> Result<(), BoxError> { Ok(()) }
}
