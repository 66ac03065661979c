//! A rank that fails ends all, within seconds and with its reason; and all go on from the last checkpoint.

use std::{fs, path::Path, process, thread, time::Duration};

use mixup::{callback::Callback, learner::LearnerBuilder, prelude::*};
use mixup_mpi::{Mpi, Parallel as _};
use tch::Tensor;
use tempfile::TempDir;

use crate::{
    parts::{data, leave, numbers, on},
    run::{Ran, as_rank, is_rank, on_ranks, trouble},
};

/// What goes wrong on the second rank, in batch 2 of epoch 1.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    Error,
    Panic,
    NotANumber,
    Kill,
    Signal,
    Exit,
    Skip,
    Slow,
}

/// Makes it happen.
struct Fails(Trouble, std::path::PathBuf);

#[callback(stateless)]
impl Fails {
    #[on(backward_begin, if = world.rank() == 1 && epoch == 1 && num_batch == 2)]
    fn fail(&self, last_loss: &mut Tensor, interrupt: &Interrupt) -> Result<Option<SkipBackward>, BoxError> {
        trouble(&self.1);
        match self.0 {
            Trouble::Error => return Err("the disk is on fire".into()),
            Trouble::Panic => panic!("the disk is on fire"),
            Trouble::NotANumber => *last_loss = &*last_loss * f64::NAN,
            Trouble::Kill => send("KILL"),
            Trouble::Signal => {
                send("TERM");
                while !interrupt.is_used() {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            Trouble::Exit => process::exit(3),
            Trouble::Skip => return Ok(Some(SkipBackward)),
            Trouble::Slow => thread::sleep(Duration::from_secs(600)),
        }
        Ok(None)
    }
}

/// Sends this process a signal.
fn send(signal: &str) {
    let pid = process::id().to_string();
    process::Command::new("kill").args(["-s", signal, &pid]).status().expect("it is sent");
    if signal == "KILL" {
        thread::sleep(Duration::from_secs(60));
    }
}

fn often(folder: &Path) -> Checkpoints {
    Checkpoints::in_dir(folder.join("checkpoints")).every_batches(3).keep_last(2)
}

fn learner(mpi: &Mpi, saved: Checkpoints) -> LearnerBuilder<impl Model<Output = Tensor>> {
    on(data(40, 16, 4))
        .metric(accuracy)
        .metric(RocAuc::default())
        .mixup()
        .callback(Accumulate::batches(2))
        .callback(GradientClip::norm(0.5))
        .checkpoints(saved)
        .data_parallel(mpi)
}

/// Trains with a trouble, and ends as a program does.
fn fails(mpi: &Mpi, folder: &Path, which: Trouble) {
    // A signal leaves a checkpoint where none is due.
    let saved = if which == Trouble::Signal { often(folder).every_batches(1000) } else { often(folder) };
    let mut builder = learner(mpi, saved).callback(Fails(which, folder.to_owned()));
    if which == Trouble::NotANumber {
        builder = builder.callback(TerminateOnNan::default());
    }
    let mut learn = builder.build().expect("it fits");
    let done = learn.fit(3, 1e-2);
    let ended = done.as_ref().map_or_else(ToString::to_string, |report| report.outcome.to_string());
    fs::write(folder.join(format!("rank{}", mpi.rank())), ended).expect("it can be written");
    assert!(done.is_err() || which == Trouble::NotANumber);
    assert!(done.is_ok(), "a program whose training has failed fails too");
}

/// The training that nothing disturbs, or goes on.
fn ends(mpi: &Mpi, folder: &Path) {
    let mut learn = learner(mpi, often(folder)).build().expect("it fits");
    let resumed = learn.resume();
    let report = match resumed {
        Err(Error::NoCheckpoint { .. }) => learn.fit(3, 1e-2),
        resumed => resumed,
    };
    let report = report.expect("nothing is wrong");
    leave(folder, &format!("weights{}", mpi.rank()), &numbers(&learn));
    let rows: Vec<_> = report
        .epochs
        .iter()
        .map(|row| format!("{:?} {:?} {:?}", row.train_loss, row.valid_loss, row.metrics))
        .collect();
    fs::write(folder.join(format!("rows{}", mpi.rank())), rows.join("\n")).expect("it can be written");
}

#[test]
fn an_error_on_one_rank_ends_all_with_it() {
    let Some(ran) =
        on_ranks("trouble::an_error_on_one_rank_ends_all_with_it", 2, |mpi, folder| fails(mpi, folder, Trouble::Error))
    else {
        return;
    };
    let ran = ran.failed_soon();
    let own = "callback `Fails`, hook `on_backward_begin`, epoch 1, training batch 2: the disk is on fire";
    assert_eq!(ran.read("rank1"), own);
    // The step before was in batch 1, so the other rank hears of it in batch 3.
    let other =
        format!("callback `DataParallel`, hook `on_backward_end`, epoch 1, training batch 3: rank 1 failed: {own}");
    assert_eq!(ran.read("rank0"), other);
}

#[test]
fn a_panic_on_one_rank_ends_all_with_it() {
    let Some(ran) =
        on_ranks("trouble::a_panic_on_one_rank_ends_all_with_it", 2, |mpi, folder| fails(mpi, folder, Trouble::Panic))
    else {
        return;
    };
    let ended = ran.failed_soon().read("rank0");
    assert!(ended.ends_with("rank 1 failed: panicked: the disk is on fire"), "{ended}");
}

#[test]
fn a_loss_that_is_not_a_number_on_one_rank_stops_all() {
    const NAME: &str = "trouble::a_loss_that_is_not_a_number_on_one_rank_stops_all";
    let Some(ran) = on_ranks(NAME, 2, |mpi, folder| fails(mpi, folder, Trouble::NotANumber)) else { return };
    let ran = ran.succeeded();
    assert!(ran.after_trouble.is_some_and(|after| after < Duration::from_secs(10)), "{:?}", ran.after_trouble);
    let own = "stopped by `TerminateOnNan` in `on_backward_begin`: the loss is NaN";
    assert_eq!(ran.read("rank1"), own);
    assert_eq!(ran.read("rank0"), format!("stopped by `DataParallel` in `on_backward_end`: rank 1 was {own}"));
}

#[test]
fn a_rank_that_skips_a_step_ends_all() {
    const NAME: &str = "trouble::a_rank_that_skips_a_step_ends_all";
    let Some(ran) = on_ranks(NAME, 2, |mpi, folder| fails(mpi, folder, Trouble::Skip)) else { return };
    let ended = ran.failed_soon().read("rank0");
    assert!(
        ended.contains("one rank is in epoch 1, training batch 3 while another is in epoch 1, training batch 4"),
        "{ended}"
    );
}

#[test]
fn a_rank_that_exits_without_a_word_ends_all() {
    const NAME: &str = "trouble::a_rank_that_exits_without_a_word_ends_all";
    let Some(ran) = on_ranks(NAME, 2, |mpi, folder| fails(mpi, folder, Trouble::Exit)) else { return };
    ran.failed_soon();
}

#[test]
fn a_rank_that_hangs_ends_all_after_the_timeout() {
    const NAME: &str = "trouble::a_rank_that_hangs_ends_all_after_the_timeout";
    let train = |mpi: &Mpi, folder: &Path| fails(&mpi.clone().timeout(Duration::from_secs(2)), folder, Trouble::Slow);
    let Some(ran) = on_ranks(NAME, 2, train) else { return };
    let ended = ran.failed_soon().read("rank0");
    assert!(ended.contains("the other ranks did not come within 2"), "{ended}");
}

#[test]
fn a_program_that_ends_before_the_training_of_another_rank_is_an_error_there() {
    const NAME: &str = "trouble::a_program_that_ends_before_the_training_of_another_rank_is_an_error_there";
    let train = |mpi: &Mpi, folder: &Path| {
        if mpi.rank() == 1 {
            trouble(folder);
            return; // its data can't be read, say
        }
        let error = learner(mpi, often(folder))
            .build()
            .expect("it fits")
            .fit(1, 1e-2)
            .expect_err("nobody else trains")
            .to_string();
        let message = "rank 1 has ended its program, and this one is at the begin of a training: all ranks must call the same methods";
        assert!(error.contains(message), "{error}");
    };
    if let Some(ran) = on_ranks(NAME, 2, train) {
        assert!(ran.succeeded().after_trouble.is_some_and(|after| after < Duration::from_secs(10)));
    }
}

#[test]
fn ranks_with_different_models_do_not_train() {
    const NAME: &str = "trouble::ranks_with_different_models_do_not_train";
    let train = |mpi: &Mpi, _: &Path| {
        let channels = [1, 4 + mpi.rank() as i64, 3];
        let builder = Learner::builder(data(16, 0, 4), move |vs| simple_cnn(vs, &channels)).quiet().data_parallel(mpi);
        let error = builder.build().expect("it fits").fit(1, 1e-2).expect_err("the models differ").to_string();
        assert!(error.contains("the ranks have different models"), "{error}");
    };
    if let Some(ran) = on_ranks(NAME, 2, train) {
        ran.succeeded();
    }
}

/// Runs the training to its end, from what is in the folder.
fn to_the_end(test: &str, folder: TempDir) -> Ran {
    Ran::in_folder(test, 2, folder).succeeded()
}

/// The rank of [`all_go_on_after_a_kill_with_the_same_bits`] that is not disturbed.
#[test]
fn undisturbed() {
    if is_rank() {
        as_rank(ends);
    }
}

#[test]
fn all_go_on_after_a_kill_with_the_same_bits() {
    const NAME: &str = "trouble::all_go_on_after_a_kill_with_the_same_bits";
    let Some(killed) = on_ranks(NAME, 2, |mpi, folder| fails(mpi, folder, Trouble::Kill)) else { return };
    let killed = killed.failed_soon();
    goes_on_with_the_same_bits(killed);
}

/// Goes on from the checkpoints of a training that was broken off.
fn goes_on_with_the_same_bits(broken_off: Ran) {
    const UNDISTURBED: &str = "trouble::undisturbed";
    assert!(!checkpoints(broken_off.folder()).is_empty());
    let resumed = to_the_end(UNDISTURBED, broken_off.into_folder());
    let whole = to_the_end(UNDISTURBED, TempDir::new().expect("a folder"));
    for name in ["weights0", "weights1", "rows0", "rows1"] {
        assert_eq!(resumed.read(name), whole.read(name), "{name}");
    }
    assert_eq!(whole.read("rows0"), whole.read("rows1"), "all ranks have the same numbers");
}

fn checkpoints(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder.join("checkpoints")).expect("there is a folder");
    let names = files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("checkpoint-")).collect()
}

