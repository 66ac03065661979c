#[callback]
#[cfg(test)]
impl Sometimes {
    #[cfg(not(test))]
    fn on_train_begin(&self) {}

    #[cfg(not(test))]
    fn on_epoch_begin(&self, epoch: usize) {}

    #[cfg(test)]
    fn on_epoch_begin(
        &self,
        #[cfg(not(test))] epoch: usize,
        #[cfg_attr(test, cfg(not(test)))] epochs: usize,
        #[allow(unused_variables)]
        #[cfg(test)]
        #[cfg_attr(test, allow(unused_variables), cfg(test))]
        iteration: usize,
    ) {
    }
}
