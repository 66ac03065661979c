// A filter uses only values that the hook has; published values are checked in the method.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    #[on(epoch_end, if = recon_loss < 0.1)]
    fn log(&self, recon_loss: &Value) {
        let _ = recon_loss;
    }
}

fn main() {}
