#[callback(state, describe)]
impl<T: Default + std::fmt::Debug + Serialize + serde::de::DeserializeOwned> History<T> {
    fn on_epoch_end(&mut self, train_loss: f64) {
        self.losses.push(train_loss);
    }
}
