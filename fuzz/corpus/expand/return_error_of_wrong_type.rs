#[callback]
impl Fail {
    fn on_batch_end(&self) -> Result<(), NotAnError> {
        Err(NotAnError)
    }
}
