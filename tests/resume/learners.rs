//! Optimizers, models, mixing and data.

use mixup::{batch::Batch, data::Stream, learner::LearnerBuilder, model::Vars, prelude::*};
use tch::{Kind, Tensor, nn};

use super::{
    resumes,
    support::{data, items, number_is_state, on, series},
};

#[test]
fn a_training_resumes_at_every_position() {
    // Before each of four training batches and two validation batches of two epochs, and after each epoch.
    assert_eq!(resumes(|| Ok(on(data(16, 7)).metric(accuracy).build()?), 2), 14);
}

/// A network with all that a training changes: batch norm, dropout, a parameter that is not used, a layer that can be frozen.
struct Everything {
    first: nn::Linear,
    norm: nn::BatchNorm,
    last: nn::Linear,
    _unused: Tensor,
}

impl Everything {
    fn new(vs: &Vars<'_>) -> Self {
        tch::set_num_threads(1);
        Self {
            first: nn::linear(vs / "first", 3, 6, nn::LinearConfig::default()),
            norm: nn::batch_norm1d(vs / "norm", 6, nn::BatchNormConfig::default()),
            last: nn::linear(vs / "last", 6, 2, nn::LinearConfig::default()),
            _unused: vs.path().var_copy("unused", &series(2, 0.3)),
        }
    }
}

impl Model for Everything {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, train: bool) -> Result<Tensor, BoxError> {
        let hidden = input.one()?.apply(&self.first).apply_t(&self.norm, train).relu().f_dropout(0.3, train)?;
        Ok(hidden.apply(&self.last))
    }
}

fn everything() -> LearnerBuilder<Everything> {
    let data = Data::builder(items(8)).valid(items(4)).batch_size(4).shuffle(true).build().expect("there are items");
    Learner::builder(data, Everything::new).metric(accuracy).group("first", |name, _| name.starts_with("first")).quiet()
}

/// Takes a step after every third batch.
struct Accumulate;

#[callback]
impl Accumulate {
    #[on(backward_end, if = !(iteration + 1).is_multiple_of(3))]
    fn wait() -> SkipStep {
        SkipStep
    }

    #[on(step_end, if = !(iteration + 1).is_multiple_of(3))]
    fn keep() -> KeepGradients {
        KeepGradients
    }
}

fn with_all_variants(opt: impl Fn(LearnerBuilder<Everything>) -> LearnerBuilder<Everything>) {
    for mixing in 0..3 {
        for accumulated in [false, true] {
            for frozen in [false, true] {
                resumes(
                    || {
                        let builder = match mixing {
                            0 => opt(everything()),
                            1 => opt(everything()).callback(MixUp::default()),
                            _ => opt(everything()).callback(CutMixOfRows),
                        };
                        let builder = if accumulated { builder.callback(Accumulate) } else { builder };
                        let learn = builder.build()?;
                        if frozen {
                            learn.params().freeze("first")?;
                        }
                        Ok(learn)
                    },
                    2,
                );
            }
        }
    }
}

/// CutMix wants images; this one swaps the first feature, which is as random.
struct CutMixOfRows;

#[callback]
impl CutMixOfRows {
    #[on(batch_begin, train)]
    fn swap(last_input: &mut Input, rng: &mut Rng) -> Result<(), BoxError> {
        let shift: i64 = rng.random_range(0..4);
        let input = last_input.make_mut()?;
        let rolled = input.roll([shift], [0]);
        input.narrow(1, 0, 1).copy_(&rolled.narrow(1, 0, 1));
        Ok(())
    }
}

#[test]
fn adamw_resumes_with_mixing_accumulation_and_a_frozen_group() {
    with_all_variants(|builder| builder.optimizer(AdamW::default()));
}

#[test]
fn adam_resumes_with_mixing_accumulation_and_a_frozen_group() {
    with_all_variants(|builder| builder.optimizer(Adam::default().wd(0.1)));
}

#[test]
fn sgd_with_momentum_resumes_with_mixing_accumulation_and_a_frozen_group() {
    with_all_variants(|builder| builder.optimizer(Sgd::default().momentum(0.9).wd(0.1)));
}

#[test]
fn rmsprop_resumes_with_mixing_accumulation_and_a_frozen_group() {
    with_all_variants(|builder| builder.optimizer(RmsProp::default().momentum(0.9)));
}

#[test]
fn several_optimizers_resume() {
    with_all_variants(|builder| builder.optimizer_for("first", Sgd::default().momentum(0.5)));
}

#[test]
fn cutmix_resumes_on_images() {
    let build = || {
        let images = TensorDataset::new(
            series(8 * 64, 0.7).reshape([8, 1, 8, 8]),
            Tensor::arange(8, (Kind::Int64, tch::Device::Cpu)).remainder(2),
        )?;
        let data = Data::builder(images).batch_size(4).build()?;
        Ok(Learner::builder(data, |vs| simple_cnn(vs, &[1, 4, 2])).callback(CutMix::default()).quiet().build()?)
    };
    assert_eq!(resumes(build, 2), 6);
}

#[test]
fn a_training_resumes_in_a_validation_between_two_batches() {
    // Two training batches and a validation batch after each, and one at the end; and the end of the epoch.
    assert_eq!(resumes(|| Ok(everything().validate_every(1).build()?), 2), 2 * (2 + 2 + 1 + 1));
}

/// Counts on, and ends after ten batches.
struct Counter(i64);

impl Stream for Counter {
    fn next(&mut self, rng: &mut Rng) -> Result<Option<Batch>, DataError> {
        self.0 += 1;
        if self.0 > 10 {
            return Ok(None);
        }
        let noise: f64 = rng.random();
        let input = series(12, 0.1 * self.0 as f64 + noise).reshape([4, 3]);
        Ok(Some(Batch { input: input.into(), target: Target::Classes(Tensor::from_slice(&[0_i64, 1, 0, 1])) }))
    }
}

number_is_state!(Counter);

#[test]
fn a_stream_goes_on_where_it_stood() {
    let build = || {
        let data = Data::stream(Counter(0)).batches_per_epoch(3).build()?;
        Ok(on(data).build()?)
    };
    assert_eq!(resumes(build, 3), 3 * 4);
}

/// Leaves out items at random, as many as it likes.
#[derive(Debug)]
struct SomeOf;

impl Sampler for SomeOf {
    fn order(&mut self, items: usize, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
        Ok((0..items).filter(|_| rng.random_bool(0.7)).collect())
    }

    fn len(&self, items: usize) -> usize {
        items
    }
}

/// Replaces the sampler in the first epoch only.
struct Resample;

#[callback]
impl Resample {
    fn on_train_begin(sampler: &mut Sampling) {
        sampler.set(SomeOf);
    }
}

#[test]
fn the_order_of_an_epoch_is_saved_and_not_drawn_again() {
    resumes(|| Ok(everything().callback(Resample).build()?), 3);
}
