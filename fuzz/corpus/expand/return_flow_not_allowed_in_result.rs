#[callback]
impl Skip {
    fn on_train_end(&self) -> std::io::Result<StopTraining> {
        Ok(StopTraining::because("done"))
    }
}
