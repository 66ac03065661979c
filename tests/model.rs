//! Compares `simple_cnn` with the same network by hand; parameters and gradients by name.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "small counts become numbers; what must be the same to the bit is compared so"
)]

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use mixup::{
    batch::InputError,
    error::BoxError,
    model::{SimpleCnnError, Vars},
    prelude::*,
    training::Error,
};
use tch::{Device, Kind, Tensor, nn};

mod numbers;
use numbers::{assert_close, classes, f64s, prepared, random};

/// A learner for images of `[n, channels, h, w]`.
fn cnn(channels: &'static [i64], seed: u64) -> Learner {
    let data = prepared(&[(random(&[4, 3, 8, 8], Kind::Float, 1), Target::from(classes(&[4], 2, 2)))]);
    let builder = Learner::builder(data.expect("whole batches"), |vars| simple_cnn(vars, channels));
    builder.seed(seed).quiet().build().expect("a learner")
}

fn forward(learn: &Learner, images: &Tensor) -> Tensor {
    learn
        .model()
        .forward_any(&Input::from(images.shallow_clone()), false)
        .and_then(|output| Ok(output.into()?))
        .expect("images")
}

#[test]
fn images_of_any_size_have_an_output_for_each_class() {
    let learn = cnn(&[3, 16, 16, 2], 0);
    for size in [[64, 3, 28, 28], [5, 3, 8, 8], [2, 3, 5, 7], [1, 3, 1, 1]] {
        assert_eq!(forward(&learn, &random(&size, Kind::Float, 1)).size(), [size[0], 2]);
    }
}

#[test]
fn simple_cnn_equals_the_network_written_by_hand() {
    let learn = cnn(&[3, 8, 4, 2], 1);
    let params: Vec<Tensor> = learn.params().iter().map(|(_, tensor)| tensor.detach()).collect();
    // If the biases were zero, the test would not notice them.
    for (seed, tensor) in (0..).zip(&params) {
        tensor.shallow_clone().copy_(&random(&tensor.size(), Kind::Float, seed));
    }
    for size in [[3, 3, 28, 28], [2, 3, 8, 8], [2, 3, 5, 7]] {
        let images = random(&size, Kind::Float, 9);
        let mut x = images.to_kind(Kind::Double);
        for layer in params.chunks(2) {
            let [weight, bias] = [0, 1].map(|at| layer[at].to_kind(Kind::Double));
            x = x.conv2d(&weight, Some(&bias), 2, 1, 1, 1).relu();
        }
        let want = x.mean_dim(&[2, 3][..], false, Kind::Double);
        assert_close(&format!("{size:?}"), &f64s(&forward(&learn, &images)), &f64s(&want), 1e-5, 1.0);
    }
}

#[test]
fn a_relu_follows_the_last_layer_too() {
    let learn = cnn(&[3, 8, 6], 1);
    let outputs = f64s(&forward(&learn, &random(&[64, 3, 4, 4], Kind::Float, 1)));
    assert!(outputs.iter().all(|&output| output >= 0.0));
    assert!(outputs.iter().any(|&output| output > 0.0));
}

#[test]
fn each_layer_has_a_weight_and_a_bias_by_name() {
    let learn = cnn(&[3, 16, 16, 2], 0);
    let names: Vec<&str> = learn.params().iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"]);
    let shapes: Vec<Vec<i64>> = learn.params().iter().map(|(_, tensor)| tensor.size()).collect();
    assert_eq!(shapes[2..4], [vec![16, 16, 3, 3], vec![16]]);
    assert_eq!(learn.params().len(), 6);
    assert!(!learn.params().is_empty());
    assert_eq!(learn.params().numel(), (3 * 9 + 1) * 16 + (16 * 9 + 1) * 16 + (16 * 9 + 1) * 2);
}

#[test]
fn weights_are_kaiming_normal_and_biases_zero() {
    for (name, tensor) in cnn(&[3, 64, 128, 2], 3).params().iter() {
        let numbers = f64s(tensor);
        if name.ends_with("bias") {
            assert!(numbers.iter().all(|&bias| bias == 0.0), "{name}");
            continue;
        }
        let (count, fan_in) = (numbers.len() as f64, (tensor.size()[1] * 9) as f64);
        let moment = |power| numbers.iter().map(|x| x.powi(power)).sum::<f64>() / count;
        let variance = 2.0 / fan_in;
        assert!(moment(1).abs() < 4.0 * (variance / count).sqrt(), "{name}: a mean of {}", moment(1));
        let (got, error) = (moment(2), variance * (2.0 / count).sqrt());
        assert!((got - variance).abs() < 4.0 * error, "{name}: a variance of {got} instead of {variance} ± {error}");
        let (got, error) = (moment(4) / variance.powi(2), (96.0 / count).sqrt());
        assert!((got - 3.0).abs() < 4.0 * error, "{name}: a fourth moment of {got} σ⁴ instead of 3 ± {error}");
    }
}

