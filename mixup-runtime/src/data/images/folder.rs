//! Lists a folder of images: `train/<class>/…` and, if there is one, `valid/<class>/…`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    path::{metadata, refuse_special, require_folder},
    tree::{Content, Listing, Part, TRAIN, VALID, is_hidden, is_image},
};
use crate::data::DataError;

/// Lists the images below `root` without opening them.
pub(super) fn list(root: &Path) -> Result<Listing, DataError> {
    require_folder(root)?;
    let train = root.join(TRAIN);
    if !train.is_dir() {
        return Err(DataError::MissingFolder { folder: train });
    }
    let valid = VALID.iter().map(|name| root.join(name)).find(|folder| folder.is_dir());
    Listing::new(part(&train)?, valid.as_deref().map(part).transpose()?)
}

fn part(folder: &Path) -> Result<Part, DataError> {
    let mut part = Part::new(folder.to_owned());
    for path in children(folder)? {
        if let (Some(class), true) = (path.file_name(), metadata(&path)?.is_dir()) {
            walk(&path, Path::new(""), part.class(class))?;
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
