//! `TensorBoard`: what its event files have, read by a reader that shares nothing with the writer.

use std::{collections::BTreeMap, fs, path::Path};

use mixup::{callbacks::LrFinder, learner::LearnerBuilder, prelude::*};

use crate::{
    resumes,
    support::{GradNorm, Linear, data, numbers, on},
};

/// CRC-32C, bit by bit (RFC 3720, appendix B.4).
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 })
    })
}

fn unmasked(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().unwrap()).wrapping_sub(0xa282_ead8).rotate_left(15)
}

/// The whole records of a file; the last one may be cut off.
fn records(mut file: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while let Some((head, rest)) = file.split_at_checked(12) {
        assert_eq!(crc32c(&head[..8]), unmasked(&head[8..]), "the length");
        let len = u64::from_le_bytes(head[..8].try_into().unwrap()) as usize;
        let Some((record, rest)) = rest.split_at_checked(len + 4) else { break };
        assert_eq!(crc32c(&record[..len]), unmasked(&record[len..]), "the bytes");
        records.push(&record[..len]);
        file = rest;
    }
    records
}

/// A field of a message: a whole number, or bytes of fixed or any length.
enum Field<'a> {
    Whole(u64),
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    fn bytes(&self) -> &'a [u8] {
        let Self::Bytes(bytes) = self else { panic!("a whole number") };
        bytes
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).unwrap()
    }

    fn double(&self) -> f64 {
        f64::from_le_bytes(self.bytes().try_into().unwrap())
    }

    fn doubles(&self) -> Vec<f64> {
        self.bytes().chunks(8).map(|it| f64::from_le_bytes(it.try_into().unwrap())).collect()
    }

    fn whole(&self) -> u64 {
        let Self::Whole(number) = self else { panic!("bytes") };
        *number
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let (byte, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        number |= u64::from(byte & 127) << shift;
        if byte & 128 == 0 {
            break;
        }
    }
    number
}

/// The fields of a message, with their numbers.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let len = match key & 7 {
            0 => {
                fields.push((key >> 3, Field::Whole(varint(&mut bytes))));
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes) as usize,
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (field, rest) = bytes.split_at(len);
        fields.push((key >> 3, Field::Bytes(field)));
        bytes = rest;
    }
    fields
}

fn field(bytes: &[u8], number: u64) -> Option<Field<'_>> {
    fields(bytes).into_iter().find(|(found, _)| *found == number).map(|(_, field)| field)
}

/// What TensorBoard shows of a folder: for each tag the steps, with the bytes of the value.
type Shown = BTreeMap<String, Vec<(u64, Vec<u8>)>>;

/// Reads files in the order of their names, and drops what comes from the step of a `SessionLog.START` on, as TensorBoard's
/// `event_accumulator` does.
fn shown(folder: &Path) -> Shown {
    let mut shown = Shown::new();
    for path in files(folder) {
        let file = fs::read(path).unwrap();
        let events = records(&file);
        assert_eq!(field(events[0], 3).unwrap().text(), "brain.Event:2");
        for event in events {
            let step = field(event, 2).map_or(0, |step| step.whole());
            assert!(field(event, 1).unwrap().double() > 1.6e9, "the time");
            if let Some(log) = field(event, 7) {
                assert_eq!(field(log.bytes(), 1).unwrap().whole(), 1, "START");
                for values in shown.values_mut() {
                    values.retain(|(other, _)| *other < step);
                }
            }
            for (_, value) in field(event, 5).map_or_else(Vec::new, |summary| fields(summary.bytes())) {
                let values = shown.entry(field(value.bytes(), 1).unwrap().text()).or_default();
                values.push((step, value.bytes().to_vec()));
            }
        }
    }
    shown.retain(|_, values| !values.is_empty());
    shown
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.to_str().unwrap().contains("events.out.tfevents.")).collect();
    files.sort();
    files
}

