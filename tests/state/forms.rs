//! What a state may hold, and that it comes back from a file to the bit.

use std::collections::BTreeMap;

use mixup::state::{State, StateError, Stateful};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

/// Plain data of every kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Data {
    Nothing,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(u64),
    Single(u32),
    Text(String),
    List(Vec<Data>),
    Map(BTreeMap<String, Data>),
    Pair(Box<(Data, Option<Data>)>),
}

/// Floats as such, not as their bits.
fn floats(data: &Data, into: &mut Vec<f64>, singles: &mut Vec<f32>) {
    match data {
        Data::Float(bits) => into.push(f64::from_bits(*bits)),
        Data::Single(bits) => singles.push(f32::from_bits(*bits)),
        Data::List(list) => list.iter().for_each(|data| floats(data, into, singles)),
        Data::Map(map) => map.values().for_each(|data| floats(data, into, singles)),
        _ => {}
    }
}

fn data() -> impl Strategy<Value = Data> {
    let leaf = prop_oneof![
        Just(Data::Nothing),
        any::<bool>().prop_map(Data::Bool),
        any::<u64>().prop_map(Data::Unsigned),
        any::<i64>().prop_map(Data::Signed),
        any::<u64>().prop_map(Data::Float),
        any::<u32>().prop_map(Data::Single),
        ".*".prop_map(Data::Text),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Data::List),
            prop::collection::btree_map(".{0,4}", inner.clone(), 0..6).prop_map(Data::Map),
            (inner.clone(), prop::option::of(inner)).prop_map(|pair| Data::Pair(Box::new(pair))),
        ]
    })
}

const KINDS: [Kind; 10] = [
    Kind::Bool,
    Kind::Uint8,
    Kind::Int8,
    Kind::Int16,
    Kind::Int,
    Kind::Int64,
    Kind::Half,
    Kind::BFloat16,
    Kind::Float,
    Kind::Double,
];

/// A tensor of any kind and shape, of any bytes.
fn tensor() -> impl Strategy<Value = Tensor> {
    let of = prop::sample::select(&KINDS[..]).prop_flat_map(|kind| {
        prop::collection::vec(0_i64..4, 0..4).prop_flat_map(move |shape| {
            let bytes = shape.iter().product::<i64>() as usize * kind.elt_size_in_bytes();
            let byte = if kind == Kind::Bool { 0..=1_u8 } else { 0..=u8::MAX };
            prop::collection::vec(byte, bytes).prop_map(move |bytes| Tensor::from_data_size(&bytes, &shape, kind))
        })
    });
    // As a view too, whose numbers do not lie side by side.
    (of, any::<bool>())
        .prop_map(|(tensor, view)| if view && tensor.dim() > 1 { tensor.transpose(0, 1) } else { tensor })
}

fn bytes(tensor: &Tensor) -> (Kind, Vec<i64>, Vec<u8>) {
    let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
    tensor.copy_data_u8(&mut bytes, tensor.numel());
    (tensor.kind(), tensor.size(), bytes)
}

