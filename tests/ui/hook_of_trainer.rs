// The hooks of Hugging Face's `TrainerCallback` are rejected with the hook to write.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_step_begin(&self) {}

    fn on_evaluate(&self) {}

    fn on_log(&self) {}

    fn on_pre_optimizer_step(&self) {}
}

fn main() {}
