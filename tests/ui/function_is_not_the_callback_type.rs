// A function without `#[callback]` is none; the message says how it becomes one.

use mixup::prelude::*;

fn shout(epoch: usize) {
    println!("{epoch}");
}

fn main() {
    let data = ImageData::digits().unwrap().build().unwrap();
    let _ = Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10])).callback(shout).callback(|epoch: usize| ());
}
