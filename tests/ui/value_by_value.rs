// A published value is borrowed: `&Value` reads it, and `&mut Value` publishes it.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_epoch_end(&self, grad_norm: Value) {
        let _ = grad_norm;
    }
}

fn main() {}
