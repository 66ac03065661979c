#[callback(state(best, r#type), stateful, version = 1 + 1)]
impl<T> Patience<T> where T: Copy {
    fn on_train_begin(&mut self, resumed: bool) {}
}
