// A value has the type that the table gives it; the compiler reports another type where it is written.

use mixup::prelude::*;

struct Print;

#[callback]
impl Print {
    fn on_epoch_begin(&self, epoch: u32) {
        println!("{epoch}");
    }

    fn on_batch_begin(&self, last_input: &mut Target, train: &i64) {
        let _ = (last_input, train);
    }

    fn on_epoch_end(&self, last_metrics: &Vec<f64>) {
        let _ = last_metrics;
    }
}

fn main() {}
