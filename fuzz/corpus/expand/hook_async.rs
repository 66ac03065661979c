#[callback]
impl Upload {
    async fn on_epoch_end(&self) {}
}
