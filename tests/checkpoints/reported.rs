//! What users of other libraries lost when they saved and went on. Each line of the table is a report; its tests fail if it happens here.
//!
//! | what happened elsewhere | what shows that it does not happen here |
//! |---|---|
//! | a kill while saving leaves a part of a file, or none | `crash`; `files::tests::crashes`, `learner::checkpoint::tests`; `a_checkpoint_that_is_not_whole_is_skipped_for_the_one_before` |
//! | the newest, incomplete file keeps a training from going on; "latest" is there before its data | the same; `a_newest_file_that_is_empty_or_only_begun_does_not_matter` |
//! | going on removes files of another training | `checkpoints_of_another_training_in_the_folder_are_left_alone` |
//! | the path of the best file is stale | `the_best_checkpoint_is_kept_after_the_folder_has_moved` |
//! | the place in the epoch is right and its order is not | `resume`: `the_order_of_an_epoch_is_saved_and_not_drawn_again`; `the_batches_after_a_break_are_those_that_were_left` |
//! | the second break in one epoch goes wrong | `the_second_break_in_one_epoch_is_as_the_first`; `a_second_break_in_a_validation_between_two_batches_is_as_the_first` |
//! | an epoch is skipped, or trained twice, at its boundary | `resume`: `a_training_resumes_at_every_position`; `every_epoch_is_trained_once_with_a_break_at_its_boundary` |
//! | steps are counted wrong; a validation follows after one batch | `counts_of_batches_and_steps_go_on_and_validations_keep_their_places` |
//! | generators are not restored, or moved on by skipping batches | `resume`: `what_is_drawn_from_the_generator_…`, all with dropout; `randomness` |
//! | gradients in accumulation are lost | `resume`: all of `…_with_mixing_accumulation_and_a_frozen_group`; `gradients_that_were_kept_are_there_after_a_break` |
//! | early stopping forgets its patience | `early_stopping_has_its_patience_after_a_break` |
//! | two callbacks of one type overwrite each other's state | `two_callbacks_of_one_type_have_their_own_states_after_a_break` |
//! | frozen layers thaw | `what_was_frozen_in_the_training_is_frozen_after_a_break` |
//! | the schedule is lost | `a_schedule_goes_on_after_a_break` |
//! | averaged weights are lost, or trained on | `averaged_weights_are_neither_lost_nor_trained_on_after_a_break_in_a_validation` |
//! | moments are on the wrong device | `a_checkpoint_is_read_onto_the_device_of_the_learner` |
//! | loading needs too much memory | `memory`: `going_on_needs_little_more_memory_than_the_file_and_the_learner` |
//! | wrong weights are loaded without a word | `rejected`: all; `weights` |
//! | a callback's state is saved before another one has changed it | `a_state_is_saved_after_all_callbacks_of_that_moment` |
//! | a program that was killed after its last epoch never ends | `a_program_that_is_killed_after_the_last_epoch_ends_as_it_would_have` |

use std::fs;

use mixup::{learner::LearnerBuilder, prelude::*};
use tch::Device;

use super::{
    FailAt, files, learner,
    support::{Linear, Log, bits, data, dropout::alone, gradients, on},
};

/// A small learner that writes a checkpoint before each batch, with a callback that fails at a training batch.
fn often(folder: &std::path::Path, fails: usize) -> LearnerBuilder<Linear> {
    on(data(16, 7)).checkpoints(Checkpoints::in_dir(folder).every(std::time::Duration::ZERO)).callback(FailAt(fails))
}

const NEVER: usize = usize::MAX;

