// Other libraries' filters are rejected with the filter to write.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    #[on(batch_end, run_valid = false)]
    fn trained(&self) {}

    #[on(batch_end, once = 50)]
    fn once(&self) {}

    #[on(epoch_end, every_n_epochs = 5)]
    fn fifth(&self) {}
}

fn main() {}
