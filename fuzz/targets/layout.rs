//! Arbitrary bytes as the header of a file of ours or of others: nothing panics, what is read covers the file exactly, and what counts as ours is
//! in the form in which we write it.
//!
//! The runtime can't be linked without libtorch, so the files that know no tensors are included here.
#![no_main]
#![forbid(unsafe_code)]
#![allow(dead_code, reason = "kinds of damage that only the reader of tensors finds")]

#[path = "../../mixup-runtime/src/files/damage.rs"]
mod damage;
#[path = "../../mixup-runtime/src/files/layout.rs"]
mod layout;

use layout::{Layout, PREFIX};

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let Some(prefix) = file.first_chunk::<PREFIX>() else { return };
    let Ok(bytes) = Layout::header_len(*prefix, file.len() as u64) else { return };
    let (header, tensors) = file[PREFIX..].split_at(bytes);
    let Ok(layout) = Layout::read(header, file.len() as u64) else { return };
    let covered: usize = layout.tensors.iter().map(|place| place.bytes).sum();
    assert_eq!(covered, tensors.len());
    if let Ok(digest) = layout.check(header) {
        assert!(layout.ours);
        assert_eq!(layout.header(digest).expect("it was read"), file[..PREFIX + bytes]);
        assert_eq!(layout.header_to_digest().expect("it was read").len(), PREFIX + bytes);
        let again = layout.tensors.into_iter().map(|place| (place.name, place.dtype, place.shape));
        let again = Layout::new(layout.metadata, again).expect("it was read");
        assert_eq!(again.header_to_digest().expect("it was read").len(), PREFIX + bytes);
    }
});