/// Trains with a break at a training batch, and without one, and returns both learners.
fn broken_and_whole(
    fails: usize,
    epochs: usize,
    with: impl Fn(LearnerBuilder<Linear>) -> LearnerBuilder<Linear>,
) -> (Learner, Learner) {
    let _alone = alone();
    let [broken, nowhere] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let build = |folder: &tempfile::TempDir, fails| with(often(folder.path(), fails)).build().expect("it fits");
    build(&broken, fails).fit(epochs, 0.05).expect_err("it fails");
    let mut again = build(&broken, NEVER);
    again.resume().expect("there is a checkpoint");
    let mut whole = build(&nowhere, NEVER);
    whole.fit(epochs, 0.05).expect("it trains");
    assert_eq!(bits(&again), bits(&whole));
    assert_eq!(again.report().epochs.len(), whole.report().epochs.len());
    (again, whole)
}

#[test]
fn a_newest_file_that_is_empty_or_only_begun_does_not_matter() {
    let _alone = alone();
    for content in ["", "{", "half of a checkpoint"] {
        let folder = tempfile::tempdir().expect("a folder");
        often(folder.path(), 6).build().expect("it fits").fit(2, 0.05).expect_err("it fails");
        fs::write(folder.path().join("checkpoint-00000099.safetensors"), content).expect("it can be written");
        let mut again = often(folder.path(), NEVER).build().expect("it fits");
        assert_eq!(again.resume().expect("there is a whole one").epochs.len(), 2);
    }
}

/// Fails at the end of a validation batch of the first epoch.
struct FailInBatch(Option<usize>);

#[callback]
impl FailInBatch {
    #[on(batch_end, valid, if = epoch == 0 && Some(num_batch) == self.0)]
    fn fail(&self) -> Result<(), BoxError> {
        Err("the power is out".into())
    }
}

#[test]
fn a_second_break_in_a_validation_between_two_batches_is_as_the_first() {
    let _alone = alone();
    let nowhere = tempfile::tempdir().expect("a folder");
    let build = |folder: &tempfile::TempDir, fails: Option<usize>| {
        let builder = often(folder.path(), NEVER).validate_every(2).callback(FailInBatch(fails));
        builder.build().expect("it fits")
    };
    let mut whole = build(&nowhere, None);
    whole.fit(2, 0.05).expect("it trains");
    let folder = tempfile::tempdir().expect("a folder");
    build(&folder, Some(0)).fit(2, 0.05).expect_err("it fails in the first batch");
    for _ in 0..2 {
        build(&folder, Some(1)).resume().expect_err("it fails in the second batch");
    }
    let mut again = build(&folder, None);
    again.resume().expect("there is a checkpoint");
    assert_eq!(bits(&again), bits(&whole));
}

/// Publishes numbers of which the first is the best.
struct Score;

#[callback]
impl Score {
    fn on_epoch_end(&self, epoch: usize, score: &mut Value) {
        score.set(1.0 / (epoch + 1) as f64);
    }
}

#[test]
fn the_best_checkpoint_is_kept_after_the_folder_has_moved() {
    let parent = tempfile::tempdir().expect("a folder");
    let [first, second] = ["first", "second"].map(|name| parent.path().join(name));
    let build = |folder: &std::path::Path, fails| {
        let kept = Checkpoints::in_dir(folder).keep_best("score").keep_last(1);
        learner(kept).callback(Score).callback(FailAt(fails)).build().expect("it fits")
    };
    build(&first, 10).fit(4, 0.05).expect_err("it fails");
    fs::rename(&first, &second).expect("nobody writes into it");
    build(&second, NEVER).resume().expect("there is a checkpoint");
    let best = "checkpoint-00000001.safetensors";
    assert_eq!(files(&second).first().map(String::as_str), Some(best));
    assert!(!first.exists(), "nothing is written where it was");
}

/// Records the first number of each training batch, as it comes from the data.
struct Batches(Log);

#[callback]
impl Batches {
    #[on(batch_begin, train)]
    fn record(&self, epoch: usize, last_input: &Input) -> Result<(), BoxError> {
        self.0.add(format!("{epoch}: {}", last_input.one()?.double_value(&[0, 0])));
        Ok(())
    }
}

