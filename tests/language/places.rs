//! Callbacks other than `impl` blocks: functions and closures.

use std::sync::atomic::{AtomicUsize, Ordering};

use mixup::{
    callback::{Handler, Hook},
    prelude::*,
};

use crate::{
    support::{Log, data, on},
    train,
};

static SHOUTED: AtomicUsize = AtomicUsize::new(0);

/// Counts the epochs.
#[callback(on_epoch_end)]
fn shout(epoch: usize, valid_loss: Option<f64>) {
    assert!(valid_loss.is_some());
    SHOUTED.fetch_add(epoch + 1, Ordering::Relaxed);
}

#[test]
fn a_function_is_a_callback_with_its_own_name() {
    assert_eq!((shout::NAME, shout::ORDER), ("shout", 0));
    assert_eq!(shout.handlers(), [Handler::new(Hook::EpochEnd).method("shout").names(&["epoch", "valid_loss"])]);
    let (mut learn, _) = train(shout);
    assert_eq!(SHOUTED.load(Ordering::Relaxed), 3);
    assert!(learn.remove::<shout>().is_some());
    // The function can still be called.
    shout::shout(6, Some(1.0));
    assert_eq!(SHOUTED.load(Ordering::Relaxed), 10);
}

#[callback(on_batch_begin, train, every = 2, order = 7, name = "each second")]
pub(crate) fn skip(num_batch: usize, last_input: &mut Input) -> Result<Option<SkipBatch>, mixup::batch::InputError> {
    let _ = last_input.one()?;
    Ok((num_batch > 0).then_some(SkipBatch))
}

#[test]
fn a_function_has_options_and_filters() {
    assert_eq!((skip::NAME, skip::ORDER), ("each second", 7));
    let hooks = [Handler::new(Hook::BatchBegin)
        .method("skip")
        .names(&["num_batch", "last_input"])
        .changes(&["last_input"])
        .filters("train, every 2")];
    assert_eq!(skip.handlers(), hooks);
    let log = Log::default();
    let (seen, more) = (log.clone(), log.clone());
    let mut learn = on(data(20, 4))
        .callback(skip)
        .callback(hook!(on_batch_end, move |num_batch: usize, train: bool| {
            seen.add(format!("{num_batch} {train}"));
        }))
        .build()
        .expect("nothing is wrong with it");
    learn.fit(1, 1e-3).expect("it trains");
    // Batches 2 and 4 are left out and therefore not counted: the next one is counted as 2 again.
    let all = more.take();
    assert_eq!(all, ["0 true", "1 true", "0 false"]);
}

#[cfg(not(test))]
#[callback(on_epoch_end)]
fn not_there() {}

#[test]
fn a_function_has_lifetimes_and_several_hooks() {
    #[callback(on_epoch_begin, on_epoch_end, if = epoch == 1)]
    fn names<'a>(metric_names: &'a [String], epoch: usize) {
        assert_eq!((metric_names.len(), epoch), (1, 1));
        SEEN.fetch_add(1, Ordering::Relaxed);
    }

    static SEEN: AtomicUsize = AtomicUsize::new(0);

    train(names);
    assert_eq!(SEEN.load(Ordering::Relaxed), 2);
    assert_eq!((names.handlers().len(), format!("{names:?}")), (2, "names".to_owned()));
}

#[test]
fn a_closure_is_a_callback_and_may_change_what_it_captures() {
    let log = Log::default();
    let mut losses = Vec::new();
    let into = log.clone();
    let watch = hook!(on_batch_end, train, every = 2, name = "watch", move |iteration: usize, smooth_loss: f64| {
        losses.push(smooth_loss);
        into.add(format!("{iteration}: {}", losses.len()));
    });
    let stop = hook!(on_epoch_end, |epoch: usize, params: &Params| {
        (epoch == 1 && !params.is_empty()).then(|| StopTraining::because("enough"))
    });
    let fails = hook!(on_batch_begin, move |last_input: &mut Input, last_target: &Target| -> Result<(), String> {
        if last_input.items() == last_target.items() { Ok(()) } else { Err("odd".to_owned()) }
    });
    let mut learn = on(data(16, 4)).callback(watch).callback(stop).callback(fails).build().expect("nothing is wrong");
    let report = learn.fit(5, 1e-3).expect("it trains");
    assert_eq!(log.take(), ["1: 1", "3: 2", "5: 3", "7: 4"]);
    let Outcome::Stopped { by, hook, why } = &report.outcome else { panic!("{}", report.outcome) };
    assert_eq!((*hook, &why[..]), (Hook::EpochEnd, "enough"));
    assert!(by.starts_with("closure at tests/language/places.rs:"), "{by}");
    assert!(learn.training_loop().to_string().contains("watch(iteration, smooth_loss?) [train, every 2]"));
}

#[test]
fn a_closure_may_be_empty_and_made_by_a_function() {
    fn stop_after(batches: usize) -> impl Callback {
        hook!(on_batch_end, move |iteration: usize| (iteration + 1 >= batches)
            .then(|| StopTraining::because(format!("{batches} batches"))))
    }

    let mut learn =
        on(data(40, 4)).callback(stop_after(3)).callback(hook!(on_train_begin, || {})).build().expect("all is right");
    assert!(learn.fit(1, 1e-3).expect("it trains").outcome.to_string().ends_with("3 batches"));
}