/// Out of a file.
fn through_cbor(state: &State) -> State {
    let mut file = Vec::new();
    ciborium::into_writer(state, &mut file).expect("it can be written");
    ciborium::from_reader(&file[..]).expect("it can be read")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_state_comes_back_from_a_file_to_the_bit(
        fields in prop::collection::btree_map(".{0,6}", data(), 0..5),
        tensors in prop::collection::btree_map(".{0,6}", tensor(), 0..4),
    ) {
        let mut state = State::new();
        let (mut doubles, mut singles) = (Vec::new(), Vec::new());
        for (name, data) in &fields {
            state = state.with(name, data).expect("plain data");
            floats(data, &mut doubles, &mut singles);
        }
        state = state.with("all doubles", &doubles).expect("plain data").with("all singles", &singles).expect("plain data");
        for (name, tensor) in &tensors {
            state = state.with_tensor(name, tensor).expect("a copy");
        }
        let read = through_cbor(&state);
        prop_assert!(read == state);
        for (name, data) in &fields {
            prop_assert_eq!(&read.field::<Data>(name).expect("it was saved"), data);
        }
        for (name, tensor) in &tensors {
            prop_assert_eq!(bytes(&read.tensor(name).expect("it was saved")), bytes(tensor));
        }
        // The payload of a NaN means nothing, and is not kept.
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
        let read_doubles: Vec<f64> = read.field("all doubles").expect("it was saved");
        let read_singles: Vec<f32> = read.field("all singles").expect("it was saved");
        prop_assert!(read_doubles.iter().zip(&doubles).all(|(a, b)| same(*a, *b)));
        prop_assert!(read_singles.iter().zip(&singles).all(|(a, b)| same(f64::from(*a), f64::from(*b))));
    }

    #[test]
    fn damaged_bytes_are_an_error_or_another_state(
        tensor in tensor(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let state = State::new().with("n", &1).expect("plain data").with_tensor("t", &tensor).expect("a copy");
        let mut file = Vec::new();
        ciborium::into_writer(&state, &mut file).expect("it can be written");
        let at = at.index(file.len());
        if cut { file.truncate(at) } else { file[at] = byte }
        let _: Result<State, _> = ciborium::from_reader(&file[..]); // it does not panic
    }
}

#[test]
fn a_state_goes_through_json_too() {
    let weights = Tensor::from_slice(&[0.1_f32, f32::NAN, -0.0]);
    let state = State::new().with("best", &0.1).expect("plain data").with_tensor("weights", &weights).expect("a copy");
    let text = serde_json::to_string(&state).expect("it can be written");
    let read: State = serde_json::from_str(&text).expect("it can be read");
    assert!(read == state, "{text}");
}

#[test]
fn the_bytes_of_a_tensor_must_have_its_shape_and_kind() {
    let state = State::new().with_tensor("t", &Tensor::from_slice(&[true, false])).expect("a copy");
    let text = serde_json::to_string(&state).expect("it can be written");
    assert!(text.contains(r#"{"kind":"BOOL","shape":[2],"bytes":[1,0]}"#), "{text}");
    let cases = [
        ("[2]", "[3]", "a tensor of the kind Bool and the shape [3] has 2 bytes"),
        ("[2]", "[-1,-2]", "a tensor of the kind Bool and the shape [-1, -2] has 2 bytes"),
        ("[2]", "[4611686018427387904,8]", "the shape [4611686018427387904, 8] has 2 bytes"),
        ("BOOL", "I16", "a tensor of the kind Int16 and the shape [2] has 2 bytes"),
        ("BOOL", "F17", "a tensor has the kind `F17`, which is not known"),
        ("[1,0]", "[1,7]", "a tensor of the kind Bool has bytes other than 0 and 1"),
    ];
    for (from, to, says) in cases {
        let error = serde_json::from_str::<State>(&text.replace(from, to)).expect_err(says).to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_tensor_that_no_file_can_hold_is_an_error_when_it_is_written() {
    let complex = Tensor::zeros([2], (Kind::ComplexDouble, Device::Cpu));
    let state = State::new().with_tensor("t", &complex).expect("a copy");
    let error = ciborium::into_writer(&state, &mut Vec::new()).expect_err("complex numbers").to_string();
    assert!(error.contains("a tensor of the kind ComplexDouble can't be written down"), "{error}");
}

#[test]
fn what_is_missing_is_named_with_the_version() {
    let state = State::of_data(&5).expect("plain data");
    let text = |error: StateError| error.to_string();
    let end = "it is the state of something else, or an older one";
    let field = state.field::<u8>("best").expect_err("there is none");
    assert_eq!(text(field), format!("the saved state, of version 1, has no `best`: {end}"));
    let tensor = state.tensor("mean").expect_err("there is none");
    assert_eq!(text(tensor), format!("the saved state, of version 1, has no tensor `mean`: {end}"));
    let more = state.clone().with("best", &1).expect_err("it is one value");
    assert_eq!(text(more), "a state that is one value can't have a field `best` beside it: begin with `State::new()`");
    let read = state.data::<String>().expect_err("it is a number");
    assert!(text(read).starts_with("the saved state does not fit: "));
    assert!(State::new().with_tensor("t", &Tensor::new()).is_err(), "an undefined tensor");
}

#[test]
fn a_field_that_is_given_again_is_replaced() {
    let state = State::new().with("n", &1).and_then(|state| state.with("n", &2)).expect("plain data");
    assert_eq!(state.field::<u8>("n").expect("it was saved"), 2);
    assert_eq!(state.data::<BTreeMap<String, u8>>().expect("one field"), BTreeMap::from([("n".to_owned(), 2)]));
}

#[test]
fn parts_keep_their_tensors_and_versions_apart() {
    let (one, two) = (Tensor::from_slice(&[1]), vec![Tensor::from_slice(&[2]), Tensor::from_slice(&[3.0])]);
    let state = State::new().with_part("a", &one).and_then(|state| state.with_part("ab", &two)).expect("copies");
    let state = through_cbor(&state);
    assert_eq!(state.tensor_names().collect::<Vec<_>>(), ["a", "ab/0", "ab/1"]);
    let (mut first, mut second) = (Tensor::new(), vec![Tensor::new()]);
    state.part("a").expect("it was saved").load_into(&mut first).expect("it fits");
    state.part("ab").expect("it was saved").load_into(&mut second).expect("it fits");
    assert_eq!((first, second), (one, two));
    assert!(matches!(state.part("b"), Err(StateError::Field { .. })));
}

#[test]
fn what_is_saved_does_not_follow_later_changes() {
    let mut mean = Tensor::from_slice(&[1.0]);
    let saved = State::of(&mean).expect("a copy");
    let _ = mean.fill_(2.0);
    let mut loaded = Tensor::new();
    saved.load_into(&mut loaded).expect("it fits");
    let _ = loaded.fill_(3.0);
    let mut again = Tensor::new();
    again.load(&saved).expect("it fits");
    assert_eq!(again, Tensor::from_slice(&[1.0]));
}
