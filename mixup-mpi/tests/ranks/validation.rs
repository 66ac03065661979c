//! What ranks measure together is what one process measures.

use std::{fs, path::Path};

use mixup::{metrics::Metric, model::Vars, prelude::*};
use mixup_mpi::{Mpi, Parallel as _};
use tch::{Tensor, nn};

use crate::{
    parts::{data, on},
    run::on_ranks,
};

/// Rows of an epoch's numbers: the validation loss, then the metrics.
fn measured(builder: mixup::learner::LearnerBuilder<impl Model<Output = Tensor>>, mpi: Option<&Mpi>) -> Vec<Vec<f64>> {
    let builder = builder
        .metric(accuracy)
        .metric(RocAuc::default())
        .metric(FBeta::f1(Average::Macro))
        .metric(Perplexity::default())
        .validate_every(3);
    let builder = match mpi {
        Some(mpi) => builder.data_parallel(mpi),
        None => builder,
    };
    let mut learn = builder.build().expect("it fits");
    let report = learn.fit(2, 1e-2).expect("nothing is wrong");
    report.epochs.iter().map(|row| [&[row.valid_loss.expect("a validation")], &row.metrics[..]].concat()).collect()
}

fn write(folder: &Path, name: &str, rows: &[Vec<f64>]) {
    let rows = rows.iter().map(|row| row.iter().map(|number| format!("{number:?}")).collect::<Vec<_>>().join(" "));
    fs::write(folder.join(name), rows.collect::<Vec<_>>().join("\n")).expect("it can be written");
}

fn rows(text: &str) -> Vec<Vec<f64>> {
    let row = |line: &str| line.split(' ').map(|number| number.parse().expect("a number")).collect();
    text.lines().map(row).collect()
}

/// Validation items that divide evenly, that do not, and fewer than ranks.
const VALID: [i64; 3] = [24, 23, 1];

#[test]
fn losses_and_metrics_of_the_divided_validation_are_those_of_one_process() {
    const NAME: &str = "validation::losses_and_metrics_of_the_divided_validation_are_those_of_one_process";
    let train = |mpi: &Mpi, folder: &Path| {
        for valid in VALID {
            let found = measured(on(data(32, valid, 4)), Some(mpi));
            write(folder, &format!("{valid}.rank{}", mpi.rank()), &found);
        }
    };
    let Some(ran) = on_ranks(NAME, 2, train) else { return };
    let ran = ran.succeeded();
    for valid in VALID {
        let [first, second] = [0, 1].map(|rank| ran.read(&format!("{valid}.rank{rank}")));
        assert_eq!(first, second, "{valid}: both ranks have the same bits");
        let alone = measured(on(data(32, valid, 8)), None);
        for (row, (found, alone)) in rows(&first).iter().zip(&alone).enumerate() {
            for (found, alone) in found.iter().zip(alone) {
                let near = (found - alone).abs() < 1e-6 || (found.is_nan() && alone.is_nan());
                assert!(near, "{valid} items, epoch {row}: {found}, and {alone} in one process");
            }
        }
    }
}

/// A metric of the whole set that can't be joined.
#[derive(Default)]
struct Unjoined(f64);

impl OverSet for Unjoined {
    fn push(&mut self, _: &Tensor, target: &Target) -> Result<(), BoxError> {
        self.0 += target.items() as f64;
        Ok(())
    }

    fn value(&mut self) -> Result<Tensor, BoxError> {
        Ok(Tensor::from(self.0))
    }

    fn reset(&mut self) {
        self.0 = 0.0;
    }
}

impl Stateful for Unjoined {
    fn save(&self) -> Result<State, StateError> {
        State::of_data(&self.0)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.0 = state.data()?;
        Ok(())
    }
}

impl Metric for Unjoined {
    fn over_set(&mut self) -> Option<&mut dyn OverSet> {
        Some(self)
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}

#[test]
fn a_metric_that_can_not_be_joined_is_an_error_that_says_what_to_implement() {
    const NAME: &str = "validation::a_metric_that_can_not_be_joined_is_an_error_that_says_what_to_implement";
    let train = |mpi: &Mpi, _: &Path| {
        let builder = on(data(16, 8, 4)).metric(Unjoined::default()).data_parallel(mpi);
        let error = builder.build().expect("it fits").fit(1, 1e-2).expect_err("it can't be joined").to_string();
        assert!(error.starts_with("the metric `Unjoined`") && error.contains("implement `OverSet::merge`"), "{error}");
    };
    if let Some(ran) = on_ranks(NAME, 2, train) {
        ran.succeeded();
    }
}

#[test]
fn all_ranks_validate_with_the_statistics_of_the_first_one() {
    const NAME: &str = "validation::all_ranks_validate_with_the_statistics_of_the_first_one";
    let train = |mpi: &Mpi, folder: &Path| {
        let model = |vs: &Vars<'_>| {
            nn::seq_t()
                .add_fn(|x| x.flatten(1, -1))
                .add(nn::batch_norm1d(vs / "norm", 36, nn::BatchNormConfig::default()))
                .add(nn::linear(vs / "last", 36, 3, nn::LinearConfig::default()))
        };
        let builder = Learner::builder(data(32, 24, 4), model).quiet().data_parallel(mpi);
        let mut learn = builder.build().expect("it fits");
        learn.fit(2, 1e-2).expect("nothing is wrong");
        let variables = learn.params().variables();
        let shown: Vec<_> = variables
            .iter()
            .map(|(name, tensor)| format!("{name} {:?}", Vec::<f32>::try_from(tensor.flatten(0, -1))))
            .collect();
        fs::write(folder.join(format!("rank{}", mpi.rank())), shown.join("\n")).expect("it can be written");
    };
    let Some(ran) = on_ranks(NAME, 2, train) else { return };
    let ran = ran.succeeded();
    assert!(ran.read("rank0").contains("norm.running_mean"));
    assert_eq!(ran.read("rank0"), ran.read("rank1"));
}
