//! Arrays in files, whose rows are read when they are needed.

use std::{fs, path::PathBuf};

use mixup::{
    data::{ArrayFault, ArrayFile, Collated, FileItems, Items as _, Loader, Numbers},
    learner::assert_resumes,
    model::Vars,
    prelude::*,
};
use tch::{Device, Kind, Tensor, nn};

use super::ahead::weights;

type Outcome = Result<(), BoxError>;

/// A file of these bytes, in a folder that is removed afterwards.
fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a file");
    (folder, path)
}

/// An `.npy` file of format 1.0 with this header.
fn npy(header: &str, numbers: &[u8]) -> Vec<u8> {
    let length = u16::try_from(header.len()).expect("a short header").to_le_bytes();
    [&b"\x93NUMPY\x01\x00"[..], &length, header.as_bytes(), numbers].concat()
}

/// All rows as one tensor `[n, …]`, of the kind that a batch has: `f64` for floats, so that each `f32` is exact.
fn rows(array: &ArrayFile) -> Result<Tensor, BoxError> {
    let mut all = Vec::new();
    for index in 0..array.len() {
        let row = array.row(index)?;
        assert_eq!(row.shape(), array.row_shape());
        all.push(match row.numbers() {
            Numbers::Bytes(bytes) => Tensor::from_slice(bytes),
            Numbers::Floats(floats) => Tensor::from_slice(floats).to_kind(Kind::Double),
            Numbers::Ints(ints) => Tensor::from_slice(ints),
        });
    }
    let size = [array.len()].into_iter().chain(array.row_shape().iter().copied()).map(|size| size as i64);
    Ok(Tensor::stack(&all, 0).reshape(size.collect::<Vec<_>>()))
}

/// Twenty-four numbers of a kind, negative ones too where it has them.
fn numbers(kind: Kind) -> Tensor {
    let numbers = Tensor::arange(24, (Kind::Double, Device::Cpu)).reshape([4, 3, 2]);
    match kind {
        Kind::Uint8 => numbers * 11,
        Kind::Int8 | Kind::Int16 | Kind::Int | Kind::Int64 => numbers * 11 - 128,
        _ => (numbers - 7.3) * 1.7,
    }
    .to_kind(kind)
}

#[test]
fn the_numbers_are_those_that_tch_has_written() -> Outcome {
    let folder = tempfile::tempdir()?;
    let kinds = [
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
    for kind in kinds {
        let whole = numbers(kind);
        let wanted = match kind {
            Kind::Uint8 => whole.shallow_clone(),
            Kind::Half | Kind::BFloat16 | Kind::Float | Kind::Double => {
                whole.to_kind(Kind::Float).to_kind(Kind::Double)
            }
            _ => whole.to_kind(Kind::Int64),
        };
        let path = folder.path().join("x.safetensors");
        Tensor::write_safetensors(
            &[("before", numbers(Kind::Float)), ("x", whole.shallow_clone()), ("y", numbers(Kind::Half))],
            &path,
        )?;
        let array = ArrayFile::safetensors(&path, "x")?;
        assert_eq!((array.len(), array.row_shape()), (4, &[3, 2][..]));
        assert!(rows(&array)?.equal(&wanted), "{kind:?}");
        if kind != Kind::BFloat16 {
            let path = folder.path().join("x.npy");
            whole.write_npy(&path)?;
            assert!(rows(&ArrayFile::npy(&path)?)?.equal(&wanted), "{kind:?}");
        }
    }
    Ok(())
}

#[test]
fn headers_as_other_programs_write_them_are_read() -> Outcome {
    // NumPy's own, with blanks and a line's end; Python 2's; one dimension, in which both orders are the same; other quotes and no last comma.
    for header in [
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }                  \n",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 3L), }\n",
        "{'shape':(6,),'fortran_order':True,'descr':'<u1'}",
        "{\"descr\": \"|u1\", \"fortran_order\": False, \"shape\": (6, 1)}",
    ] {
        let (_folder, path) = file("x.npy", &npy(header, &[1, 2, 3, 4, 5, 6]));
        let flat = rows(&ArrayFile::npy(path)?)?.flatten(0, -1);
        assert_eq!(Vec::<u8>::try_from(flat)?, [1, 2, 3, 4, 5, 6], "{header}");
    }
    // The longer length of the formats 2.0 and 3.0.
    let header = b"{'descr': '<i2', 'fortran_order': False, 'shape': (1,)}";
    for major in [2, 3] {
        let whole =
            [&[0x93, b'N', b'U', b'M', b'P', b'Y', major, 0, header.len() as u8, 0, 0, 0], &header[..], &[0xfe, 0xff]]
                .concat();
        let (_folder, path) = file("x.npy", &whole);
        assert_eq!(ArrayFile::npy(path)?.row(0)?.numbers(), &Numbers::Ints(vec![-2]));
    }
    Ok(())
}

