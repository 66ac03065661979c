// A state is generated with `state`, or written by hand with `stateful`.

use mixup::prelude::*;

struct Watch {
    seen: usize,
}

#[callback(state(seen), stateful)]
impl Watch {
    fn on_batch_end(&mut self) {
        self.seen += 1;
    }
}

struct Other {
    seen: usize,
}

#[callback(state(seen))]
impl Other {
    fn on_batch_end(&mut self) {
        self.seen += 1;
    }
}

impl Stateful for Other {
    fn save(&self) -> Result<State, StateError> {
        State::of_data(&self.seen)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.seen = state.data()?;
        Ok(())
    }
}

fn main() {}
