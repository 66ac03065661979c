//! The notebook of fastai v1's MixUp page, on all processes that `mpirun` starts: `mpirun -n 2 target/debug/examples/notebook`.

use mixup::prelude::*;
use mixup_mpi::{Mpi, Parallel as _};

fn main() -> Result<(), BoxError> {
    let mpi = Mpi::init()?;
    let report = train(&mpi, 8)?;
    if mpi.world().is_first() {
        println!("{}", report.outcome);
    }
    Ok(())
}

/// Trains a small network on the bundled digits, with MixUp within each rank.
///
/// # Errors
/// Those of the training.
pub fn train(mpi: &Mpi, epochs: usize) -> Result<Report, BoxError> {
    let data = ImageData::digits()?.batch_size(32).build()?; // on two ranks, steps with 64 items
    let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 16, 10]))
        .metric(accuracy)
        .mixup()
        .data_parallel(mpi)
        .build()?;
    Ok(learn.fit(epochs, 1e-2)?)
}
