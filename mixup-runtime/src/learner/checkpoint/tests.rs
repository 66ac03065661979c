//! Trainings on a simulated disk: each call to it fails, and the power fails after each call.

use std::path::Path;

use rand::SeedableRng as _;
use tch::{Device, Kind, Tensor, nn};

use super::{Checkpoints, Writer};
use crate::{
    data::{Data, TensorDataset},
    files::sim::{Failing, Fault, Left, Op, SimDisk, some_crashes},
    learner::Learner,
    model::Vars,
    optim::Sgd,
    rng::Rng,
    training::{Error, Outcome, Report},
};

const EPOCHS: usize = 2;

/// A learner that writes three checkpoints, of which it keeps one.
fn learner(disk: &SimDisk, goes_on: bool) -> Learner {
    let numbers = (Tensor::arange(16, (Kind::Float, Device::Cpu)) * 0.37).sin().reshape([8, 2]);
    let classes = Tensor::arange(8, (Kind::Int64, Device::Cpu)).remainder(2);
    let items = TensorDataset::new(numbers, classes).expect("as many of both");
    let data = Data::builder(items).batch_size(2).build().expect("there are items");
    let model = |vars: &Vars<'_>| {
        tch::set_num_threads(1);
        nn::linear(vars.path(), 2, 2, nn::LinearConfig::default())
    };
    let kept = Checkpoints::in_dir("runs/a").every_batches(3).keep_last(1);
    let kept = if goes_on { kept.or_go_on() } else { kept };
    let builder = Learner::builder(data, model).optimizer(Sgd::default().momentum(0.5)).checkpoints(kept).quiet();
    let mut learn = builder.build().expect("nothing is wrong with it");
    writer(&mut learn).disk = Box::new(disk.clone());
    learn
}

fn writer(learn: &mut Learner) -> &mut Writer {
    learn.points.writer.as_mut().expect("it has checkpoints")
}

fn bits(learn: &Learner) -> Vec<u32> {
    let numbers = |tensor: &Tensor| Vec::<f32>::try_from(tensor.detach().flatten(0, -1)).expect("floats");
    learn.params().iter().flat_map(|(_, tensor)| numbers(tensor)).map(f32::to_bits).collect()
}

/// The weights after a training, and what happened on its disk.
fn whole() -> (Vec<u32>, Vec<Op>) {
    let disk = SimDisk::default();
    let mut learn = learner(&disk, false);
    learn.fit(EPOCHS, 0.1).expect("this disk does not fail");
    assert_eq!(disk.files().len(), 1, "older ones are removed");
    (bits(&learn), disk.log())
}

/// What another process does with what is on the disk.
fn goes_on(disk: &SimDisk) -> (Report, Vec<u32>) {
    let mut learn = learner(disk, false);
    let report = match learn.resume() {
        Err(Error::NoCheckpoint { skipped, .. }) if skipped.is_empty() => learn.fit(EPOCHS, 0.1),
        resumed => resumed,
    };
    (report.expect("this disk does not fail any more"), bits(&learn))
}

#[test]
fn whichever_call_to_the_disk_fails_the_training_ends_or_goes_on_as_asked_and_nothing_is_lost() {
    let (wanted, _) = whole();
    for (fault, all_after) in [(Fault::NoSpace, false), (Fault::Short, false), (Fault::Io, false), (Fault::Io, true)] {
        let mut ended = [0; 2];
        for from in 0.. {
            let or_go_on = from % 2 == 0;
            let disk = SimDisk::default();
            let mut learn = learner(&disk, or_go_on);
            disk.fail(Some(Failing { from, all_after, fault }));
            let result = learn.fit(EPOCHS, 0.1);
            let failed = disk.has_failed();
            disk.fail(None);
            let case = format!("{fault:?} from call {from}, also after it: {all_after}, goes on: {or_go_on}");
            match result {
                Ok(report) => {
                    assert_eq!(report.outcome, Outcome::Finished, "{case}");
                    assert_eq!(bits(&learn), wanted, "{case}");
                    ended[0] += usize::from(failed);
                }
                Err(error) => {
                    assert!(failed && matches!(error, Error::File { .. }), "{case}: {error}");
                    // The folder itself is needed in any case.
                    assert!(!or_go_on || learn.report().epochs.is_empty(), "{case}: {error}");
                    ended[1] += 1;
                }
            }
            drop(learn);
            let (report, found) = goes_on(&disk);
            assert_eq!((report.epochs.len(), found), (EPOCHS, wanted.clone()), "{case}");
            if !failed {
                break;
            }
        }
        assert!(ended.iter().all(|&count| count > 10), "{fault:?}: {ended:?} trainings went on and ended");
    }
}

#[test]
fn after_the_power_has_failed_anywhere_the_newest_whole_checkpoint_is_the_last_one_that_was_written_or_a_newer_one() {
    let (wanted, log) = whole();
    let mut rng = Rng::seed_from_u64(3);
    let (mut found, mut gone_on) = ([0; 4], 0);
    for crash in 0..=log.len() {
        let written = log[..crash].iter().filter(|op| is_last(op)).count() as u64;
        some_crashes(&Left::new(), &log[..crash], &mut rng, 12, |left| {
            let disk = SimDisk::of(left);
            let newest = writer(&mut learner(&disk, false)).newest();
            let number = match newest {
                Ok((_, _, manifest)) => manifest.number,
                Err(Error::NoCheckpoint { .. }) => 0,
                Err(error) => panic!("crash {crash}: {error}"),
            };
            assert!((written..=written + 1).contains(&number), "crash {crash}: {written} written, {number} found");
            found[number as usize] += 1;
            if found[number as usize] % 50 == 1 {
                assert_eq!(after(&disk), wanted, "crash {crash}, with checkpoint {number}");
                gone_on += 1;
            }
        });
    }
    assert!(found.iter().all(|&count| count > 0) && gone_on > 4, "{found:?}, {gone_on} went on");
}

/// What a training that goes on ends with; a first checkpoint that is not whole makes it begin anew.
fn after(disk: &SimDisk) -> Vec<u32> {
    let mut learn = learner(disk, false);
    if let Err(error) = learn.resume() {
        assert!(matches!(error, Error::NoCheckpoint { .. }), "{error}");
        learn.fit(EPOCHS, 0.1).expect("this disk does not fail");
    }
    bits(&learn)
}

/// Whether a checkpoint is written with this: the folder is synced after it was renamed.
fn is_last(op: &Op) -> bool {
    matches!(op, Op::SyncFolder(folder) if folder == Path::new("runs/a"))
}