fn shuffled(folder: &std::path::Path, fails: usize, log: &Log) -> Learner {
    let items = super::support::items(16);
    let data = Data::builder(items).batch_size(4).shuffle(true).build().expect("there are items");
    let often = Checkpoints::in_dir(folder).every_batches(1);
    on(data).checkpoints(often).callback(FailAt(fails)).callback(Batches(log.clone())).build().expect("it fits")
}

#[test]
fn the_batches_after_a_break_are_those_that_were_left() {
    let log = Log::default();
    let nowhere = tempfile::tempdir().expect("a folder");
    shuffled(nowhere.path(), NEVER, &log).fit(2, 0.05).expect("it trains");
    let whole = log.take();
    let folder = tempfile::tempdir().expect("a folder");
    shuffled(folder.path(), 6, &log).fit(2, 0.05).expect_err("it fails");
    shuffled(folder.path(), NEVER, &log).resume().expect("there is a checkpoint");
    assert_eq!(log.take(), whole, "each batch once, in the same order");
}

/// Records when epochs begin and end.
struct Epochs(Log);

#[callback]
impl Epochs {
    fn on_epoch_begin(&self, epoch: usize) {
        self.0.add(format!("begin {epoch}"));
    }

    fn on_epoch_end(&self, epoch: usize) {
        self.0.add(format!("end {epoch}"));
    }
}

#[test]
fn every_epoch_is_trained_once_with_a_break_at_its_boundary() {
    let log = Log::default();
    let folder = tempfile::tempdir().expect("a folder");
    let build = |fails| {
        let of_epochs = Checkpoints::in_dir(folder.path());
        let builder = on(data(16, 7)).checkpoints(of_epochs).callback(Epochs(log.clone())).callback(FailAt(fails));
        builder.build().expect("it fits")
    };
    build(4).fit(3, 0.05).expect_err("it fails in the first batch of the second epoch");
    assert_eq!(log.take(), ["begin 0", "end 0", "begin 1"]);
    build(NEVER).resume().expect("there is a checkpoint");
    assert_eq!(log.take(), ["begin 1", "end 1", "begin 2", "end 2"]);
}

/// Records the counts in each training batch, and each validation.
struct Counts(Log);

#[callback]
impl Counts {
    #[on(batch_end, train)]
    fn batch(&self, iteration: usize, steps: usize, num_batch: usize) {
        self.0.add(format!("batch {num_batch}, iteration {iteration}, {steps} steps"));
    }

    fn on_validate_begin(&self, iteration: usize) {
        self.0.add(format!("validation after {iteration}"));
    }
}

#[test]
fn counts_of_batches_and_steps_go_on_and_validations_keep_their_places() {
    let log = Log::default();
    let train = |fails: usize, folder: &std::path::Path| {
        let builder = often(folder, fails).callback(Accumulate::batches(2)).callback(Counts(log.clone()));
        builder.validate_every(3).build().expect("it fits")
    };
    let nowhere = tempfile::tempdir().expect("a folder");
    train(NEVER, nowhere.path()).fit(2, 0.05).expect("it trains");
    let whole = log.take();
    for fails in [1, 3, 5, 6] {
        let folder = tempfile::tempdir().expect("a folder");
        train(fails, folder.path()).fit(2, 0.05).expect_err("it fails");
        let before = log.take();
        train(NEVER, folder.path()).resume().expect("there is a checkpoint");
        assert_eq!([before, log.take()].concat(), whole, "with a break at batch {fails}");
    }
}

/// Looks at the gradients before the first batch after a break.
#[derive(Default)]
struct Kept(Option<Vec<f32>>);

#[callback(stateless)]
impl Kept {
    #[on(batch_begin, train, if = iteration == 5)]
    fn look(&mut self, params: &Params) {
        let kept = params.iter().map(|(_, tensor)| tensor.grad()).filter(tch::Tensor::defined);
        let numbers = kept.flat_map(|grad| Vec::<f32>::try_from(grad.flatten(0, -1)).expect("floats"));
        self.0 = Some(numbers.collect());
    }
}

