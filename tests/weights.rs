//! Weights in files: what is saved is loaded to the bit, what does not fit is refused before anything changes, and PyTorch's files are read.
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod support;

use std::{collections::BTreeSet, fs, path::Path};

use mixup::{
    files::{Damage, FileError},
    model::{Different, Loaded, Vars, WeightsError},
    prelude::*,
};
use serde_json::json;
use support::{bits, data, linear, on};
use tch::{
    Kind, Tensor,
    nn::{self, Module, ModuleT},
};

/// One of each layer of `tch` that has weights; it is never run.
#[derive(Debug)]
struct Zoo {
    _lstm: nn::LSTM,
}

impl Module for Zoo {
    fn forward(&self, xs: &Tensor) -> Tensor {
        xs.shallow_clone()
    }
}

fn zoo(vs: &Vars<'_>) -> Zoo {
    nn::linear(vs / "fc", 3, 2, nn::LinearConfig::default());
    nn::conv2d(vs / "conv", 1, 2, 3, nn::ConvConfig::default());
    nn::conv_transpose1d(vs / "up", 2, 1, 3, nn::ConvTransposeConfig::default());
    nn::batch_norm2d(vs / "bn", 2, nn::BatchNormConfig::default());
    nn::layer_norm(vs / "ln", vec![2], nn::LayerNormConfig::default());
    nn::group_norm(vs / "gn", 1, 2, nn::GroupNormConfig::default());
    nn::embedding(vs / "emb", 5, 2, nn::EmbeddingConfig::default());
    let both = nn::RNNConfig { bidirectional: true, ..Default::default() };
    Zoo { _lstm: nn::lstm(vs / "lstm", 2, 3, both) }
}

fn learner<M: Model>(model: impl FnOnce(&Vars<'_>) -> M + 'static) -> Learner {
    Learner::builder(data(8, 4), model).quiet().build().expect("it fits")
}

fn layer(vs: &Vars<'_>, outputs: i64) -> nn::Linear {
    nn::linear(vs / "fc", 3, outputs, nn::LinearConfig::default())
}

/// All weights, to the bit.
fn weights(learn: &Learner) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = learn.params().var_store().variables().into_iter().collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    let bytes = |tensor: &Tensor| {
        let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
        tensor.copy_data_u8(&mut bytes, tensor.numel());
        bytes
    };
    all.into_iter().map(|(name, tensor)| (name, bytes(&tensor))).collect()
}

/// Sets all weights to 0.
fn clear(learn: &Learner) {
    tch::no_grad(|| {
        for tensor in learn.params().var_store().variables().values_mut() {
            let _ = tensor.fill_(0.0);
        }
    });
    assert!(weights(learn).iter().all(|(_, bytes)| bytes.iter().all(|&byte| byte == 0)));
}

/// A file as other programs write it: `f32` tensors by name, and no metadata.
fn write_foreign(path: &Path, tensors: &[(&str, &[i64], &[f32])]) {
    let (mut header, mut bytes) = (serde_json::Map::new(), Vec::new());
    for (name, shape, numbers) in tensors {
        let start = bytes.len();
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        header
            .insert((*name).to_owned(), json!({"dtype": "F32", "shape": shape, "data_offsets": [start, bytes.len()]}));
    }
    let header = serde_json::to_vec(&header).expect("it is JSON");
    fs::write(path, [&(header.len() as u64).to_le_bytes()[..], &header, &bytes].concat()).expect("there is room");
}

/// The names are those of `state_dict()` of PyTorch's layers, except for `num_batches_tracked`.
#[test]
fn the_names_in_the_file_are_pytorchs() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("zoo.safetensors");
    learner(zoo).save(&path).expect("there is room");
    let file = fs::read(&path).expect("it is there");
    let bytes = u64::from_le_bytes(file[..8].try_into().expect("eight bytes"));
    let header: serde_json::Value = serde_json::from_slice(&file[8..8 + bytes as usize]).expect("it is JSON");
    assert_eq!(header["__metadata__"]["format"], "pt");
    let names: BTreeSet<_> = header.as_object().expect("it has names").keys().map(String::as_str).collect();
    let both = |layer| [format!("{layer}.weight"), format!("{layer}.bias")];
    let mut wanted: BTreeSet<_> = ["fc", "conv", "up", "bn", "ln", "gn"].into_iter().flat_map(both).collect();
    let others = "__metadata__ bn.running_mean bn.running_var emb.weight lstm.weight_ih_l0 lstm.weight_hh_l0 lstm.bias_ih_l0 \
                  lstm.bias_hh_l0 lstm.weight_ih_l0_reverse lstm.weight_hh_l0_reverse lstm.bias_ih_l0_reverse \
                  lstm.bias_hh_l0_reverse";
    wanted.extend(others.split_whitespace().map(str::to_owned));
    assert_eq!(names, wanted.iter().map(String::as_str).collect());
}

