#[callback(describe(monitor))]
impl EarlyStopping {
    #[on(backward_end, every = 2)]
    fn publish(gradients: &Gradients, grad_norm: &mut Value, #[names = self.layers()] stats: &mut Values) {}

    fn on_epoch_end(&mut self, #[name = self.monitor] monitored: &Value, values: &Values, other: Option<&mut Other>)
        -> Result<(Option<StopTraining>, Validate), ReadError> { Ok((None, Validate)) }
}
