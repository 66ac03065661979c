//! Files for the targets that read whole files: an arbitrary file whose digest is made right, so that what is behind the digest is read too.

#[path = "../../../mixup-runtime/src/files/damage.rs"]
#[allow(dead_code, reason = "kinds of damage that only the reader of tensors finds")]
mod damage;
#[path = "../../../mixup-runtime/src/files/layout.rs"]
#[allow(dead_code, reason = "the reader checks what is written here")]
mod layout;

use std::{fmt::Write as _, fs, path::PathBuf};

use layout::{Layout, PREFIX};
use sha2::{Digest as _, Sha256};

/// The file in the form in which the library writes it, with the right digest; as it is, if it can't be brought into that form.
pub fn sealed(file: &[u8]) -> Vec<u8> {
    try_sealed(file).unwrap_or_else(|| file.to_vec())
}

fn try_sealed(file: &[u8]) -> Option<Vec<u8>> {
    let bytes = Layout::header_len(*file.first_chunk::<PREFIX>()?, file.len() as u64).ok()?;
    let (header, numbers) = file.get(PREFIX..)?.split_at_checked(bytes)?;
    let layout = Layout::read(header, file.len() as u64).ok()?;
    let tensors = layout.tensors.into_iter().map(|place| (place.name, place.dtype, place.shape));
    let layout = Layout::new(layout.metadata, tensors).ok()?;
    let mut hash = Sha256::new_with_prefix(layout.header_to_digest().ok()?);
    hash.update(numbers);
    let digest = hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let mut sealed = layout.header(&digest).ok()?;
    sealed.extend_from_slice(numbers);
    Some(sealed)
}

/// A folder of this process's own, in memory where the system has such a place.
pub fn folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let parent = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let folder = parent.join(format!("mixup-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("it can be written");
    folder
}
