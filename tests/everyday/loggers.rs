//! Loggers that write files: `CsvLogger`, `JsonLines`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mixup::{callbacks::LrFinder, learner::LearnerBuilder, prelude::*, training::Report};
use serde_json::Value as Json;

use crate::{
    resumes,
    support::{Linear, data, on, warnings::Warnings},
};

/// Publishes a number in each batch and one at the end of each epoch but the second.
struct Publishes;

#[callback]
impl Publishes {
    fn on_backward_end(gradients: &Gradients, grad_norm: &mut Value) -> Result<(), GradientError> {
        grad_norm.set(gradients.norm_tensor()?);
        Ok(())
    }

    #[on(epoch_end, if = epoch != 1)]
    fn score(epoch: usize, score: &mut Value) {
        score.set(epoch as f64 + 0.5);
    }
}

/// Fails before a training batch, counted over the whole training.
struct FailAt(usize);

#[callback]
impl FailAt {
    #[on(batch_begin, train, if = iteration == self.0)]
    fn fail(&self) -> Result<(), BoxError> {
        Err("the power is out".into())
    }
}

#[callback(on_validate_begin, if = epoch == 1)]
fn skip_one() -> SkipValidation {
    SkipValidation
}

/// Four batches and a validation in an epoch, with MixUp, a metric and two published values.
fn learner() -> LearnerBuilder<Linear> {
    on(data(16, 4)).mixup().metric(accuracy).callback(Publishes)
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).unwrap();
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// The rows without the time, which no two trainings have in common.
fn timeless(path: &Path) -> Vec<Vec<String>> {
    rows(path).into_iter().map(|row| row.split_last().unwrap().1.to_vec()).collect()
}

fn objects(path: &Path) -> Vec<Json> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines without the time, to the letter.
fn timeless_lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let cut =
        |line: &str| line.split_once(",\"time\":").map_or_else(|| line.to_owned(), |(rest, _)| format!("{rest}}}"));
    text.lines().map(cut).collect()
}

/// The row that a report has for an epoch; NaN is an empty cell.
fn of_report(report: &Report, epoch: usize) -> Vec<String> {
    let row = &report.epochs[epoch];
    let numbers = [row.train_loss, row.valid_loss.unwrap_or(f64::NAN)].into_iter();
    let numbers = numbers.chain(row.metrics.iter().chain(&row.values).copied());
    let cell = |number: f64| if number.is_nan() { String::new() } else { number.to_string() };
    [epoch.to_string()].into_iter().chain(numbers.map(cell)).collect()
}

#[test]
fn a_csv_file_has_a_row_for_each_epoch_with_every_number_of_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs/a/history.csv"); // the folders are created
    let mut learn = learner().callback(skip_one).callback(CsvLogger::to(&path)).build().unwrap();
    let report = learn.fit(3, 0.1).unwrap();
    let found = timeless(&path);
    assert_eq!(found[0], ["epoch", "train_loss", "valid_loss", "accuracy", "grad_norm", "score"]);
    assert_eq!(found[1..], [0, 1, 2].map(|epoch| of_report(&report, epoch)));
    assert!(found[2][2].is_empty() && found[2][3].is_empty() && found[2][5].is_empty(), "{found:?}");
    let times: Vec<f64> = rows(&path)[1..].iter().map(|row| row[6].parse().unwrap()).collect();
    for (time, row) in times.iter().zip(&report.epochs) {
        assert!((time - row.time.as_secs_f64()).abs() < 1e-3, "{times:?}");
    }
    // A second training begins anew.
    learn.fit(1, 0.1).unwrap();
    assert_eq!(rows(&path).len(), 2);
}

