//! Tests of this room: what comes back is what was written, to the bit, or an error.

mod crashes;
mod hostile;
mod round_trip;

use std::{collections::BTreeMap, path::Path};

use tch::{Kind, Tensor};

use super::{Archive, sim::SimDisk};

/// A small archive with tensors of several kinds, an empty one, and one without dimensions.
fn small() -> Archive {
    let metadata = [("epoch", "3"), ("quote", "\"ä\n\u{1F600}")].map(|(name, text)| (name.to_owned(), text.to_owned()));
    let tensors = [
        ("weight", Tensor::from_slice(&[1.0_f32, f32::NAN, -0.0, 1e-40]).reshape([2, 2])),
        ("steps", Tensor::from(7_i64)),
        ("none", Tensor::zeros([0, 3], (Kind::Half, tch::Device::Cpu))),
        ("mask", Tensor::from_slice(&[true, false, true])),
    ];
    let tensors = tensors.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect();
    Archive { metadata: metadata.into(), tensors }
}

/// The bytes of the file that an archive becomes.
fn written(archive: &Archive) -> Vec<u8> {
    let disk = SimDisk::default();
    archive.write(&disk, Path::new("a/file")).expect("a disk that does not fail");
    disk.files().remove(Path::new("a/file")).expect("it was written")
}

/// Kind, shape and bytes of each tensor: equal only if all is equal to the bit.
type Bits = (BTreeMap<String, String>, BTreeMap<String, (Kind, Vec<i64>, Vec<u8>)>);

fn bits(archive: &Archive) -> Bits {
    let bits = |tensor: &Tensor| {
        let (kind, shape) = (tensor.kind(), tensor.size());
        let mut bytes = vec![0; tensor.numel() * kind.elt_size_in_bytes()];
        tensor.copy_data_u8(&mut bytes, tensor.numel());
        (kind, shape, bytes)
    };
    let tensors = archive.tensors.iter().map(|(name, tensor)| (name.clone(), bits(tensor)));
    (archive.metadata.clone(), tensors.collect())
}