#[test]
fn a_signal_to_one_rank_interrupts_all_after_the_same_batch_and_leaves_a_checkpoint() {
    const NAME: &str = "trouble::a_signal_to_one_rank_interrupts_all_after_the_same_batch_and_leaves_a_checkpoint";
    let Some(ran) = on_ranks(NAME, 2, |mpi, folder| fails(mpi, folder, Trouble::Signal)) else { return };
    let ran = ran.failed_soon();
    // With two batches to a step, the ranks meet in batch 3.
    for rank in ["rank0", "rank1"] {
        assert_eq!(ran.read(rank), "interrupted, epoch 1, training batch 3");
    }
    assert_eq!(checkpoints(ran.folder()).len(), 1);
    goes_on_with_the_same_bits(ran);
}

/// Trains with this callback as well, and checks that the training ends with this error.
fn refuses(mpi: &Mpi, callback: impl Callback, message: &str) -> Learner {
    let mut learn = on(data(16, 0, 4)).callback(callback).data_parallel(mpi).build().expect("it fits");
    let error = learn.fit(2, 1e-2).expect_err("the rates differ").to_string();
    assert!(error.contains(message), "{error}");
    learn
}

/// Sets other rates on each rank for one step, after the ranks have met.
struct SetApartLate;

#[callback]
impl SetApartLate {
    #[on(backward_end, if = epoch == 1 && num_batch == 0)]
    fn set_apart(opt: &mut dyn Optimizer, world: World) {
        opt.set_lr(1e-2 / (world.rank() + 1) as f64);
    }