fn scalars(shown: &Shown, tag: &str) -> Vec<(u64, f32)> {
    let number = |value: &[u8]| f32::from_le_bytes(field(value, 2).unwrap().bytes().try_into().unwrap());
    shown
        .get(tag)
        .unwrap_or_else(|| panic!("{tag}: {:?}", shown.keys()))
        .iter()
        .map(|(step, it)| (*step, number(it)))
        .collect()
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

/// Four batches and a validation in an epoch, with MixUp, a metric, a published value, and two groups.
fn learner(board: TensorBoard) -> LearnerBuilder<Linear> {
    on(data(16, 4)).mixup().metric(accuracy).callback(GradNorm).callback(board).group("bias", |name, _| name == "bias")
}

#[test]
fn event_files_have_the_numbers_of_epochs_and_batches() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs/a");
    let board = TensorBoard::in_dir(&runs).every_batches(2);
    let mut learn = learner(board).callback(Recorder::default()).build().unwrap();
    let report = learn.fit(2, [0.5, 0.25]).unwrap();
    let found = shown(&runs);
    let tags = [
        "batch/grad_norm",
        "batch/loss",
        "batch/lr/bias",
        "batch/lr/default",
        "epoch/accuracy",
        "epoch/grad_norm",
        "epoch/lr/bias",
        "epoch/lr/default",
        "epoch/train_loss",
        "epoch/valid_loss",
    ];
    assert!(found.keys().eq(&tags), "{:?}", found.keys());
    let rows = |number: fn(&mixup::training::EpochReport) -> f64| {
        report.epochs.iter().map(|row| (row.epoch as u64 * 4 + 4, number(row) as f32)).collect::<Vec<_>>()
    };
    assert_eq!(scalars(&found, "epoch/train_loss"), rows(|row| row.train_loss));
    assert_eq!(scalars(&found, "epoch/valid_loss"), rows(|row| row.valid_loss.unwrap()));
    assert_eq!(scalars(&found, "epoch/accuracy"), rows(|row| row.metrics[0]));
    assert_eq!(scalars(&found, "epoch/grad_norm"), rows(|row| row.values[0]));
    assert_eq!(scalars(&found, "epoch/lr/bias"), [(4, 0.5), (8, 0.5)]);
    let losses = learn.get_mut::<Recorder>().unwrap().losses().unwrap().to_vec();
    assert_eq!(scalars(&found, "batch/loss"), [2, 4, 6, 8].map(|step| (step, losses[step as usize - 1] as f32)));
    assert_eq!(scalars(&found, "batch/lr/default")[0], (2, 0.25));

    // A sweep writes nothing, and a second training goes on where the first one ended.
    learn.lr_find_with(LrFinder::default().steps(20)).unwrap();
    assert_eq!(files(&runs).len(), 1);
    learn.fit(1, 0.1).unwrap();
    let steps = |tag| scalars(&shown(&runs), tag).into_iter().map(|(step, _)| step).collect::<Vec<_>>();
    assert_eq!((steps("epoch/train_loss"), steps("batch/loss")), (vec![4, 8, 12], vec![2, 4, 6, 8, 10, 12]));

    // Another program's training in the folder is shown instead.
    learner(TensorBoard::in_dir(&runs)).build().unwrap().fit(1, 0.1).unwrap();
    assert_eq!(steps("epoch/train_loss"), [4]);
    assert!(!shown(&runs).contains_key("batch/loss"));
}