#[test]
fn rows_are_in_the_file_before_the_next_epoch_begins_and_a_sweep_writes_none() {
    struct Looks(PathBuf);

    #[callback]
    impl Looks {
        fn on_epoch_begin(&self, epoch: usize, finder: Option<&LrFinder>) {
            assert_eq!(rows(&self.0).len(), if finder.is_some() { 4 } else { 1 + epoch });
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let (path, lines) = (folder.path().join("history.csv"), folder.path().join("log.jsonl"));
    let builder = learner().callback(CsvLogger::to(&path)).callback(Looks(path.clone()));
    let mut learn = builder.callback(JsonLines::to(&lines).every_batches(1)).build().unwrap();
    learn.fit(3, 0.1).unwrap();
    let before = (rows(&path), objects(&lines));
    learn.lr_find_with(LrFinder::default().steps(20)).unwrap();
    assert_eq!((rows(&path), objects(&lines)), before);
}

#[test]
fn appending_keeps_earlier_rows_of_the_same_columns_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.csv");
    let fit = |logger: CsvLogger, publishes: bool| {
        let builder = on(data(8, 4)).callback(logger);
        if publishes { builder.callback(Publishes) } else { builder }.build().unwrap().fit(2, 0.1)
    };
    fit(CsvLogger::to(&path).append(), false).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.trim_end()).unwrap(); // as an editor may leave it
    fit(CsvLogger::to(&path).append(), false).unwrap();
    let epochs: Vec<_> = rows(&path).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(epochs, ["epoch", "0", "1", "0", "1"]);

    let error = fit(CsvLogger::to(&path).append(), true).unwrap_err().to_string();
    assert!(error.starts_with("callback `CsvLogger`, hook `on_train_begin`"), "{error}");
    let wanted = "has the columns `epoch,train_loss,valid_loss,time`, and this training writes \
                  `epoch,train_loss,valid_loss,grad_norm,score,time`: choose another file, or move this one away";
    assert!(error.contains(wanted), "{error}");
    assert_eq!(rows(&path).len(), 5);
}

#[test]
fn json_lines_have_each_epoch_and_each_nth_batch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let builder = learner().group("bias", |name, _| name == "bias").callback(skip_one).callback(Recorder::default());
    let mut learn = builder.callback(JsonLines::to(&path).every_batches(2)).build().unwrap();
    let report = learn.fit(2, [0.5, 0.1]).unwrap();
    let found = timeless_lines(&path);
    let losses = learn.get_mut::<Recorder>().unwrap().losses().unwrap().to_vec();
    let norms = learn.get::<Recorder>().unwrap().published("grad_norm").unwrap().unwrap();
    let batch = |iteration: usize| {
        serde_json::json!({
            "epoch": iteration / 4, "batch": iteration % 4, "iteration": iteration, "loss": losses[iteration],
            "lr": { "bias": 0.5, "default": 0.1 }, "grad_norm": norms[iteration],
        })
    };
    let (zero, one) = (&report.epochs[0], &report.epochs[1]);
    let epoch_0 = serde_json::json!({
        "epoch": 0, "train_loss": zero.train_loss, "valid_loss": zero.valid_loss, "accuracy": zero.metrics[0],
        "grad_norm": zero.values[0], "score": 0.5,
    });
    // What the second epoch does not have is left out.
    let epoch_1 = serde_json::json!({ "epoch": 1, "train_loss": one.train_loss, "grad_norm": one.values[0] });
    let wanted = [batch(1), batch(3), epoch_0, batch(5), batch(7), epoch_1];
    assert_eq!(found, wanted.map(|object| object.to_string()));
    assert!(objects(&path)[2]["time"].is_f64());
}

#[test]
fn a_number_that_is_not_finite_is_null_in_json_and_itself_in_csv() {
    #[callback(on_epoch_end)]
    fn publishes_odd(epoch: usize, odd: &mut Value) {
        odd.set([f64::NAN, f64::INFINITY][epoch]);
    }

    let folder = tempfile::tempdir().unwrap();
    let (lines, table) = (folder.path().join("log.jsonl"), folder.path().join("history.csv"));
    let builder =
        on(data(8, 4)).callback(publishes_odd).callback(JsonLines::to(&lines)).callback(CsvLogger::to(&table));
    builder.build().unwrap().fit(2, 0.1).unwrap();
    assert!(objects(&lines).iter().all(|object| object.as_object().unwrap()["odd"].is_null()));
    assert_eq!([&rows(&table)[1][3], &rows(&table)[2][3]], ["NaN", "inf"]);
}

