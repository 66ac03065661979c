//! `train/<class>`, `valid/<class>` and `test`: a listing of the images, before any of them is decoded.
//!
//! Folders and archives both use it, so both follow the same rules. Everything is sorted by its path, whatever the order of
//! the file system or the archive.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use crate::{data::DataError, transforms::Picture};

/// The folders of the training data; the first that exists counts, here and below. fastai's MNIST has `training` and `testing`.
pub(super) const TRAIN: [&str; 2] = ["train", "training"];
/// The folders of the validation data.
pub(super) const VALID: [&str; 2] = ["valid", "val"];
/// The folders of the test data.
pub(super) const TEST: [&str; 2] = ["test", "testing"];

/// The largest file that is read as an image, in bytes: a limit against files that are made to exhaust the memory.
pub(super) const MAX_FILE_SIZE: u64 = 256 << 20;

/// Where the bytes of an image are.
pub(super) enum Content {
    /// In a file.
    File(PathBuf),
    /// In memory, read from an archive.
    Memory(Vec<u8>),
    /// In memory, as pixels.
    Pixels(Picture),
}

/// One image, not yet decoded.
pub(super) struct Image {
    /// The name of the image in errors.
    pub(super) name: PathBuf,
    pub(super) label: ImageLabel,
    pub(super) content: Content,
}

/// What is known of an image.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ImageLabel {
    Unknown,
    /// The index of its class.
    Class(i64),
    /// The indices of all of its classes.
    Several(Vec<usize>),
    Numbers(Vec<f32>),
}

impl ImageLabel {
    pub(super) fn class(&self) -> Option<i64> {
        if let Self::Class(class) = self { Some(*class) } else { None }
    }
}

/// All images by part, and the names of the classes.
pub(super) struct Listing {
    pub(super) classes: Vec<String>,
    pub(super) train: Vec<Image>,
    pub(super) valid: Option<Vec<Image>>,
    pub(super) test: Option<Vec<Image>>,
}

/// One part (`train`, `valid` or `test`): its classes, and the images of each class by their path below it.
pub(super) struct Part {
    folder: PathBuf,
    classes: BTreeMap<OsString, BTreeMap<PathBuf, Content>>,
    /// Images that are in no folder of a class.
    pub(super) loose: BTreeMap<PathBuf, Content>,
}

impl Part {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, classes: BTreeMap::new(), loose: BTreeMap::new() }
    }

    /// Adds a class, which may stay empty, and returns its images.
    pub(super) fn class(&mut self, class: &OsStr) -> &mut BTreeMap<PathBuf, Content> {
        self.classes.entry(class.to_owned()).or_default()
    }

    pub(super) fn classes(&self) -> usize {
        self.classes.len()
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
        self.check()?;
        let mut all = Vec::new();
        for (class, images) in self.classes {
            let folder = self.folder.join(&class);
            let Some(label) = names.binary_search(&class).ok().and_then(|label| i64::try_from(label).ok()) else {
                let class = class.to_string_lossy().into_owned();
                return Err(DataError::UnknownClass { class, place: self.folder });
            };
            let image = |(path, content)| Image { name: folder.join(path), label: ImageLabel::Class(label), content };
            all.extend(images.into_iter().map(image));
        }
        Ok(all)
    }

    /// The images of `test`: with their classes if all are in folders of classes, otherwise without; `None` if there are none.
    fn tests(self, names: &[OsString]) -> Result<Option<Vec<Image>>, DataError> {
        if self.loose.is_empty() {
            return if self.classes.values().all(BTreeMap::is_empty) { Ok(None) } else { self.images(names).map(Some) };
        }
        let mut all = self.loose;
        for (class, images) in self.classes {
            all.extend(images.into_iter().map(|(path, content)| (Path::new(&class).join(path), content)));
        }
        let image = |(path, content)| Image { name: self.folder.join(path), label: ImageLabel::Unknown, content };
        Ok(Some(all.into_iter().map(image).collect()))
    }
}

impl Listing {
    /// Combines all parts after checking that no class is empty and that every class of `valid` and `test` is in `train`.
    pub(super) fn new(train: Part, valid: Option<Part>, test: Option<Part>) -> Result<Self, DataError> {
        let names: Vec<OsString> = train.classes.keys().cloned().collect();
        let train = train.images(&names)?;
        let valid = valid.map(|part| part.images(&names)).transpose()?;
        let test = test.map(|part| part.tests(&names)).transpose()?.flatten();
        let classes = names.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        Ok(Self { classes, train, valid, test })
    }

    /// The parts with their names.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&'static str, &[Image])> {
        let rest = [("validation", &self.valid), ("test", &self.test)];
        let rest = rest.into_iter().filter_map(|(name, part)| Some((name, part.as_deref()?)));
        std::iter::once(("training", self.train.as_slice())).chain(rest)
    }

    pub(super) fn images(&self) -> impl Iterator<Item = &Image> {
        self.parts().flat_map(|(_, images)| images)
    }

    /// Keeps the images for which `keep`, which is asked for each in the order of [`images`](Self::images), returns true.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Image) -> bool) {
        self.train.retain(&mut keep);
        for part in [&mut self.valid, &mut self.test].into_iter().flatten() {
            part.retain(&mut keep);
        }
    }
}

/// The endings of images' names.
const ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "webp", "bmp", "gif"];

/// Whether a file is an image, judged by its name.
pub(super) fn is_image(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Whether a file or folder does not belong to the data: `.DS_Store`, `._3.png`, `__MACOSX`.
pub(super) fn is_hidden(name: &OsStr) -> bool {
    name == "__MACOSX" || name.as_encoded_bytes().starts_with(b".")
}