#[test]
fn the_same_seed_draws_the_same_weights_and_no_two_layers_share_them() {
    let weights = |seed| -> Vec<Vec<f64>> {
        cnn(&[3, 3, 3, 3], seed)
            .params()
            .iter()
            .filter(|(name, _)| name.ends_with("weight"))
            .map(|(_, w)| f64s(w))
            .collect()
    };
    assert_eq!(weights(1), weights(1));
    assert_ne!(weights(1), weights(2));
    let layers = weights(1);
    assert!(layers[0] != layers[1] && layers[1] != layers[2] && layers[0] != layers[2]);
}

#[test]
fn the_error_for_images_that_the_network_was_not_built_for_names_their_shape() {
    let learn = cnn(&[3, 4, 2], 0);
    for size in [vec![2, 1, 8, 8], vec![3, 8, 8], vec![2, 3, 8, 8, 1], vec![]] {
        let input = Input::from(Tensor::zeros(&size, (Kind::Float, Device::Cpu)));
        let error = learn.model().forward_any(&input, true).expect_err("no such images");
        let wanted = InputError::Shape { wanted: "images of the shape [n, 3, h, w]".to_owned(), got: size };
        assert_eq!(error.downcast_ref(), Some(&wanted));
    }
    let several = Input::Tensors(vec![random(&[2, 3, 8, 8], Kind::Float, 1), random(&[2, 3, 8, 8], Kind::Float, 2)]);
    let error = learn.model().forward_any(&several, true).expect_err("two tensors");
    assert_eq!(error.downcast_ref(), Some(&InputError::Several { tensors: 2 }));
}

#[test]
fn channels_that_do_not_make_a_network_are_rejected_at_the_first_batch() {
    for channels in [&[][..], &[3], &[3, 0], &[0, 2], &[3, -1, 2]] {
        let error = cnn(channels, 0).fit(1, 0.1).expect_err("no such network");
        let Error::Model { source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.downcast_ref(), Some(&SimpleCnnError { channels: channels.to_vec() }));
        assert!(error.to_string().contains(&format!("the channels {channels:?}")), "{error}");
    }
}

/// Parameters that are not created in alphabetical order, one that the loss does not depend on, and a buffer.
struct Made {
    weight: Tensor,
    bias: Tensor,
}

impl Made {
    fn new(vars: &Vars<'_>) -> Self {
        let deep = vars / "z" / "deep";
        let weight = deep.var_copy("weight", &random(&[2, 3], Kind::Float, 1));
        let _ = vars.path().zeros_no_train("mean", &[5]);
        let _ = vars.path().ones("idle", &[4]);
        Self { weight, bias: vars.path().var("a", &[2], nn::Init::Const(0.5)) }
    }
}

impl Model for Made {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, _train: bool) -> Result<Tensor, BoxError> {
        Ok(input.one()?.f_linear(&self.weight, Some(&self.bias))?)
    }
}

fn made() -> Learner {
    let data = prepared(&[(random(&[4, 3], Kind::Float, 1), Target::Dense(random(&[4, 2], Kind::Float, 2)))]);
    let builder = Learner::builder(data.expect("whole batches"), Made::new).loss(Mse).optimizer(Sgd::default());
    builder.quiet().build().expect("a learner")
}

#[test]
fn parameters_are_in_the_order_in_which_the_model_created_them_without_buffers() {
    let learn = made();
    let names: Vec<&str> = learn.params().iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["z.deep.weight", "idle", "a"]);
    assert_eq!((learn.params().len(), learn.params().numel()), (3, 12));
    assert_eq!(learn.params().var_store().variables().len(), 4, "the buffer is in the `VarStore`");
}

/// Passes the gradients to a closure.
struct Look<F>(F);

#[callback]
impl<F: FnMut(&Gradients, &Params) + Send + 'static> Look<F> {
    fn on_backward_end(&mut self, gradients: &Gradients, params: &Params) {
        (self.0)(gradients, params);
    }
}