#[test]
fn errors_say_what_was_found_and_what_would_be_right() {
    let says = |bytes: &[u8]| {
        let (_folder, path) = file("x.npy", bytes);
        let error = ArrayFile::npy(&path).expect_err("it is wrong").to_string();
        error.strip_prefix(&format!("{}: ", path.display())).expect("the file comes first").to_owned()
    };
    let kinds = "but only little-endian u8, i8, i16, u16, i32, u32, i64, f16, bf16, f32 and f64 are read: convert them";
    let of = |descr: &str, order: &str, shape: &str| {
        npy(&format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}}}"), &[0; 8])
    };
    let example = "as in {'descr': '<f4', 'fortran_order': False, 'shape': (60, 2)}";
    for (bytes, wanted) in [
        (
            b"PK\x03\x04 and so on".to_vec(),
            "it begins with the bytes [50, 4b, 03, 04, 20, 61], but an .npy file begins with [93, 4e, 55, 4d, 50, 59], which is \
             \\x93NUMPY"
                .to_owned(),
        ),
        (b"\x93NUMPY\x04\x00".to_vec(), "it has the .npy format 4.0, but only 1.0, 2.0 and 3.0 are read".to_owned()),
        (b"\x93NUMPY\x01\x00\x20\x00{".to_vec(), "it ends after 11 bytes, within its header: it was cut off".to_owned()),
        (
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(),
            "its header would have 4294967295 bytes, but no header of an array has more than 65535: it is damaged".to_owned(),
        ),
        (of(">f4", "False", "(2,)"), format!("its numbers are of the kind `>f4`, {kinds}")),
        (of("|b1", "False", "(8,)"), format!("its numbers are of the kind `|b1`, {kinds}")),
        (
            of("<f4", "True", "(2, 1)"),
            "its numbers are in Fortran's order, in which no row is in one piece: save `np.ascontiguousarray(x)` instead".to_owned(),
        ),
        (
            of("<f4", "False", "(3,)"),
            "it has 73 bytes, but its header asks for 77, with numbers f32 of [3]: it was cut off".to_owned(),
        ),
        (
            of("<f4", "False", "(1,)"),
            "it has 73 bytes, but its header asks for 69, with numbers f32 of [1]: something was added to it".to_owned(),
        ),
        (
            of("<f8", "False", "()"),
            "it has a single number without a dimension, but the first dimension counts the rows: the shape must be [n, …]".to_owned(),
        ),
        (
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999, 0)}", &[]),
            "its shape is [9999999999, 0], so its rows have no numbers: only the first size may be 0".to_owned(),
        ),
        (
            of("<f8", "False", "(4294967296, 4294967296)"),
            "its header asks for numbers f64 of [4294967296, 4294967296], which is more than a file can have: it is damaged"
                .to_owned(),
        ),
        (
            npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", &[0; 8]),
            format!("its header is wrong at byte 10: a kind in quotes, such as '<f4', was expected there, {example}"),
        ),
        (
            of("<f4", "False", "(2)"),
            format!("its header is wrong at byte 52: `,`, since one size alone is written (60,), was expected there, {example}"),
        ),
    ] {
        assert_eq!(says(&bytes), wanted);
    }
}

