// Another callback is asked for by its type; a type that is none is told so.

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
