//! Callbacks that watch a value: `EarlyStopping`, `ReduceOnPlateau`, `SaveBest`.

use std::collections::BTreeMap;

use mixup::prelude::*;
use tch::Tensor;

use crate::{
    resumes,
    support::{bits, data, on},
};

/// Publishes the next of some numbers at the end of each epoch.
struct Score(Vec<f64>);

#[callback]
impl Score {
    fn on_epoch_end(&self, epoch: usize, score: &mut Value) {
        score.set(self.0[epoch]);
    }
}

#[test]
fn early_stopping_ends_the_training_after_its_patience() {
    let scores = || Score(vec![0.5, 0.7, 0.69, 0.71, 0.6, f64::NAN, 0.71, 0.9]);
    let stopping = EarlyStopping::on("score").less_is_better(false).patience(3);
    let mut learn = on(data(8, 4)).callback(stopping).callback(scores()).build().unwrap();
    let report = learn.fit(8, 0.1).unwrap();
    // The best is 0.71 in epoch 3; a NaN and an equal number are no better.
    let why = "stopped by `EarlyStopping` in `on_epoch_end`: `score` has not improved on 0.710000 for 3 epochs";
    assert_eq!((report.outcome.to_string().as_str(), report.epochs.len()), (why, 7));
    assert_eq!(learn.get::<EarlyStopping>().unwrap().best(), Some(0.71));
    // A second training begins anew.
    assert_eq!(learn.fit(4, 0.1).unwrap().outcome, Outcome::Finished);

    let by_little = EarlyStopping::on("score").less_is_better(false).patience(2).min_delta(0.1);
    let mut learn = on(data(8, 4)).callback(by_little).callback(scores()).build().unwrap();
    assert_eq!(learn.fit(8, 0.1).unwrap().outcome.to_string().matches("0.700000 for 2 epochs").count(), 1);
}

#[test]
fn the_direction_of_metrics_and_losses_is_known_and_others_must_say_it_before_the_first_batch() {
    let build = |stopping: EarlyStopping| {
        let own = |_: &Tensor, _: &Target| 1.0;
        let builder = on(data(8, 4)).metric(accuracy).metric_named("own", own).callback(stopping);
        builder.callback(Score(vec![0.1, 0.2])).build()
    };
    assert!(build(EarlyStopping::on(accuracy)).unwrap().fit(2, 0.1).is_ok());
    assert!(build(EarlyStopping::on("valid_loss")).unwrap().fit(2, 0.1).is_ok());
    assert!(build(EarlyStopping::on("own").less_is_better(true)).unwrap().fit(2, 0.1).is_ok());
    let said = build(EarlyStopping::on("own")).unwrap().fit(2, 0.1).unwrap_err().to_string();
    assert!(said.contains("hook `on_train_begin`") && said.contains("whether less of `own` is better"), "{said}");
    let said = build(EarlyStopping::on("score")).unwrap().fit(2, 0.1).unwrap_err().to_string();
    assert!(said.contains("whether less of `score` is better is not known"), "{said}");
    let said = build(EarlyStopping::on("scores")).map(|_| ()).unwrap_err().to_string();
    assert!(said.contains("`scores`") && said.contains("`score`"), "{said}");
}

#[test]
fn a_plateau_reduces_the_rates_as_in_pytorch() {
    #[derive(Default)]
    struct Rates(Vec<f64>);

    #[callback]
    impl Rates {
        fn on_epoch_begin(&mut self, opt: &dyn Optimizer) {
            self.0.push(opt.lr());
        }
    }

    let file: BTreeMap<String, Vec<f64>> = serde_json::from_str(include_str!("../golden/schedules.json")).unwrap();
    let plateau = ReduceOnPlateau::on("score").less_is_better(true).patience(2).factor(0.5);
    let plateau = plateau.min_delta(0.05).cooldown(1).min_lr(0.1);
    let builder = on(data(8, 0)).callback(plateau).callback(Score(file["plateau_of"].clone()));
    let mut learn = builder.callback(Rates::default()).build().unwrap();
    learn.fit(file["plateau_of"].len(), 1.0).unwrap();
    let seen = learn.get::<Rates>().unwrap().0.clone();
    let (want, last) = (&file["plateau"], learn.opt().lr());
    assert_eq!([&seen[1..], &[last]].concat(), *want);
    assert!(want.contains(&0.1) && want.contains(&0.5), "{want:?}");
}

#[test]
fn save_best_writes_the_weights_of_the_best_epoch_and_restores_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("best.safetensors");
    let scores = || Score(vec![0.5, 0.9, 0.7, 0.8]);
    let best = || SaveBest::on("score").less_is_better(false);
    let mut restored = on(data(8, 4)).callback(best().restore()).callback(scores()).build().unwrap();
    let mut saved = on(data(8, 4)).callback(best().to(&path)).callback(scores()).build().unwrap();
    let (mut two, mut four) = (on(data(8, 4)).build().unwrap(), on(data(8, 4)).build().unwrap());
    for (learn, epochs) in [(&mut restored, 4), (&mut saved, 4), (&mut two, 2), (&mut four, 4)] {
        learn.fit(epochs, 0.1).unwrap();
    }
    assert_eq!(bits(&restored), bits(&two));
    assert_eq!(bits(&saved), bits(&four)); // without `restore` the model is as trained
    saved.load(&path).unwrap();
    assert_eq!(bits(&saved), bits(&two));
    assert_eq!(restored.get::<SaveBest>().unwrap().best(), Some(0.9));
}

#[test]
fn the_best_weights_are_restored_after_an_error_too() {
    struct Fails;

    #[callback]
    impl Fails {
        #[on(batch_end, train, if = epoch == 2)]
        fn fail() -> Result<(), BoxError> {
            Err("no".into())
        }
    }

    let best = SaveBest::on("score").less_is_better(false).restore();
    let mut learn = on(data(8, 4)).callback(best).callback(Score(vec![0.9, 0.5])).callback(Fails).build().unwrap();
    assert!(learn.fit(4, 0.1).is_err());
    let mut one = on(data(8, 4)).build().unwrap();
    one.fit(1, 0.1).unwrap();
    assert_eq!(bits(&learn), bits(&one));
}

#[test]
fn save_best_keeps_the_averaged_weights_for_which_the_value_was_measured() {
    let build = || {
        let best = SaveBest::on("score").less_is_better(false).restore();
        on(data(8, 4)).callback(Ema::new(0.5)).callback(best).callback(Score(vec![0.1, 0.9, 0.5])).build().unwrap()
    };
    let (mut best, mut ema) = (build(), on(data(8, 4)).callback(Ema::new(0.5)).build().unwrap());
    best.fit(3, 0.1).unwrap();
    ema.fit(2, 0.1).unwrap();
    assert_eq!(bits(&best), bits(&ema));
}

#[test]
fn what_was_watched_goes_on_after_a_break_with_mixup() {
    let scores = || Score(vec![0.5, 0.4, 0.45, 0.41, 0.4]);
    let builder = || on(data(10, 5)).mixup().metric(accuracy).callback(scores());
    let stopping = || EarlyStopping::on("score").less_is_better(true).patience(3);
    let plateau = || ReduceOnPlateau::on("score").less_is_better(true).patience(2).cooldown(1).factor(0.5);
    let best = || SaveBest::on("valid_loss").restore();
    resumes(|| Ok(builder().callback(stopping()).callback(plateau()).build()?), 5, 0.1);
    resumes(|| Ok(builder().callback(best()).callback(Ema::new(0.9)).build()?), 3, 0.1);
}
