//! Interpretations and plots: what they say, and that the files have it.

use std::path::Path;

use image::Rgb;
use mixup::{
    learner::InterpretError,
    optim::Length,
    plots::{Chart, Matrix, PlotError},
    prelude::*,
};
use tch::{Device, Kind, Tensor, nn};

use super::support::{data, on};

type Outcome = Result<(), BoxError>;

/// Scores for six items and what is right: three of class 0, of which two are taken for 1; one of class 1 taken for 2; two right ones.
fn scored() -> Result<Learner, BoxError> {
    let scores: [[f32; 3]; 6] =
        [[0.0, 4.0, 0.0], [0.0, 1.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 3.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]];
    let scores = Tensor::from_slice2(&scores);
    let right = Tensor::from_slice(&[0_i64, 0, 0, 1, 1, 2]);
    let part = || TensorDataset::new(&scores, &right);
    let data = Data::builder(part()?).valid(part()?).classes(["cat", "dog", "fish"]).batch_size(4).build()?;
    // The model returns its input; a learner needs a parameter.
    let model = |vs: &mixup::model::Vars<'_>| {
        let scale = (vs / "scale").ones("one", &[1]);
        nn::func(move |input| input * &scale)
    };
    Ok(Learner::builder(data, model).quiet().build()?)
}

#[test]
fn an_interpretation_counts_confusions_and_finds_the_largest_losses() -> Outcome {
    let found = scored()?.interpret()?;
    assert_eq!(found.confusion_matrix(), [[1, 2, 0], [0, 1, 1], [0, 0, 1]]);
    let confused = |at_least| found.most_confused(at_least).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(confused(1), ["cat taken for dog: 2 times", "dog taken for fish: 1 time"]);
    assert_eq!(confused(2), ["cat taken for dog: 2 times"]);
    let top = found.top_losses(2);
    // −log softmax: log(2 + e⁴) − 0, log(2 + e³) − 0.
    let by_hand = [(0, (2.0 + 4.0_f64.exp()).ln()), (3, (2.0 + 3.0_f64.exp()).ln())];
    for (item, (place, loss)) in top.iter().zip(by_hand) {
        assert_eq!(item.item, place);
        assert!((item.loss - loss).abs() < 1e-5, "{} and {loss}", item.loss);
    }
    let probability = 4.0_f64.exp() / (2.0 + 4.0_f64.exp());
    assert_eq!(top[0].to_string(), format!("item 0: cat, predicted dog ({probability:.3}), loss {:.2}", by_hand[0].1));
    assert_eq!(found.items().len(), 6);
    Ok(())
}

