// What a `LightningModule` does is a task of the learner or of its builder: such names are rejected in a block without hooks.

use mixup::prelude::*;

struct Module;

#[callback]
impl Module {
    fn forward(&self) {}

    fn training_step(&self) {}

    fn configure_optimizers(&self) {}

    fn train_dataloader(&self) {}

    fn setup(&self) {}
}

fn main() {}
