//! What a training does to the process's memory. Alone in its file, since it counts what the whole process does.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use mixup::{data::ImageDataset, prelude::*};
use tch::{Device, Kind, Tensor};

/// How often the process has touched a page that it had not before.
fn page_faults() -> usize {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has it");
    let behind_the_name = stat.rsplit_once(')').expect("the name is in parentheses").1;
    behind_the_name.split_whitespace().nth(7).and_then(|minflt| minflt.parse().ok()).expect("a number")
}

#[derive(Default)]
struct Faults {
    at: Vec<usize>,
}

#[callback]
impl Faults {
    #[on(batch_end, train)]
    fn count(&mut self) {
        self.at.push(page_faults());
    }
}

/// Batches of 2.4 MB, which glibc would map anew each time and give back. Each page of them is a fault then: 590 for the batch
/// alone.
#[test]
fn a_batch_takes_the_memory_that_the_last_one_gave_back() -> Result<(), Box<dyn std::error::Error>> {
    let pixels = Tensor::randint(256, [512, 3, 56, 56], (Kind::Uint8, Device::Cpu));
    let data = Data::builder(ImageDataset::new(pixels, Tensor::zeros([512], (Kind::Int64, Device::Cpu)))?);
    let data = data.classes(["3", "7"]).batch_size(64).build()?;
    let builder = Learner::builder(data, |vs| simple_cnn(vs, &[3, 16, 16, 2])).mixup().callback(Faults::default());
    let mut learn = builder.quiet().build()?;
    learn.fit(4, 1e-3)?;
    let at = &learn.get::<Faults>().expect("it was added").at;
    let of_each: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let later = &of_each[of_each.len() / 2..];
    let mean = later.iter().sum::<usize>() / later.len();
    assert!(mean < 100, "{mean} page faults a batch: {of_each:?}");
    Ok(())
}
