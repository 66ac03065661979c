// `version` is the version of a generated state: a whole number.

use mixup::prelude::*;

struct Watch;

#[callback(version = 2)]
impl Watch {
    fn on_batch_end() {}
}

struct Other {
    seen: usize,
}

#[callback(state(seen), version = "2")]
impl Other {
    fn on_batch_end(&mut self) {
        self.seen += 1;
    }
}

struct ByHand;

#[callback(stateful, version = 2)]
impl ByHand {
    fn on_batch_end() {}
}

impl Stateful for ByHand {
    fn save(&self) -> Result<State, StateError> {
        Ok(State::new())
    }

    fn load(&mut self, _: &State) -> Result<(), StateError> {
        Ok(())
    }
}

#[callback(on_batch_end, version = 2)]
fn shout() {}

fn main() {}