#[test]
fn a_tensor_that_is_not_there_and_a_damaged_file_are_told() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("x.safetensors");
    let mask = numbers(Kind::Int).remainder(2).to_kind(Kind::Bool);
    Tensor::write_safetensors(&[("images", numbers(Kind::Uint8)), ("mask", mask)], &path)?;
    let says = |name| {
        let error = ArrayFile::safetensors(&path, name).expect_err("it is wrong").to_string();
        error.strip_prefix(&format!("{}: ", path.display())).expect("the file comes first").to_owned()
    };
    assert_eq!(says("image"), "it has no tensor `image`: it has `images`, `mask`");
    assert!(
        says("mask").starts_with("its numbers are of the kind `BOOL`, but only little-endian u8"),
        "{}",
        says("mask")
    );
    let whole = fs::read(&path)?;
    fs::write(&path, &whole[..whole.len() - 1])?;
    assert!(says("images").ends_with("it was cut off, or is no safetensors file"), "{}", says("images"));
    assert!(matches!(ArrayFile::npy(folder.path().join("no.npy")), Err(DataError::NotFound { .. })));
    assert!(matches!(ArrayFile::npy(folder.path()), Err(DataError::Read { .. })));
    Ok(())
}

#[test]
fn no_truncation_and_no_changed_byte_of_a_header_gives_wrong_rows() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("x");
    let whole = numbers(Kind::Int16);
    let open = |safetensors: bool| if safetensors { ArrayFile::safetensors(&path, "x") } else { ArrayFile::npy(&path) };
    for safetensors in [false, true] {
        if safetensors {
            Tensor::write_safetensors(&[("x", whole.shallow_clone())], &path)?;
        } else {
            whole.write_npy(&path)?;
        }
        let bytes = fs::read(&path)?;
        let wanted = rows(&open(safetensors)?)?;
        assert!(wanted.equal(&whole.to_kind(Kind::Int64)));
        let refused =
            |error: DataError| assert!(matches!(&error, DataError::ArrayFile { file, .. } if *file == path), "{error}");
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length])?;
            refused(open(safetensors).expect_err("it is cut off"));
        }
        // Every bit alone, and all of a byte's.
        for at in 0..bytes.len() - whole.numel() * 2 {
            for flip in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                fs::write(&path, &changed)?;
                match open(safetensors) {
                    Err(error) => refused(error),
                    Ok(array) => assert!(rows(&array)?.equal(&wanted), "byte {at} by {flip}"),
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_file_that_shrinks_is_an_error_that_names_file_and_row() -> Outcome {
    let (_folder, path) = file("x.npy", &npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4, 5)}", &[7; 20]));
    let loader = Loader::new(Collated::new(FileItems::unlabelled(ArrayFile::npy(&path)?)), 4)?.workers(2);
    let array = ArrayFile::npy(&path)?;
    fs::File::options().write(true).open(&path)?.set_len(fs::metadata(&path)?.len() - 6)?;
    assert_eq!(array.row(1)?.numbers(), &Numbers::Bytes(vec![7; 5]));
    let wanted = format!(
        "{}: row 2 of 4 is missing: the file has been cut off since it was opened, but must not change while it is in use",
        path.display()
    );
    let error = array.row(2).expect_err("it is cut off");
    assert!(matches!(error, DataError::ArrayFile { fault: ArrayFault::Shrunk { row: 2, rows: 4 }, .. }));
    assert_eq!(error.to_string(), wanted);
    let order: Vec<usize> = (0..4).collect();
    assert_eq!(loader.batch(&order, 0, &ItemRngs::new(0, 0)).expect_err("it is cut off").to_string(), wanted);
    assert!(matches!(array.row(4), Err(DataError::Index { index: 4, items: 4 })));
    Ok(())
}

/// Twenty-three points of three numbers, with one of two classes, or two numbers each.
fn points(dense: bool) -> (Tensor, Tensor) {
    let x = Tensor::arange(69, (Kind::Float, Device::Cpu)).reshape([23, 3]).sin();
    let y = if dense { x.narrow(1, 0, 2) * 2.0 } else { Tensor::arange(23, (Kind::Int64, Device::Cpu)).remainder(2) };
    (x, y)
}

fn learner(data: Data, dense: bool) -> Result<Learner, BoxError> {
    // Weights of their own: other tests draw from libtorch's generator at the same time.
    let first = nn::LinearConfig { ws_init: nn::Init::Const(0.1), bs_init: Some(nn::Init::Const(0.0)), bias: true };
    let model = move |vs: &Vars<'_>| nn::linear(vs, 3, 2, first);
    let builder = Learner::builder(data, model).seed(7).quiet();
    Ok(if dense { builder.loss(Mse).build()? } else { builder.loss(CrossEntropy::default()).build()? })
}

#[test]
fn a_training_from_files_has_the_same_bits_as_one_from_memory() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (x_file, y_file) = (folder.path().join("x.npy"), folder.path().join("y.safetensors"));
    for dense in [false, true] {
        let (x, y) = points(dense);
        x.write_npy(&x_file)?;
        Tensor::write_safetensors(&[("y", y.shallow_clone())], &y_file)?;
        let trained = |data: Data| -> Result<_, BoxError> {
            let mut learn = learner(data, dense)?;
            learn.fit(3, 0.1)?;
            Ok(weights(&learn))
        };
        let wanted = trained(Data::builder(TensorDataset::new(x, y)?).batch_size(4).shuffle(true).build()?)?;
        for workers in [0, 1, 3] {
            let items = FileItems::new(ArrayFile::npy(&x_file)?, ArrayFile::safetensors(&y_file, "y")?)?;
            let data = Data::builder(Collated::new(items)).batch_size(4).shuffle(true).workers(workers).build()?;
            assert_eq!(data.to_string(), "23 training items of 3, no validation");
            assert_eq!(trained(data)?, wanted, "dense: {dense}, {workers} workers");
        }
    }
    Ok(())
}