#[test]
fn what_was_saved_is_loaded_to_the_bit_parameters_and_buffers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("zoo.safetensors");
    let saved = learner(zoo);
    tch::no_grad(|| {
        for tensor in saved.params().var_store().variables().values_mut() {
            let _ = tensor.normal_(0.0, 1.0);
        }
    });
    saved.save(&path).expect("there is room");
    let mut other = learner(zoo);
    assert_ne!(weights(&saved), weights(&other));
    other.load(&path).expect("it fits");
    assert_eq!(weights(&saved), weights(&other));
}

#[test]
fn frozen_weights_stay_frozen_and_the_optimizer_trains_what_was_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    let mut learn = on(data(8, 4)).group("bias", |name, _| name == "bias").build().expect("it fits");
    learn.fit(1, 0.1).expect("it trains");
    learn.save(&path).expect("there is room");
    let after_one = bits(&learn);
    learn.fit(1, 0.1).expect("it trains");
    let after_two = bits(&learn);
    assert_ne!(after_one, after_two);

    learn.freeze("bias").expect("there is one");
    learn.load(&path).expect("it fits");
    assert_eq!(bits(&learn), after_one);
    assert!(learn.params().as_slice().iter().all(|param| param.is_frozen() == (param.name() == "bias")));
    learn.unfreeze();
    learn.fit(1, 0.1).expect("it trains");
    assert_eq!(bits(&learn), after_two);
}

#[test]
fn a_hook_may_restore_the_best_weights() {
    struct Best(std::path::PathBuf);

    #[callback]
    impl Best {
        fn on_epoch_end(&self, epoch: usize, params: &Params) -> Result<(), WeightsError> {
            if epoch == 0 { params.save(&self.0) } else { Ok(()) }
        }

        fn on_train_end(&self, params: &Params) -> Result<(), WeightsError> {
            params.load(&self.0)
        }
    }

    let folder = tempfile::tempdir().expect("a folder");
    let mut one = on(data(8, 4)).build().expect("it fits");
    one.fit(1, 0.1).expect("it trains");
    let mut three = on(data(8, 4)).callback(Best(folder.path().join("best.safetensors"))).build().expect("it fits");
    three.fit(3, 0.1).expect("it trains");
    assert_eq!(bits(&three), bits(&one));
}

#[test]
fn a_file_that_does_not_fit_is_refused_with_both_sides_and_nothing_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.safetensors");
    write_foreign(&path, &[("fc.bias", &[2], &[1.0, 2.0]), ("fc.weight", &[3, 2], &[0.0; 6]), ("extra", &[1], &[0.0])]);
    let mut learn = learner(|vs| (layer(vs, 2), nn::linear(vs / "new", 1, 1, nn::LinearConfig::default())).0);
    let before = weights(&learn);
    let error = learn.load(&path).expect_err("it does not fit");
    assert_eq!(
        error.to_string(),
        format!(
            "the weights in `{}` do not fit the model, which has 4 (the file has 3): the file lacks 2 (`new.bias`, `new.weight`); only \
             the file has 1 (`extra`); `fc.weight` is Float [2, 3] in the model and Float [3, 2] in the file; to load a part of them, use \
             `load_matching`",
            path.display()
        )
    );
    let WeightsError::Mismatch { missing, unexpected, different, .. } = error else { panic!("{error}") };
    assert_eq!((missing.len(), unexpected, different.len()), (2, vec!["extra".to_owned()], 1));
    assert_eq!(weights(&learn), before);
}

