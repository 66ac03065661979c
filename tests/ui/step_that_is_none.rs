// A training step implements `TrainStep`.

use mixup::prelude::*;

struct GanStep;

fn main() {
    let data = ImageData::digits().expect("they are embedded").build().expect("they are images");
    let _ = Learner::builder(data, |vs| simple_cnn(vs, &[1, 8, 10])).step(GanStep);
}
