#[callback]
impl Borrowed {
    fn on_train_begin(self: &mut Self) {
        self.0.push("typed");
    }

    fn on_epoch_begin<'a, 'b: 'a>(&'a mut self, params: &'a Params, metric_names: &'b [String]) {
        self.0.push(if params.is_empty() { "without parameters" } else { "with lifetimes" });
        assert_eq!(metric_names.len(), 1);
    }

    fn on_epoch_end(&self) {
        assert!(self.0.len() >= 2);
    }

    fn on_train_end(self: &Self) {
        assert_eq!(self.0, ["typed", "with lifetimes", "with lifetimes"]);
    }
}
