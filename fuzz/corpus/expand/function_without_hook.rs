#[callback]
fn on_epoch_end(epoch: usize) {
    println!("{epoch}");
}
