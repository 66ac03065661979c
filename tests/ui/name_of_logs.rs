// There is no dictionary of logs: a hook asks for numbers by name.

use mixup::prelude::*;

use std::collections::HashMap;

struct Log;

#[callback]
impl Log {
    fn on_epoch_end(&self, logs: &HashMap<String, f64>) {
        let _ = logs;
    }

    fn on_batch_end(&self, batch: usize, state: usize, args: usize, control: usize) {
        let _ = (batch, state, args, control);
    }
}

fn main() {}