#[test]
fn gradients_that_were_kept_are_there_after_a_break() {
    let with = |builder: LearnerBuilder<Linear>| builder.callback(Accumulate::batches(4)).callback(Kept::default());
    let (again, whole) = broken_and_whole(5, 2, with);
    let seen = |learn: &Learner| learn.get::<Kept>().expect("it was added").0.clone().expect("it has looked");
    assert!(!seen(&whole).is_empty(), "there is something to lose");
    assert_eq!(seen(&again), seen(&whole));
    assert!(gradients(&again).is_empty());
}

/// Publishes a number that never gets better after the first epoch.
struct Worse;

#[callback]
impl Worse {
    fn on_epoch_end(&self, epoch: usize, score: &mut Value, other: &mut Value) {
        score.set(-(epoch as f64));
        other.set(if epoch < 3 { epoch as f64 } else { 0.0 });
    }
}

#[test]
fn early_stopping_has_its_patience_after_a_break() {
    // The best epoch is the first; after three more it stops. The break is in the third.
    let with = |builder: LearnerBuilder<Linear>| {
        builder.callback(Worse).callback(EarlyStopping::on("score").less_is_better(false).patience(3))
    };
    let (again, whole) = broken_and_whole(10, 9, with);
    assert_eq!(again.report().epochs.len(), 4);
    assert_eq!(again.report().outcome, whole.report().outcome);
}

#[test]
fn two_callbacks_of_one_type_have_their_own_states_after_a_break() {
    // The second one has its best in the third epoch, and is the one that stops.
    let with = |builder: LearnerBuilder<Linear>| {
        let builder = builder.callback(Worse).callback(EarlyStopping::on("score").less_is_better(false).patience(20));
        builder.callback_named("other", EarlyStopping::on("other").less_is_better(false).patience(2))
    };
    let (mut again, _) = broken_and_whole(14, 9, with);
    let report = again.report();
    assert_eq!(report.epochs.len(), 5, "{report}");
    assert!(matches!(&report.outcome, Outcome::Stopped { by, .. } if by == "other"), "{}", report.outcome);
    let states = again.state().expect("it has one").0;
    assert_ne!(states["callback/EarlyStopping"], states["callback/other"]);
}

/// Freezes a parameter in the second epoch.
struct Freeze;

#[callback]
impl Freeze {
    #[on(epoch_begin, if = epoch == 1)]
    fn freeze(params: &Params) -> Result<(), mixup::model::GroupError> {
        params.freeze("bias")
    }
}

#[test]
fn what_was_frozen_in_the_training_is_frozen_after_a_break() {
    let with = |builder: LearnerBuilder<Linear>| builder.group("bias", |name, _| name == "bias").callback(Freeze);
    // The break is in the epoch after that in which it was frozen: the hook does not run again.
    let (again, _) = broken_and_whole(10, 4, with);
    let bias = again.params().as_slice().iter().find(|param| param.name() == "bias").expect("there is one");
    assert!(bias.is_frozen());
}

#[test]
fn a_schedule_goes_on_after_a_break() {
    let with = |builder: LearnerBuilder<Linear>| {
        builder.callback(Scheduler::new(Schedule::linear(0.0, 1.0).over(0.5).then(Schedule::cosine(1.0, 0.0))))
    };
    broken_and_whole(6, 3, with);
    // `fit_one_cycle` brings its schedule, and `resume` finds it in the checkpoint.
    let _alone = alone();
    let [folder, nowhere] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let build = |folder: &tempfile::TempDir, fails| often(folder.path(), fails).build().expect("it fits");
    build(&folder, 6).fit_one_cycle(3, 0.05).expect_err("it fails");
    let (mut again, mut whole) = (build(&folder, NEVER), build(&nowhere, NEVER));
    again.resume().expect("there is a checkpoint");
    whole.fit_one_cycle(3, 0.05).expect("it trains");
    assert_eq!(bits(&again), bits(&whole));
}