#[test]
fn what_has_no_classes_is_refused_in_a_sentence() -> Outcome {
    let numbers = || {
        TensorDataset::new(
            Tensor::ones([8, 3], (Kind::Float, Device::Cpu)),
            Tensor::ones([8, 2], (Kind::Float, Device::Cpu)),
        )
    };
    let dense = Data::builder(numbers()?).valid(numbers()?).batch_size(4).build()?;
    let mut learn = on(dense).loss(Mse).build()?;
    let error = learn.interpret().expect_err("the targets are numbers");
    assert!(matches!(error, InterpretError::Targets { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "an interpretation needs a class index for each item, and the targets are dense values: compare `learn.predictions()` with them yourself"
    );
    let error = scored()?.interpret_on(Part::Test).expect_err("there is no test part");
    assert!(matches!(error, InterpretError::Run(_)), "{error}");
    let (found, folder) = (scored()?.interpret()?, tempfile::tempdir()?);
    let error = found.show_top_losses(scored()?.data(), 2, folder.path().join("x.png")).expect_err("no pictures");
    assert!(error.to_string().contains("pictures"), "{error}");
    Ok(())
}

#[test]
fn the_largest_losses_are_drawn_with_their_pictures() -> Outcome {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("top.png");
    let mut learn =
        Learner::builder(ImageData::digits()?.build()?, |vs| simple_cnn(vs, &[1, 8, 10])).quiet().build()?;
    learn.fit(1, 1e-3)?;
    let found = learn.interpret()?;
    assert_eq!(found.confusion_matrix().iter().flatten().sum::<i64>(), 360);
    found.show_top_losses(learn.data(), 9, &file)?;
    let drawn = image::open(&file)?.to_rgb8();
    assert!(drawn.pixels().any(|pixel| *pixel == Rgb([200, 0, 0])), "a wrong prediction is red");
    Ok(())
}

/// How many pixels of a PNG have a colour.
fn pixels(file: &Path, colour: [u8; 3]) -> Result<usize, BoxError> {
    Ok(image::open(file)?.to_rgb8().pixels().filter(|pixel| pixel.0 == colour).count())
}

#[test]
fn a_chart_is_a_png_or_an_svg_by_the_ending_of_the_file() -> Outcome {
    let folder = tempfile::tempdir()?;
    let chart = Chart::new("time (s)", "loss").title("two lines").numbers("one", &[3.0, 2.0, f64::NAN, 1.0]);
    let chart = chart.line("other", [(0.0, 1.0), (3.0, f64::INFINITY), (3.0, 2.5)]);
    let (png, svg) = (folder.path().join("x.PNG"), folder.path().join("x.svg"));
    chart.save(&png)?;
    chart.save(&svg)?;
    assert!(pixels(&png, [0, 114, 178])? > 100, "the first line is blue");
    assert!(pixels(&png, [213, 94, 0])? > 100, "the second one is orange");
    let text = std::fs::read_to_string(&svg)?;
    for word in ["two lines", "time (s)", "loss", "one", "other"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    Ok(())
}

#[test]
fn what_can_t_be_plotted_is_said_and_writes_nothing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (none, other) = (folder.path().join("none.svg"), folder.path().join("x.pdf"));
    let error = Chart::new("x", "loss").numbers("all", &[f64::NAN]).save(&none).expect_err("no number");
    assert_eq!(error.to_string(), "there is nothing to plot yet: no number of `loss` is finite");
    let error = Matrix::new(["a"], vec![vec![1]]).save(&other).expect_err("a PDF");
    assert!(matches!(error, PlotError::Ending { .. }));
    assert!(error.to_string().ends_with("is neither a PNG nor an SVG: end the file's name in `.png` or `.svg`"));
    let nowhere = folder.path().join("no/folder.png");
    let error = Matrix::new(["a"], vec![vec![1]]).save(nowhere).expect_err("no such folder");
    assert!(matches!(error, PlotError::Write { .. }), "{error}");
    assert_eq!(std::fs::read_dir(&folder)?.count(), 0);
    Ok(())
}

#[test]
fn a_training_s_numbers_are_plotted_from_where_they_are() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut learn = on(data(16, 8)).metric(accuracy).callback(Recorder::default()).build()?;
    let report = learn.fit_one_cycle(3, 0.1)?;
    let recorder = learn.get_mut::<Recorder>().ok_or("it was added")?;
    let batches = recorder.losses()?.to_vec();
    assert_eq!(
        recorder.plot_lr(),
        Chart::new("training batch", "learning rate").numbers("learning rate", recorder.lrs())
    );
    let losses = recorder.plot_losses()?;
    let smoothed = batches[0]; // the first mean is the first loss
    let begin = Chart::new("training batch", "loss").numbers("each batch", &batches);
    assert!(format!("{losses:?}").contains(&format!("(0.0, {smoothed:?})")));
    assert_ne!(losses, begin);
    let last = report.epochs.last().ok_or("three epochs")?.train_loss;
    assert!(format!("{losses:?}").contains(&format!("({}.0, {last:?})", batches.len() - 1)), "it ends as the table");
    let valid = report.epochs.iter().map(|epoch| (epoch.epoch as f64, epoch.valid_loss.unwrap_or(f64::NAN)));
    let train = report.epochs.iter().map(|epoch| (epoch.epoch as f64, epoch.train_loss));
    assert_eq!(
        report.plot_losses(),
        Chart::new("epoch", "loss").line("training, smoothed", train).line("validation", valid)
    );
    let metrics = report.epochs.iter().map(|epoch| (epoch.epoch as f64, epoch.metrics[0]));
    assert_eq!(report.plot_metrics(), Chart::new("epoch", "accuracy").line("accuracy", metrics));
    let schedule = Schedule::cosine(1.0, 0.0);
    assert_eq!(
        schedule.plot(Length::new(1, 4))?,
        Chart::new("step of the optimizer", "factor or momentum")
            .numbers("schedule", &schedule.values(Length::new(1, 4))?)
    );
    let found = learn.lr_find()?;
    for (name, chart) in [("losses", losses), ("metrics", report.plot_metrics()), ("rates", found.plot())] {
        chart.save(folder.path().join(name).with_extension("png"))?;
    }
    Ok(())
}

#[test]
fn a_matrix_shades_the_share_of_each_row_and_names_both_axes() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (png, svg) = (folder.path().join("m.png"), folder.path().join("m.svg"));
    let matrix = Matrix::new(["cat", "dog"], vec![vec![4, 0], vec![3, 1]]);
    matrix.save(&png)?;
    matrix.save(&svg)?;
    // A whole row in one square is the darkest colour, an empty one is white.
    let dark = pixels(&png, [8, 81, 156])?;
    assert!((3000..6000).contains(&dark), "{dark} pixels of one square");
    let text = std::fs::read_to_string(&svg)?;
    for word in ["cat", "dog", "actual", "predicted", ">\n4\n<", ">\n3\n<"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    Ok(())
}
