//! Labels from the names of the files.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use regex::Regex;

use super::{
    folder::all_images,
    tree::{Content, Image, ImageLabel, Listing},
};
use crate::data::DataError;

/// The images below a folder, with the class that `label` reads from each path in it.
pub(super) fn list(folder: &Path, label: impl Fn(&Path) -> Option<String>) -> Result<Listing, DataError> {
    let images = all_images(folder)?;
    let labels: Vec<Option<String>> = images.keys().map(|path| label(path)).collect();
    let without: Vec<PathBuf> =
        images.keys().zip(&labels).filter(|(_, label)| label.is_none()).map(|(path, _)| folder.join(path)).collect();
    if let Some(first) = without.first() {
        return Err(DataError::NoLabel { file: first.clone(), files: without });
    }
    let classes: BTreeSet<String> = labels.iter().flatten().cloned().collect();
    let classes: Vec<String> = classes.into_iter().collect();
    let image = |((path, content), label): ((PathBuf, Content), Option<String>)| {
        let class = label.and_then(|label| classes.binary_search(&label).ok()).unwrap_or_default();
        Image { name: folder.join(path), label: ImageLabel::Class(class as i64), content }
    };
    let train = images.into_iter().zip(labels).map(image).collect();
    Ok(Listing { classes, train, valid: None, test: None })
}

/// The first group that the pattern finds in the name of a file.
pub(super) fn by_pattern(pattern: &str) -> Result<impl Fn(&Path) -> Option<String>, DataError> {
    let refused = |reason: String| DataError::Pattern { pattern: pattern.to_owned(), reason };
    let regex = Regex::new(pattern).map_err(|error| refused(error.to_string()))?;
    if regex.captures_len() < 2 {
        return Err(refused("it has no group: put the part that is the class into parentheses".to_owned()));
    }
    Ok(move |path: &Path| {
        let name = path.file_name()?.to_str()?;
        Some(regex.captures(name)?.get(1)?.as_str().to_owned())
    })
}

/// The images below a folder, of which nothing is known: they are a test part.
pub(super) fn unlabelled(folder: &Path) -> Result<Vec<Image>, DataError> {
    let image = |(path, content)| Image { name: folder.join(path), label: ImageLabel::Unknown, content };
    Ok(all_images(folder)?.into_iter().map(image).collect())
}
