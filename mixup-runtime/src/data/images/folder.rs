//! Lists folders of images: `train/<class>/…`, `valid/<class>/…` and `test/…`, or `<class>/…` alone.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    path::{metadata, refuse_special, require_folder},
    tree::{Content, Listing, Part, TEST, TRAIN, VALID, is_hidden, is_image},
};
use crate::data::DataError;

/// Lists the images below `root` without opening them. Without `train`, the folders of `root` itself are the classes; there must be two of
/// them, because a single folder is more often something else.
pub(super) fn list(root: &Path) -> Result<Listing, DataError> {
    require_folder(root)?;
    let first = |names: [&str; 2]| names.into_iter().map(|name| root.join(name)).find(|folder| folder.is_dir());
    let own = first(TRAIN);
    let train = match &own {
        Some(own) => part(own, &[])?,
        None => part(root, &[VALID, TEST].concat())?,
    };
    if own.is_none() && train.classes() < 2 {
        return Err(DataError::MissingFolder { folder: root.join(TRAIN[0]) });
    }
    let other = |folder: Option<PathBuf>| folder.map(|folder| part(&folder, &[])).transpose();
    Listing::new(train, other(first(VALID))?, other(first(TEST))?)
}

/// All images below a folder, by their paths in it.
pub(super) fn all_images(folder: &Path) -> Result<BTreeMap<PathBuf, Content>, DataError> {
    require_folder(folder)?;
    let mut images = BTreeMap::new();
    walk(folder, Path::new(""), &mut images)?;
    if images.is_empty() { Err(DataError::NoImages { folder: folder.to_owned() }) } else { Ok(images) }
}

/// A part, without the folders in `besides`.
fn part(folder: &Path, besides: &[&str]) -> Result<Part, DataError> {
    let mut part = Part::new(folder.to_owned());
    for path in children(folder)? {
        let Some(name) = path.file_name().filter(|name| !besides.iter().any(|other| name == other)) else { continue };
        if metadata(&path)?.is_dir() {
            walk(&path, Path::new(""), part.class(name))?;
        } else if is_image(&path) && metadata(&path)?.is_file() {
            part.loose.insert(name.into(), Content::File(path));
        }
    }
    Ok(part)
}

/// The images in a class, including those in folders below it. Linked folders below it are left out, so that links cannot
/// form a cycle.
fn walk(folder: &Path, below: &Path, images: &mut BTreeMap<PathBuf, Content>) -> Result<(), DataError> {
    for path in children(folder)? {
        let Some(name) = path.file_name() else { continue };
        let below = below.join(name);
        if path.is_dir() {
            if !path.is_symlink() {
                walk(&path, &below, images)?;
            }
        } else if is_image(&path) {
            refuse_special(&path)?;
            images.insert(below, Content::File(path));
        }
    }
    Ok(())
}

/// The entries of a folder, without hidden ones.
fn children(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let failed = |cause| DataError::Read { file: folder.to_owned(), cause };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !is_hidden(&entry.file_name()) {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}