/// Runs the closure on the gradients of one batch.
fn look(look: impl FnMut(&Gradients, &Params) + Send + 'static) {
    let mut learn = made();
    let looked = Arc::new(AtomicBool::new(false));
    let (mut look, seen) = (look, looked.clone());
    learn.callback(Look(move |gradients: &Gradients, params: &Params| {
        look(gradients, params);
        seen.store(true, Relaxed);
    }));
    learn.fit(1, 0.1).expect("a training");
    assert!(looked.load(Relaxed), "there was a batch");
}

fn flat(gradients: &Gradients) -> Vec<f64> {
    gradients.iter().flat_map(|(_, gradient)| f64s(&gradient)).collect()
}

fn norm(numbers: &[f64]) -> f64 {
    numbers.iter().map(|number| number * number).sum::<f64>().sqrt()
}

#[test]
fn gradients_have_the_names_of_their_parameters_and_unused_parameters_have_none() {
    look(|gradients, params| {
        let names: Vec<&str> = gradients.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["z.deep.weight", "a"]);
        for (name, gradient) in gradients.iter() {
            let (_, parameter) = params.iter().find(|(other, _)| *other == name).expect("its parameter");
            assert_eq!(f64s(&gradient), f64s(&parameter.grad()), "{name}");
        }
    });
}

#[test]
fn the_norm_is_that_of_all_gradients_together() {
    look(|gradients, _| {
        let want = norm(&flat(gradients));
        assert!(want > 0.1);
        assert_close("norm", &[gradients.norm().expect("numbers")], &[want], 1e-6, 0.0);
    });
}

#[test]
fn scaling_multiplies_each_gradient() {
    look(|gradients, _| {
        let want: Vec<f64> = flat(gradients).iter().map(|g| -2.5 * g).collect();
        gradients.scale(-2.5).expect("numbers");
        assert_close("scaled", &flat(gradients), &want, 1e-6, 0.0);
    });
}

#[test]
fn clipping_the_norm_scales_all_gradients_and_returns_the_norm_from_before() {
    look(|gradients, _| {
        let before = flat(gradients);
        let length = norm(&before);
        let told = gradients.clip_norm(length * 2.0).expect("numbers");
        assert_close("norm", &[told], &[length], 1e-6, 0.0);
        assert_eq!(flat(gradients), before, "below the bound nothing happens");

        let told = gradients.clip_norm(0.01).expect("numbers");
        assert_close("norm", &[told], &[length], 1e-6, 0.0);
        // PyTorch adds 1e-6 to the norm.
        let want: Vec<f64> = before.iter().map(|g| g * 0.01 / (length + 1e-6)).collect();
        assert_close("clipped", &flat(gradients), &want, 1e-6, 0.0);
        assert!(norm(&flat(gradients)) <= 0.01);
    });
}

#[test]
fn clipping_values_bounds_each_number() {
    look(|gradients, _| {
        let before = flat(gradients);
        let largest = before.iter().fold(0.0_f64, |largest, g| g.abs().max(largest));
        let bound = f64::from((largest / 2.0) as f32);
        gradients.clip_value(bound).expect("numbers");
        let want: Vec<f64> = before.iter().map(|g| g.clamp(-bound, bound)).collect();
        assert_eq!(flat(gradients), want);
        assert_ne!(want, before);
    });
}

#[test]
fn the_optimizer_sees_changes_of_the_gradients() {
    let mut learn = made();
    let before: Vec<Vec<f64>> = learn.params().iter().map(|(_, tensor)| f64s(tensor)).collect();
    learn.callback(Look(|gradients: &Gradients, _: &Params| gradients.scale(0.0).expect("numbers")));
    learn.fit(2, 0.1).expect("a training");
    assert_eq!(learn.params().iter().map(|(_, tensor)| f64s(tensor)).collect::<Vec<_>>(), before);
}

#[test]
fn zeroing_drops_the_gradients() {
    look(|gradients, params| {
        assert_eq!(gradients.iter().count(), 2);
        params.zero_grad().expect("none to begin with are fine too");
        assert_eq!(gradients.iter().count(), 0);
        assert_eq!(gradients.norm().expect("no numbers"), 0.0);
        params.zero_grad().expect("there are none");
    });
}

#[test]
fn a_bound_out_of_range_is_rejected_and_the_gradients_are_unchanged() {
    look(|gradients, _| {
        let before = flat(gradients);
        for max in [-1.0, f64::NAN] {
            let text =
                format!("gradients can't be clipped to {max}: the bound must be a number of at least 0; 1.0 is usual");
            assert_eq!(gradients.clip_norm(max).expect_err("no bound").to_string(), text);
            assert_eq!(gradients.clip_value(max).expect_err("no bound").to_string(), text);
        }
        assert_eq!(flat(gradients), before);
    });
}
