//! All items as one batch, and what becomes inputs, targets and errors of data.

use mixup::{batch::TargetError, data::Loader};
use rand::RngExt as _;

use super::*;

#[test]
fn all_items_are_one_batch_in_their_own_order_whatever_the_settings() {
    let data = Data::builder(numbered(7)).batch_size(3).shuffle(true).drop_last(true).build().expect("items");
    let all = data.train().all().expect("it has a length");
    assert_eq!(numbers(all.input.one().expect("one tensor")), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(numbers(all.target.tensor()), [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn prepared_batches_are_joined_with_each_of_their_inputs() {
    let batch = |from: i64, to: i64| {
        let ones = Tensor::arange_start(from, to, (Kind::Float, Device::Cpu));
        Batch { input: Input::from([&ones * 10.0, &ones * 100.0]), target: Target::from(&ones) }
    };
    let data = Data::from_batches(vec![batch(0, 3), batch(3, 5)], Vec::new()).expect("batches");
    let all = data.train().all().expect("they fit");
    let [tens, hundreds] = all.input.tensors()[..] else { panic!("{}", all.input) };
    assert_eq!((numbers(tens), numbers(hundreds)), (vec![0, 10, 20, 30, 40], vec![0, 100, 200, 300, 400]));
    assert_eq!(numbers(all.target.tensor()), [0, 1, 2, 3, 4]);

    let one = Batch { input: Input::from(Tensor::zeros([2, 1], (Kind::Float, Device::Cpu))), ..batch(0, 2) };
    let data = Data::from_batches(vec![batch(0, 3), one], Vec::new()).expect("batches");
    let error = data.train().all().expect_err("one lacks an input");
    assert!(error.to_string().ends_with("one batch has 2 inputs and another has 1"), "{error}");
}

#[test]
fn what_is_random_in_items_is_the_same_each_time() {
    struct Noise;
    impl Dataset for Noise {
        fn len(&self) -> usize {
            4
        }
        fn batch(&self, indices: &[usize], rngs: &ItemRngs) -> Result<Batch, DataError> {
            let drawn: Vec<f32> = indices.iter().map(|&index| rngs.of(index).random()).collect();
            let drawn = Tensor::from_slice(&drawn);
            Ok(Batch { input: Input::from(&drawn), target: Target::from(drawn) })
        }
    }
    let loader = Loader::new(Noise, 2).expect("items");
    let input = || loader.all().expect("items").input.one().expect("one tensor").shallow_clone();
    assert_eq!(input(), input());
    assert_ne!(input().get(0), input().get(1));
}

#[test]
fn a_stream_has_no_batch_of_all_its_items() {
    struct Endless;
    impl mixup::data::Stream for Endless {
        fn next(&mut self, _: &mut Rng) -> Result<Option<Batch>, DataError> {
            Ok(None)
        }
    }
    impl mixup::state::Stateful for Endless {
        fn save(&self) -> Result<State, StateError> {
            Ok(State::new())
        }
        fn load(&mut self, _: &State) -> Result<(), StateError> {
            Ok(())
        }
    }
    let data = Data::stream(Endless).build().expect("a stream");
    let error = data.train().all().expect_err("it has no length");
    assert!(matches!(error, DataError::Stream { .. }), "{error}");
    assert!(error.to_string().starts_with("a stream has no batch of all its items: "), "{error}");
    assert!(matches!(data.train().item_shape(), Err(DataError::Stream { .. })));
}

#[test]
fn an_item_has_the_shape_of_the_input_without_its_first_dimension() {
    let data = ImageData::digits().expect("bundled").build().expect("they fit");
    assert_eq!(data.train().item_shape().expect("images"), [1, 8, 8]);
    let zeros = Tensor::zeros([5], (Kind::Float, Device::Cpu));
    let data = Data::builder(TensorDataset::new(&zeros, &zeros).expect("as many")).build().expect("items");
    assert_eq!(data.train().item_shape().expect("numbers"), [0_i64; 0]);
}

#[test]
fn inputs_and_targets_from_references_share_their_memory() {
    let x = Tensor::from_slice(&[1.0_f32, 2.0]);
    let input = Input::from(&x);
    let target = Target::from(&x);
    assert_eq!(input.one().expect("one tensor").data_ptr(), x.data_ptr());
    assert_eq!(target.tensor().data_ptr(), x.data_ptr());
    assert!(matches!(Target::from(&Tensor::from_slice(&[1_i32])), Target::Classes(_)));
}

#[test]
fn several_inputs_are_an_array_or_a_tuple() {
    let tensor = || Tensor::from_slice(&[1.0_f32]);
    for input in [
        Input::from([tensor(), tensor(), tensor()]),
        Input::from((tensor(), tensor(), tensor())),
        Input::from(vec![tensor(), tensor(), tensor()]),
    ] {
        assert!(matches!(&input, Input::Tensors(tensors) if tensors.len() == 3), "{input}");
    }
    assert_eq!(Input::from((tensor(), tensor())).tensors().len(), 2);
}

#[test]
fn an_error_of_targets_becomes_one_of_data() {
    fn several() -> Result<Target, DataError> {
        Ok(Target::several([])?)
    }
    let error = several().expect_err("there is none");
    assert!(matches!(error, DataError::Target(TargetError::Nothing)), "{error}");
}
