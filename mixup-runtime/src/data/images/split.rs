//! Divides images into those for training and those for validation.

use std::{collections::BTreeMap, fmt, path::Path};

use rand::{SeedableRng as _, seq::SliceRandom as _};

use crate::{data::DataError, rng::Rng};

/// Chooses the images for validation, where there is no folder for them.
pub trait Split: 'static {
    /// Returns for each image whether it is for validation. `files` are in the data's order; `classes` has the class of each, if it has one.
    ///
    /// # Errors
    /// If the images can't be divided. Wrap your own errors with [`DataError::other`].
    fn valid(&self, files: &[&Path], classes: &[Option<i64>]) -> Result<Vec<bool>, DataError>;
}

/// Chooses a share of the images at random: the same ones for the same seed and the same files.
///
/// ```no_run
/// use mixup::data::{ImageData, RandomSplit};
///
/// let data = ImageData::from_folder("photos")?.split(RandomSplit::new(0.2, 42).stratified()).build()?;
/// # let _ = data;
/// # Ok::<(), mixup::data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomSplit {
    share: f64,
    seed: u64,
    stratified: bool,
}

impl RandomSplit {
    /// Chooses this share, such as 0.2, with this seed.
    #[must_use]
    pub fn new(share: f64, seed: u64) -> Self {
        Self { share, seed, stratified: false }
    }

    /// Chooses the share from each class, so that rare ones are in both parts.
    #[must_use]
    pub fn stratified(self) -> Self {
        Self { stratified: true, ..self }
    }
}

impl Split for RandomSplit {
    fn valid(&self, files: &[&Path], classes: &[Option<i64>]) -> Result<Vec<bool>, DataError> {
        if !(0.0 < self.share && self.share < 1.0) {
            return Err(DataError::Split {
                reason: format!("the share is {}, but it must be between 0 and 1", self.share),
            });
        }
        let mut valid = vec![false; files.len()];
        for group in shuffled(classes, self.seed, self.stratified) {
            let count = (self.share * group.len() as f64).round() as usize;
            group.iter().take(count).for_each(|&index| valid[index] = true);
        }
        Ok(valid)
    }
}

/// One of k folds: each image is for validation in exactly one of them. Train k times, with `fold` from 0 to k − 1, and average.
///
/// ```no_run
/// use mixup::data::{ImageData, KFold};
///
/// for fold in 0..5 {
///     let data = ImageData::from_folder("photos")?.split(KFold::new(fold, 5, 42).stratified()).build()?;
///     # let _ = data;
/// }
/// # Ok::<(), mixup::data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KFold {
    fold: usize,
    of: usize,
    seed: u64,
    stratified: bool,
}

impl KFold {
    /// Chooses fold `fold`, counted from 0, of `of` folds. The seed must be the same for all of them.
    #[must_use]
    pub fn new(fold: usize, of: usize, seed: u64) -> Self {
        Self { fold, of, seed, stratified: false }
    }

    /// Divides each class among the folds.
    #[must_use]
    pub fn stratified(self) -> Self {
        Self { stratified: true, ..self }
    }
}

impl Split for KFold {
    fn valid(&self, files: &[&Path], classes: &[Option<i64>]) -> Result<Vec<bool>, DataError> {
        if self.fold >= self.of || self.of < 2 {
            let reason = format!(
                "there is no fold {} of {}: folds are counted from 0, and there are at least two",
                self.fold, self.of
            );
            return Err(DataError::Split { reason });
        }
        let mut valid = vec![false; files.len()];
        let order = shuffled(classes, self.seed, self.stratified).concat();
        order.iter().skip(self.fold).step_by(self.of).for_each(|&index| valid[index] = true);
        Ok(valid)
    }
}

/// The indices in a random order, in groups of one class, or as one group.
fn shuffled(classes: &[Option<i64>], seed: u64, stratified: bool) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.shuffle(&mut Rng::seed_from_u64(seed));
    let mut groups: BTreeMap<Option<i64>, Vec<usize>> = BTreeMap::new();
    for index in order {
        groups.entry(classes[index].filter(|_| stratified)).or_default().push(index);
    }
    groups.into_values().collect()
}

/// Chooses images by their files: `NameSplit::new(|file| file.starts_with("photos/2024"))`.
pub struct NameSplit<F>(F);

impl<F: Fn(&Path) -> bool + 'static> NameSplit<F> {
    /// Chooses the images for which `valid` returns true. It gets the path of each image as it is opened.
    pub fn new(valid: F) -> Self {
        Self(valid)
    }
}

impl<F: Fn(&Path) -> bool + 'static> Split for NameSplit<F> {
    fn valid(&self, files: &[&Path], _: &[Option<i64>]) -> Result<Vec<bool>, DataError> {
        Ok(files.iter().map(|file| (self.0)(file)).collect())
    }
}

impl<F> fmt::Debug for NameSplit<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameSplit")
    }
}
