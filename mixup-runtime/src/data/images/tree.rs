//! `train/<class>` and `valid/<class>`: a listing of the images, before any of them is decoded.
//!
//! Folders and archives both use it, so both follow the same rules. Everything is sorted by its path, whatever the order of
//! the file system or the archive.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use crate::data::DataError;

/// The folder of the training data.
pub(super) const TRAIN: &str = "train";
/// The folders of the validation data; the first that exists counts.
pub(super) const VALID: [&str; 2] = ["valid", "val"];

/// The largest file that is read as an image, in bytes: a limit against files that are made to exhaust the memory.
pub(super) const MAX_FILE_SIZE: u64 = 256 << 20;

/// Where the bytes of an image are.
pub(super) enum Content {
    /// In a file.
    File(PathBuf),
    /// In memory, read from an archive.
    Memory(Vec<u8>),
}

/// One image, not yet decoded.
pub(super) struct Image {
    /// The name of the image in errors.
    pub(super) name: PathBuf,
    pub(super) label: i64,
    pub(super) content: Content,
}

/// All images by part, and the names of the classes.
pub(super) struct Listing {
    pub(super) classes: Vec<String>,
    pub(super) train: Vec<Image>,
    pub(super) valid: Option<Vec<Image>>,
}

/// One part (`train` or `valid`): its classes, and the images of each class by their path below it.
pub(super) struct Part {
    folder: PathBuf,
    classes: BTreeMap<OsString, BTreeMap<PathBuf, Content>>,
}

impl Part {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, classes: BTreeMap::new() }
    }

    /// Adds a class, which may stay empty, and returns its images.
    pub(super) fn class(&mut self, class: &OsStr) -> &mut BTreeMap<PathBuf, Content> {
        self.classes.entry(class.to_owned()).or_default()
    }

    /// Checks that neither the part nor any class of it is empty.
    fn check(&self) -> Result<(), DataError> {
        if self.classes.is_empty() {
            return Err(DataError::NoClasses { folder: self.folder.clone() });
        }
        match self.classes.iter().find(|(_, images)| images.is_empty()) {
            Some((class, _)) => Err(DataError::EmptyClass { folder: self.folder.join(class) }),
            None => Ok(()),
        }
    }

    /// The images in the order of their paths, each with the index of its class in `names`.
    fn images(self, names: &[OsString]) -> Result<Vec<Image>, DataError> {
        let mut all = Vec::new();
        for (class, images) in self.classes {
            let folder = self.folder.join(&class);
            let Some(label) = names.binary_search(&class).ok().and_then(|label| i64::try_from(label).ok()) else {
                let class = class.to_string_lossy().into_owned();
                return Err(DataError::UnknownClass { class, place: self.folder });
            };
            all.extend(images.into_iter().map(|(path, content)| Image { name: folder.join(path), label, content }));
        }
        Ok(all)
    }
}

impl Listing {
    /// Combines both parts after checking that no class is empty and that every class of `valid` is in `train`.
    pub(super) fn new(train: Part, valid: Option<Part>) -> Result<Self, DataError> {
        train.check()?;
        let names: Vec<OsString> = train.classes.keys().cloned().collect();
        let train = train.images(&names)?;
        let valid = match valid {
            Some(part) => {
                part.check()?;
                Some(part.images(&names)?)
            }
            None => None,
        };
        let classes = names.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        Ok(Self { classes, train, valid })
    }
}

/// Whether a file is an image, judged by its name.
pub(super) fn is_image(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    ["png", "jpg", "jpeg"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Whether a file or folder does not belong to the data: `.DS_Store`, `._3.png`, `__MACOSX`.
pub(super) fn is_hidden(name: &OsStr) -> bool {
    name == "__MACOSX" || name.as_encoded_bytes().starts_with(b".")
}