#[test]
fn after_a_kill_no_row_is_doubled_and_none_is_lost() {
    let build = |folder: &Path, fails: usize| {
        let checkpoints = Checkpoints::in_dir(folder.join("checkpoints")).every_epochs(2);
        let json = JsonLines::to(folder.join("log.jsonl")).every_batches(3);
        let builder = learner().callback(CsvLogger::to(folder.join("history.csv"))).callback(json);
        builder.callback(FailAt(fails)).checkpoints(checkpoints).build().unwrap()
    };
    let (whole, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    build(whole.path(), usize::MAX).fit(5, 0.1).unwrap();
    // In the fourth epoch: the checkpoint is that of the second one, and the files have a row more than it.
    build(cut.path(), 4 * 3 + 2).fit(5, 0.1).unwrap_err();
    let paths = |folder: &Path| [folder.join("history.csv"), folder.join("log.jsonl")];
    let [table, lines] = paths(cut.path());
    assert_eq!(rows(&table).len(), 1 + 3);
    for path in [&table, &lines] {
        let text = fs::read_to_string(path).unwrap();
        fs::write(path, text + "3,0.1").unwrap(); // a kill in the middle of a write
    }
    build(cut.path(), usize::MAX).resume().unwrap();
    let [whole_table, whole_lines] = paths(whole.path());
    assert_eq!(timeless(&table), timeless(&whole_table));
    assert_eq!(timeless_lines(&lines), timeless_lines(&whole_lines));

    // A training that was finished is brought to its end once more, and writes nothing.
    let before = fs::read_to_string(&table).unwrap();
    build(cut.path(), usize::MAX).resume().unwrap();
    assert_eq!(fs::read_to_string(&table).unwrap(), before);
}

#[test]
fn rows_that_somebody_has_removed_are_told_and_the_training_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("history.csv");
    let build = |fails: usize| {
        let checkpoints = Checkpoints::in_dir(folder.path());
        let builder = learner().callback(CsvLogger::to(&table)).callback(FailAt(fails));
        builder.checkpoints(checkpoints).build().unwrap()
    };
    build(9).fit(3, 0.1).unwrap_err();
    fs::remove_file(&table).unwrap();
    let warnings = Warnings::default();
    tracing::subscriber::with_default(warnings.clone(), || build(usize::MAX).resume()).unwrap();
    let said = warnings.take().concat();
    assert!(said.contains("history.csv` has 0 lines, and had 3 at the checkpoint: the others are lost"), "{said}");
    assert_eq!(rows(&table).iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["epoch", "2"]);
}

#[test]
fn a_file_that_can_not_be_written_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let error = learner().callback(CsvLogger::to(folder.path())).build().unwrap().fit(1, 0.1).unwrap_err().to_string();
    let path = folder.path().display();
    assert!(
        error.contains(&format!("`{path}` can't be written")) && error.contains("give the path of a file"),
        "{error}"
    );
    assert!(error.starts_with("callback `CsvLogger`, hook `on_train_begin`"), "{error}");
}

#[test]
fn loggers_go_on_after_a_break_with_mixup() {
    let folder = tempfile::tempdir().unwrap();
    let (table, lines) = (folder.path().join("history.csv"), folder.path().join("log.jsonl"));
    let build = || {
        let builder = learner().callback(CsvLogger::to(&table)).validate_every(3);
        Ok(builder.callback(JsonLines::to(&lines).every_batches(3)).build()?)
    };
    resumes(build, 2, 0.1);
    assert_eq!((rows(&table).len(), objects(&lines).len()), (3, 4));
}
