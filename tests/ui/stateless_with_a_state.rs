// A callback either has a state or is `stateless`.

use mixup::prelude::*;

struct Watch {
    seen: usize,
}

#[callback(state(seen), stateless)]
impl Watch {
    fn on_batch_end(&mut self) {
        self.seen += 1;
    }
}

struct Other {
    seen: usize,
}

#[callback(stateless, stateful)]
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
