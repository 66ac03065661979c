// The model is asked for as a type that is a model.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_train_begin(&self, model: &String) {
        let _ = model;
    }
}

fn main() {}