#[test]
fn another_kind_is_refused_by_load_and_rounded_by_load_matching() {
    let folder = tempfile::tempdir().expect("a folder");
    let (float, half) = (folder.path().join("float.safetensors"), folder.path().join("half.safetensors"));
    let saved = learner(|vs| layer(vs, 2));
    saved.save(&float).expect("there is room");
    let mut other = learner(|vs| layer(vs, 2));
    other.params_mut().var_store_mut().half();
    let WeightsError::Mismatch { different, .. } = other.load(&float).expect_err("it is of another kind") else {
        panic!("another error")
    };
    let kinds = Different {
        name: "fc.bias".to_owned(),
        name_in_file: "fc.bias".to_owned(),
        in_model: "Half [2]".to_owned(),
        in_file: "Float [2]".to_owned(),
    };
    assert_eq!(different[0], kinds);

    let loaded = other.load_matching(&float, |name| Some(name.to_owned())).expect("floats are rounded");
    assert_eq!(loaded.taken.len(), 2);
    for (name, tensor) in other.params().iter() {
        let wanted = saved.params().var_store().variables()[name].to_kind(Kind::Half);
        assert_eq!((tensor.kind(), tensor.detach()), (Kind::Half, wanted.detach()));
    }
    other.save(&half).expect("there is room");
    let before = weights(&other);
    clear(&other);
    other.load(&half).expect("it fits");
    assert_eq!(weights(&other), before);
}

#[test]
fn a_pretrained_trunk_is_loaded_under_its_own_names_and_the_report_says_the_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trunk.safetensors");
    write_foreign(
        &path,
        &[("body.weight", &[2, 3], &[1.0; 6]), ("body.bias", &[2], &[2.0; 2]), ("old.weight", &[1], &[0.0])],
    );
    let mut learn = learner(|vs| {
        nn::linear(vs / "head", 2, 7, nn::LinearConfig::default());
        nn::linear(vs / "odd", 2, 1, nn::LinearConfig { bias: false, ..Default::default() });
        layer(vs, 2)
    });
    let before: Vec<_> = weights(&learn);
    let loaded = learn
        .load_matching(&path, |name| match name {
            "fc.weight" | "fc.bias" => Some(name.replace("fc", "body")),
            "odd.weight" => Some("none".to_owned()),
            _ => None,
        })
        .expect("the shapes are the same");
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let wanted = Loaded {
        taken: vec![pair("fc.bias", "body.bias"), pair("fc.weight", "body.weight")],
        kept: vec!["head.bias".to_owned(), "head.weight".to_owned()],
        missing: vec![pair("odd.weight", "none")],
        left: vec!["old.weight".to_owned()],
    };
    assert_eq!(loaded, wanted);
    let text = "taken: 2; kept: 2 (`head.bias`, `head.weight`); missing in the file: 1 (`none`); left in the file: 1 (`old.weight`)";
    assert_eq!(loaded.to_string(), text);
    for ((name, after), (_, before)) in weights(&learn).into_iter().zip(before) {
        let wanted = match &*name {
            "fc.weight" => [1.0_f32; 6].map(f32::to_le_bytes).concat(),
            "fc.bias" => [2.0_f32; 2].map(f32::to_le_bytes).concat(),
            _ => before,
        };
        assert_eq!(after, wanted, "{name}");
    }
}

#[test]
fn a_closure_that_matches_nothing_or_another_shape_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trunk.safetensors");
    write_foreign(&path, &[("body.weight", &[1, 1], &[1.0])]);
    let mut learn = learner(|vs| layer(vs, 2));
    let before = weights(&learn);
    let error = learn.load_matching(&path, |name| Some(name.to_owned())).expect_err("nothing has this name");
    let text = "closure returns: 2 (`fc.bias`, `fc.weight`); the file has 1 (`body.weight`)";
    assert!(error.to_string().ends_with(text), "{error}");
    let error = learn.load_matching(&path, |name| (name == "fc.weight").then(|| "body.weight".to_owned()));
    let text = "`fc.weight` is Float [2, 3] in the model and Float [1, 1] in the file, as `body.weight`";
    assert!(error.as_ref().is_err_and(|error| error.to_string().contains(text)), "{error:?}");
    assert_eq!(weights(&learn), before);
}