/// Fails in a validation batch of the second epoch.
struct FailInValidation(bool);

#[callback]
impl FailInValidation {
    #[on(batch_begin, valid, if = epoch == 1 && num_batch == 1)]
    fn fail(&self) -> Result<(), BoxError> {
        if self.0 { Err("the power is out".into()) } else { Ok(()) }
    }
}

#[test]
fn averaged_weights_are_neither_lost_nor_trained_on_after_a_break_in_a_validation() {
    let _alone = alone();
    let [folder, nowhere] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let build = |folder: &tempfile::TempDir, fails| {
        let builder = often(folder.path(), NEVER).callback(Ema::new(0.5)).callback(FailInValidation(fails));
        builder.build().expect("it fits")
    };
    build(&folder, true).fit(3, 0.05).expect_err("it fails");
    let (mut again, mut whole) = (build(&folder, false), build(&nowhere, false));
    again.resume().expect("there is a checkpoint");
    whole.fit(3, 0.05).expect("it trains");
    assert_eq!(bits(&again), bits(&whole));
}

#[test]
fn a_checkpoint_is_read_onto_the_device_of_the_learner() {
    let _alone = alone();
    let devices: &[Device] =
        if mixup::default_device().is_cuda() { &[Device::Cpu, Device::Cuda(0)] } else { &[Device::Cpu] };
    for &first in devices {
        for &second in devices {
            let folder = tempfile::tempdir().expect("a folder");
            let build = |device, fails| {
                let builder = often(folder.path(), fails).optimizer(AdamW::default()).callback(Accumulate::batches(3));
                builder.device(device).build().expect("it fits")
            };
            build(first, 5).fit(2, 0.05).expect_err("it fails");
            let mut again = build(second, NEVER);
            again.resume().unwrap_or_else(|error| panic!("from {first:?} to {second:?}: {error}"));
            assert!(again.params().iter().all(|(_, tensor)| tensor.device() == second));
        }
    }
}

/// Counts, and is told what to count by another callback.
#[derive(Default)]
struct Told {
    number: usize,
}

#[callback(state(number))]
impl Told {
    fn on_epoch_begin(&self) {}
}

/// Changes the other one at the end of an epoch, in which hooks run in reverse order, and so after `Told`.
struct Tells;

#[callback]
impl Tells {
    fn on_epoch_end(epoch: usize, told: &mut Told) {
        told.number = 10 * (epoch + 1);
    }
}

#[test]
fn a_state_is_saved_after_all_callbacks_of_that_moment() {
    for tells_first in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        let build = |fails| {
            let builder = on(data(16, 7)).checkpoints(Checkpoints::in_dir(folder.path())).callback(FailAt(fails));
            let builder = if tells_first { builder.callback(Tells) } else { builder };
            let builder = builder.callback(Told::default());
            let builder = if tells_first { builder } else { builder.callback(Tells) };
            builder.build().expect("it fits")
        };
        build(4).fit(2, 0.05).expect_err("it fails in the second epoch");
        let mut again = build(4);
        again.resume().expect_err("it fails there again");
        assert_eq!(again.get::<Told>().expect("it was added").number, 10);
    }
}

#[test]
fn a_program_that_is_killed_after_the_last_epoch_ends_as_it_would_have() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let build = || often(folder.path(), NEVER).callback(Ema::new(0.5)).build().expect("it fits");
    let mut whole = build();
    let wanted = whole.fit(2, 0.05).expect("it trains");
    // What it did after its last checkpoint, such as `on_train_end`, is done again by a process that comes after it.
    let mut again = build();
    let report = again.resume().expect("there is a checkpoint");
    assert_eq!((report.outcome, report.epochs), (Outcome::Finished, wanted.epochs));
    assert_eq!(bits(&again), bits(&whole));
}
