// A function without `#[callback]` is not a callback; the message says how to turn it into one.

use mixup::prelude::*;

fn shout(epoch: usize) {
    println!("{epoch}");
}

fn main() {
    let data = ImageData::digits().unwrap().build().unwrap();
    let _ = Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10])).callback(shout).callback(|epoch: usize| ());
}