#[test]
fn a_training_from_files_resumes() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("points.safetensors");
    let (x, y) = points(false);
    Tensor::write_safetensors(&[("x", x), ("y", y)], &path)?;
    let build = || {
        let items = FileItems::new(ArrayFile::safetensors(&path, "x")?, ArrayFile::safetensors(&path, "y")?)?;
        let data = Data::builder(Collated::new(items)).batch_size(6).shuffle(true).workers(2).build()?;
        learner(data, false)
    };
    assert_eq!(assert_resumes(build, 2, 0.1)?, 2 * (4 + 1));
    Ok(())
}

#[test]
fn whole_numbers_of_one_dimension_are_classes_and_all_other_labels_dense() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    numbers(Kind::Uint8).write_npy(at("x.npy"))?;
    let target = |label: &Tensor| -> Result<Target, BoxError> {
        label.write_npy(at("y.npy"))?;
        let items = FileItems::new(ArrayFile::npy(at("x.npy"))?, ArrayFile::npy(at("y.npy"))?)?;
        Ok(Collated::new(items).batch(&[3, 1], &ItemRngs::new(0, 0))?.target)
    };
    for kind in [Kind::Int64, Kind::Int, Kind::Uint8] {
        let classes = target(&Tensor::from_slice(&[5_i64, 6, 7, 8]).to_kind(kind))?;
        assert!(matches!(&classes, Target::Classes(it) if *it == Tensor::from_slice(&[8_i64, 6])), "{kind:?}");
    }
    let numbers = target(&Tensor::from_slice(&[0.5_f32, 1.5, 2.5, 3.5]))?;
    assert!(matches!(&numbers, Target::Dense(it) if *it == Tensor::from_slice(&[3.5_f32, 1.5])));
    let masks = target(&Tensor::from_slice(&[0_u8, 1, 2, 3, 4, 5, 6, 255]).reshape([4, 2]))?;
    assert!(matches!(&masks, Target::Dense(it) if *it == Tensor::from_slice(&[6_i64, 255, 2, 3]).reshape([2, 2])));

    Tensor::from_slice(&[1_i64, 2]).write_npy(at("y.npy"))?;
    let error = FileItems::new(ArrayFile::npy(at("x.npy"))?, ArrayFile::npy(at("y.npy"))?).expect_err("two lengths");
    assert_eq!(error.to_string(), "the input has 4 items and the target 2, but each item needs both");
    let unlabelled = FileItems::unlabelled(ArrayFile::npy(at("x.npy"))?);
    assert!(!unlabelled.labelled() && unlabelled.name(2).starts_with("row 2 of "));
    Ok(())
}
