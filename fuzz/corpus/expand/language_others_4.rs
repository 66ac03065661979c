#[callback]
impl<T: Default + Send> Keep<T> {
    fn on_train_begin(&mut self) {
        self.0 = T::default();
    }
}
