// A callback asks for another one by its type; any other type is an error.

use mixup::prelude::*;

struct Settings;

struct Watch;

#[callback]
impl Watch {
    fn on_batch_end(&self, settings: &Settings) {
        let _ = settings;
    }
}

fn main() {}
