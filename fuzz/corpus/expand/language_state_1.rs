#[callback(name = "patience", state(best, waited), describe(at_most, best))]
impl Patience {
    fn on_epoch_end(&mut self, train_loss: f64) -> Option<StopTraining> {
        self.waited = if train_loss < self.best { 0 } else { self.waited + 1 };
        self.best = self.best.min(train_loss);
        (self.waited > self.at_most).then(|| StopTraining::because("no gain"))
    }
}
