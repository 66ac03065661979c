#[callback(after = Keep<T>)]
impl<T: Default + Copy + Send + 'static> Asks<T> {
    fn on_train_begin(&mut self, keep: &Keep<T>, other: Option<&Keep<u8>>) {
        self.0 = other.is_none().then_some(keep.0);
    }
}
