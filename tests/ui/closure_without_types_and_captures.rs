// A closure without types gets no warning that what only it uses is unused.

use std::collections::BTreeMap;

use mixup::prelude::*;

fn count() -> impl Callback {
    let name = "loss";
    hook!(on_batch_end, move |iteration, last_los| {
        let counts = BTreeMap::from([(name, iteration)]);
        std::fs::write("counts", format!("{counts:?}"))?;
        Ok(())
    })
}

fn multiply() -> impl Callback {
    let mut sum = 0;
    hook!(on_batch_end, move |(epoch, batch)| sum += epoch * batch)
}

fn main() {
    let limit = 3;
    let _ = hook!(on_step_end, move |steps| (steps > limit).then(|| StopTraining::because("enough")));
}
