#[callback]
impl Watch {
    #[on(batch_end, valid, every = 2)]
    fn of_validation(&self, num_batch: usize) {
        self.0.add(format!("valid {num_batch}"));
    }

    #[on(loss_begin, every = 3)]
    fn of_both(&self, train: bool, iteration: usize, num_batch: usize) {
        self.0.add(if train { format!("train {iteration}") } else { format!("both {num_batch}") });
    }
}