#[test]
fn the_counter_of_pytorchs_batch_norm_is_passed_over_and_another_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bn.safetensors");
    let norm = |vs: &Vars<'_>| nn::batch_norm1d(vs / "bn", 1, nn::BatchNormConfig::default());
    let mut tensors: Vec<(&str, &[i64], &[f32])> = vec![
        ("bn.weight", &[1], &[2.0]),
        ("bn.bias", &[1], &[3.0]),
        ("bn.running_mean", &[1], &[4.0]),
        ("bn.running_var", &[1], &[5.0]),
        ("bn.num_batches_tracked", &[], &[6.0]),
    ];
    write_foreign(&path, &tensors);
    let mut learn = Learner::builder(data(8, 4), move |vs| Norm(norm(vs))).quiet().build().expect("it fits");
    learn.load(&path).expect("it fits");
    assert_eq!(learn.params().var_store().variables()["bn.running_var"], Tensor::from_slice(&[5.0_f32]));
    tensors.push(("other.num_batches_tracked", &[], &[0.0]));
    write_foreign(&path, &tensors);
    assert!(matches!(learn.load(&path), Err(WeightsError::Mismatch { unexpected, .. }) if unexpected.len() == 1));
}

#[derive(Debug)]
struct Norm(nn::BatchNorm);

impl ModuleT for Norm {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        self.0.forward_t(xs, train)
    }
}

/// A linear layer whose weight has a second name, as an embedding that is also the output layer.
fn tied(vs: &Vars<'_>) -> support::Linear {
    drop(vs.path().add("mark", Tensor::from_slice(&[0.5_f32]), false));
    linear(vs, 3, 2)
}

fn tie(learn: &mut Learner) {
    let store = learn.params_mut().var_store_mut();
    let mut variables = store.variables_.lock().expect("nobody has panicked");
    let weight = variables.named_variables["weight"].shallow_clone();
    variables.named_variables.insert("again".to_owned(), weight);
}

#[test]
fn tied_weights_are_loaded_from_both_names_or_from_one_and_never_from_two_tensors() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tied.safetensors");
    let mut learn = learner(tied);
    tie(&mut learn);
    learn.save(&path).expect("there is room");
    learn.load(&path).expect("both names have the same numbers");

    let (ones, twos): (&[f32], &[f32]) = (&[1.0; 6], &[2.0; 6]);
    write_foreign(&path, &[("again", &[3, 2], ones), ("bias", &[2], &[0.0; 2]), ("mark", &[1], &[0.0])]);
    learn.load(&path).expect("one name is enough");
    assert_eq!(bits(&learn)[..6], [1.0_f32.to_bits(); 6]);

    write_foreign(
        &path,
        &[("again", &[3, 2], ones), ("bias", &[2], &[0.0; 2]), ("mark", &[1], &[0.0]), ("weight", &[3, 2], twos)],
    );
    let error = learn.load(&path).expect_err("there are two tensors");
    assert!(error.to_string().starts_with("`again` and `weight` are tied"), "{error}");
    assert_eq!(bits(&learn)[..6], [1.0_f32.to_bits(); 6]);
}

#[test]
fn a_changed_byte_in_a_file_of_ours_is_noticed_before_anything_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    let mut learn = learner(|vs| layer(vs, 2));
    learn.save(&path).expect("there is room");
    let mut file = fs::read(&path).expect("it is there");
    let last = file.len() - 1;
    file[last] ^= 1;
    fs::write(&path, &file).expect("there is room");
    let before = weights(&learn);
    let error = learn.load(&path).expect_err("a byte has changed");
    assert!(matches!(error, WeightsError::File(FileError::Damaged { damage: Damage::Digest, .. })), "{error}");
    assert!(learn.load_matching(&path, |name| Some(name.to_owned())).is_err());
    assert_eq!(weights(&learn), before);
}

/// `tch` reads what we write, and we read what `tch` writes.
#[test]
fn the_files_are_those_of_tch() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    let mut learn = learner(|vs| layer(vs, 2));
    let before = weights(&learn);
    learn.save(&path).expect("there is room");
    clear(&learn);
    learn.params_mut().var_store_mut().load(&path).expect("tch reads it");
    assert_eq!(weights(&learn), before);
    learn.params().var_store().save(&path).expect("tch writes it");
    clear(&learn);
    learn.load(&path).expect("it fits");
    assert_eq!(weights(&learn), before);
}