#[test]
fn histograms_count_weights_and_gradients() {
    #[derive(Default)]
    struct FirstGradients(Vec<Vec<f64>>);

    #[callback]
    impl FirstGradients {
        #[on(backward_end, first)]
        fn keep(&mut self, gradients: &Gradients) {
            let all = gradients.iter().find(|(name, _)| *name == "weight").unwrap().1;
            self.0.push(crate::numbers::f64s(&all));
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let board = TensorBoard::in_dir(folder.path()).histograms(2);
    let mut learn = learner(board).callback(FirstGradients::default()).build().unwrap();
    learn.fit(3, 0.1).unwrap();
    let found = shown(folder.path());
    let check = |tag: &str, at: usize, step: u64, numbers: &[f64]| {
        let (found_step, value) = &found[tag][at];
        let histogram = field(value, 5).unwrap().bytes();
        // A zero is not written: gradients of two classes may have the sum 0.
        let double = |number| field(histogram, number).map_or(0.0, |field| field.double());
        let [limits, counts] = [6, 7].map(|number| field(histogram, number).unwrap().doubles());
        let (min, max) = numbers.iter().fold((f64::MAX, f64::MIN), |(min, max), it| (min.min(*it), max.max(*it)));
        assert_eq!((*found_step, double(1), double(2), double(3)), (step, min, max, numbers.len() as f64));
        assert!((double(4) - numbers.iter().sum::<f64>()).abs() < 1e-6);
        assert!((double(5) - numbers.iter().map(|it| it * it).sum::<f64>()).abs() < 1e-6);
        assert_eq!((limits.len(), counts.iter().sum::<f64>()), (30, numbers.len() as f64));
        assert!((limits[29] - max).abs() < 1e-12 && limits.is_sorted());
        for number in numbers {
            let bucket = limits.iter().position(|limit| number <= &(limit + 1e-9)).unwrap();
            let near = counts[bucket] + counts.get(bucket + 1).unwrap_or(&0.0);
            assert!(near >= 1.0, "{number} is in no bucket of {limits:?}, {counts:?}");
        }
    };
    let weights: Vec<f64> = numbers(&learn)[..6].iter().map(|it| f64::from(*it)).collect();
    check("weights/weight", 1, 12, &weights); // those at the end of the last epoch
    let gradients = learn.get::<FirstGradients>().unwrap().0.clone();
    check("gradients/weight", 0, 1, &gradients[0]);
    check("gradients/weight", 1, 9, &gradients[2]);
    assert_eq!(
        ["weights/weight", "weights/bias", "gradients/weight", "gradients/bias"].map(|tag| found[tag].len()),
        [2; 4]
    );
}

#[test]
fn numbers_that_are_not_finite_or_all_the_same_make_a_histogram_too() {
    use tch::Tensor;

    #[callback(on_train_begin)]
    fn set(params: &Params) {
        let weight = [f32::NAN, 1.0, 1.0, f32::INFINITY, 1.0, 1.0];
        let (_, tensor) = params.iter().find(|(name, _)| *name == "weight").unwrap();
        tensor.detach().copy_(&Tensor::from_slice(&weight).reshape([3, 2]));
        params.iter().find(|(name, _)| *name == "bias").unwrap().1.detach().copy_(&Tensor::from(f32::NAN));
    }

    #[callback(on_batch_begin)]
    fn skip() -> SkipBatch {
        SkipBatch
    }

    let folder = tempfile::tempdir().unwrap();
    let board = TensorBoard::in_dir(folder.path()).histograms(1);
    on(data(8, 0)).callback(board).callback(set).callback(skip).build().unwrap().fit(1, 0.1).unwrap();
    let found = shown(folder.path());
    let histogram = field(&found["weights/weight"][0].1, 5).unwrap().bytes();
    assert_eq!([6, 7].map(|number| field(histogram, number).unwrap().doubles()), [[1.0], [4.0]]);
    assert!(!found.contains_key("weights/bias"));
}

#[test]
fn pictures_are_those_that_the_model_gets_and_texts_are_written_once() {
    #[derive(Default)]
    struct Sees(Vec<Vec<u8>>);

    #[callback]
    impl Sees {
        #[on(loss_begin, train, first)]
        fn see(&mut self, data: &Data, last_input: &Input, last_target: &Target) -> Result<(), BoxError> {
            self.0.push(data.png(last_input, last_target)?.0);
            Ok(())
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let data = ImageData::digits().unwrap().batch_size(400).build().unwrap();
    let builder = Learner::builder(data, |vs| simple_cnn(vs, &[1, 2, 10])).mixup().callback(Sees::default()).quiet();
    let mut learn = builder.build().unwrap();
    let listing = learn.training_loop().to_string();
    learn.callback(TensorBoard::in_dir(folder.path()).images(1).text("training loop", &listing));
    learn.fit(2, 0.1).unwrap();
    let found = shown(folder.path());
    let pictures = &found["first batch"];
    let seen = learn.get::<Sees>().unwrap().0.clone();
    assert_eq!(pictures.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [1, 5]);
    for ((_, value), seen) in pictures.iter().zip(&seen) {
        let picture = field(value, 4).unwrap().bytes();
        assert!(field(picture, 4).unwrap().bytes() == seen);
        let decoded = image::load_from_memory(seen).unwrap();
        let size = [1, 2].map(|number| field(picture, number).unwrap().whole() as u32);
        assert_eq!(size, [decoded.height(), decoded.width()]);
    }
    learn.fit(1, 0.1).unwrap();
    let texts = &shown(folder.path())["training loop"];
    let [(0, value)] = &texts[..] else { panic!("{} texts", texts.len()) };
    assert_eq!(field(field(value, 8).unwrap().bytes(), 8).unwrap().text(), listing);
    let plugin = field(field(value, 9).unwrap().bytes(), 1).unwrap().bytes();
    assert_eq!(field(plugin, 1).unwrap().text(), "text");
}

#[test]
fn after_a_kill_no_value_is_shown_twice_and_none_is_lost() {
    let build = |folder: &Path, every: usize, fails: usize| {
        let board = TensorBoard::in_dir(folder.join("events")).every_batches(2).histograms(1).text("text", "once");
        let checkpoints = Checkpoints::in_dir(folder).every_batches(every);
        learner(board).callback(FailAt(fails)).checkpoints(checkpoints).build().unwrap()
    };
    let whole = tempfile::tempdir().unwrap();
    build(whole.path(), 100, usize::MAX).fit(3, 0.1).unwrap();
    let wanted = shown(&whole.path().join("events"));
    // Every three batches: in an epoch. Every four: in front of the validation, before the numbers of the epoch are written.
    for (every, fails) in [3, 4, 1].into_iter().flat_map(|every| (every + 1..12).map(move |fails| (every, fails))) {
        let cut = tempfile::tempdir().unwrap();
        build(cut.path(), every, fails).fit(3, 0.1).unwrap_err();
        let events = cut.path().join("events");
        let [first] = &files(&events)[..] else { panic!("several files") };
        let mut file = fs::read(first).unwrap();
        file.extend_from_within(..20); // a kill in the middle of a write
        fs::write(first, file).unwrap();
        build(cut.path(), every, usize::MAX).resume().unwrap();
        assert_eq!(files(&events).len(), 2);
        assert!(shown(&events) == wanted, "a checkpoint every {every} batches, killed before {fails}");
    }
}

#[test]
fn the_picture_of_an_epoch_of_one_batch_is_shown_after_a_kill_in_its_validation() {
    struct FailsAfter {
        left: usize,
    }

    #[callback(stateless)]
    impl FailsAfter {
        #[on(batch_end, valid)]
        fn fail(&mut self) -> Result<(), BoxError> {
            self.left = self.left.wrapping_sub(1);
            if self.left == 0 { Err("the power is out".into()) } else { Ok(()) }
        }
    }

    let digits = ImageData::digits().unwrap().build().unwrap();
    let part = |loader: &mixup::data::Loader| {
        let all = loader.all().unwrap();
        TensorDataset::new(all.input.one().unwrap(), all.target.tensor()).unwrap()
    };
    let build = |folder: &Path, fails: usize| {
        let board = TensorBoard::in_dir(folder.join("events")).every_batches(1).histograms(1).images(1);
        let data = Data::builder(part(digits.train())).valid(part(digits.valid().unwrap())).batch_size(1500);
        let data = data.valid_batch_size(100).build().unwrap();
        assert_eq!((data.train().batches(), data.valid().unwrap().batches()), (Some(1), Some(4)));
        let builder = Learner::builder(data, |vs| simple_cnn(vs, &[1, 2, 10])).mixup().callback(board).quiet();
        let checkpoints = Checkpoints::in_dir(folder).every(std::time::Duration::ZERO);
        builder.callback(FailsAfter { left: fails }).checkpoints(checkpoints).build().unwrap()
    };
    let whole = tempfile::tempdir().unwrap();
    build(whole.path(), 0).fit(2, 0.1).unwrap();
    let wanted = shown(&whole.path().join("events"));
    for tag in ["first batch", "gradients/0.weight", "batch/loss", "epoch/valid_loss"] {
        assert_eq!(wanted[tag].iter().map(|(step, _)| *step).collect::<Vec<_>>(), [1, 2], "{tag}");
    }
    for fails in 1..=8 {
        let cut = tempfile::tempdir().unwrap();
        build(cut.path(), fails).fit(2, 0.1).unwrap_err();
        build(cut.path(), 0).resume().unwrap();
        assert!(shown(&cut.path().join("events")) == wanted, "killed after {fails} batches of validations");
    }
}

#[test]
fn tensor_board_goes_on_after_a_break_with_mixup() {
    let folder = tempfile::tempdir().unwrap();
    let board = || TensorBoard::in_dir(folder.path()).every_batches(3).histograms(1);
    resumes(|| Ok(learner(board()).validate_every(3).build()?), 2, 0.1);
}

#[test]
fn a_folder_that_can_not_be_created_is_an_error_that_names_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = learner(TensorBoard::in_dir(file.path())).build().unwrap().fit(1, 0.1).unwrap_err().to_string();
    assert!(error.starts_with("callback `TensorBoard`, hook `on_train_begin`"), "{error}");
    assert!(error.contains(&format!("the folder `{}` can't be created", file.path().display())), "{error}");
}

/// `PYTHON=path/to/python cargo test --test everyday -- --ignored own_reader`, with TensorBoard installed there. The files are left in
/// `target/tmp/tensor_board`, for a look at them in TensorBoard itself.
#[test]
#[ignore = "needs a Python with TensorBoard"]
fn tensorboards_own_reader_finds_the_same() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tensor_board");
    let _ = fs::remove_dir_all(&folder);
    let build = |run: &str, fails: usize| {
        let board = TensorBoard::in_dir(folder.join(run)).every_batches(5).histograms(1).images(1);
        let checkpoints = Checkpoints::in_dir(folder.join("checkpoints").join(run)).every_batches(23);
        let builder =
            Learner::builder(ImageData::digits().unwrap().build().unwrap(), |vs| simple_cnn(vs, &[1, 16, 10]));
        let builder = builder.mixup().metric(accuracy).callback(GradNorm).callback(FailAt(fails)).quiet();
        let mut learn = builder.checkpoints(checkpoints).build().unwrap();
        let listing = format!("```text\n{}\n```", learn.training_loop());
        learn.callback(board.text("training loop", listing));
        learn
    };
    build("whole", usize::MAX).fit_one_cycle(5, 1e-2).unwrap();
    build("killed", 80).fit_one_cycle(5, 1e-2).unwrap_err();
    build("killed", usize::MAX).resume().unwrap();

    for run in ["whole", "killed"] {
        let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let output = std::process::Command::new(python).args(["-c", READER]).arg(folder.join(run)).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let theirs: BTreeMap<String, BTreeMap<String, Vec<Vec<serde_json::Value>>>> =
            serde_json::from_slice(&output.stdout).unwrap();
        let ours = shown(&folder.join(run));
        assert_eq!(theirs.values().map(BTreeMap::len).sum::<usize>(), ours.len());
        // `serde_json` reads an `f64` to the last bit but one.
        let near = |it: &serde_json::Value| it.as_f64().unwrap() as f32;
        for (tag, found) in &theirs["scalars"] {
            let found = found.iter().map(|it| (it[0].as_u64().unwrap(), near(&it[1])));
            assert_eq!(found.collect::<Vec<_>>(), scalars(&ours, tag), "{run}, {tag}");
        }
        for (tag, found) in &theirs["histograms"] {
            for (found, (step, value)) in found.iter().zip(&ours[tag]) {
                let histogram = field(value, 5).unwrap().bytes();
                // A field that is 0 is not written.
                let [num, min, max] = [3, 1, 2].map(|it| field(histogram, it).map_or(0.0, |it| it.double()));
                let counts: f64 = field(histogram, 7).unwrap().doubles().iter().sum();
                let wanted = [*step as f64, num, min, max, counts].map(|it| it as f32);
                assert_eq!(found.iter().map(near).collect::<Vec<_>>(), wanted, "{run}, {tag}");
            }
        }
        let steps =
            |kind: &str, tag: &str| theirs[kind][tag].iter().map(|it| it[0].as_u64().unwrap()).collect::<Vec<_>>();
        assert_eq!(steps("images", "first batch"), [1, 24, 47, 70, 93]);
        assert!(theirs["histograms"].values().all(|found| found.len() == 5));
        assert!(theirs["texts"]["training loop"][0][1].as_str().unwrap().contains("on_train_begin"));
    }
}

/// Prints what TensorBoard's own reader finds in a folder, as JSON.
const READER: &str = r#"
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance=dict(scalars=0, histograms=0, images=0, tensors=0))
events.Reload()
tags = events.Tags()
def histogram(e):
    it = e.histogram_value
    return [e.step, it.num, it.min, it.max, sum(it.bucket)]
print(json.dumps(dict(
    scalars={tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags["scalars"]},
    histograms={tag: [histogram(e) for e in events.Histograms(tag)] for tag in tags["histograms"]},
    images={tag: [[e.step, e.width, e.height] for e in events.Images(tag)] for tag in tags["images"]},
    texts={tag: [[e.step, e.tensor_proto.string_val[0].decode()] for e in events.Tensors(tag)] for tag in tags["tensors"]},
)))
"#;