    #[on(step_end, if = epoch == 1 && num_batch == 0)]
    fn set_back(opt: &mut dyn Optimizer) {
        opt.set_lr(1e-2);
    }
}

#[test]
fn a_step_with_different_learning_rates_is_found_at_the_next_one() {
    const NAME: &str = "trouble::a_step_with_different_learning_rates_is_found_at_the_next_one";
    let train = |mpi: &Mpi, _: &Path| {
        refuses(mpi, SetApartLate, "epoch 1, training batch 1: the ranks have different learning rates");
    };
    if let Some(ran) = on_ranks(NAME, 2, train) {
        ran.succeeded();
    }
}

/// Sets other rates on each rank.
#[callback(on_batch_begin, train, if = epoch == 1)]
fn set_apart(opt: &mut dyn Optimizer, world: World) {
    opt.set_lr(1e-2 / (world.rank() + 1) as f64);
}

#[test]
fn ranks_with_different_learning_rates_do_not_drift_apart() {
    const NAME: &str = "trouble::ranks_with_different_learning_rates_do_not_drift_apart";
    let train = |mpi: &Mpi, folder: &Path| {
        let message = "hook `on_backward_end`, epoch 1, training batch 0: the ranks have different learning rates";
        let learn = refuses(mpi, set_apart, message);
        leave(folder, &format!("weights{}", mpi.rank()), &numbers(&learn));
    };
    let Some(ran) = on_ranks(NAME, 2, train) else { return };
    let ran = ran.succeeded();
    assert_eq!(ran.read("weights0"), ran.read("weights1"));
}
