//! From a listing to data: images are divided, checked, and kept in memory or decoded for each batch.

use std::collections::HashSet;

use rand::SeedableRng as _;
use rayon::prelude::*;
use tch::{Kind, Tensor};

use super::{
    ImageData, ImageDataset, Source, Split,
    decode::{self, Channels},
    idx,
    pictures::{Pictures, label, prepare},
    tree::{Content, Image, ImageLabel, Listing},
};
use crate::{
    batch::Target,
    data::{
        Collated, Data, DataBuilder, DataError, Dataset, Label, Loader, Sampling, Weighted,
        items::Numbers,
        progress::Progress,
        splits::{PictureFacts, Sizes, Train, thousands},
    },
    rng::Rng,
    transforms::{Chain, Normalize, Picture},
};

impl ImageData {
    /// Reads the headers of all images, and decodes those that fit into [`memory`](Self::memory), on all cores. If this takes over a second,
    /// stderr shows the progress.
    ///
    /// # Errors
    /// [`DataError::Image`], [`DataError::Read`] and [`DataError::TooBig`] for an image that is broken, cannot be read or is
    /// too big, and [`DataError::Images`] for several of them; [`DataError::Sizes`] for images of several sizes, [`DataError::Setting`]
    /// for a transform that can't be used, [`DataError::Split`] if the images can't be divided, [`DataError::BatchSize`] for a batch
    /// size of 0, and [`DataError::NoBatch`] for one that leaves no whole batch.
    pub fn build(mut self) -> Result<Data, DataError> {
        self.options.check(match &self.source {
            Source::Listing(listing) => listing.train.len(),
            Source::Idx(pair) => pair.train.set.len(),
        })?;
        let (listing, split) = match self.as_tensors()? {
            Ok(data) => return Ok(data),
            Err(listing) => (listing, self.split.take()),
        };
        let mut listing = match split {
            Some(split) => divided(listing, &*split)?,
            None => listing,
        };
        let parts = self.parts(&mut listing)?;
        let Parts { train, valid, test, facts, weights } = parts;
        let mut options = self.options;
        if let Some(weights) = weights {
            options.sampler = Some(Sampling::new(Weighted::new(weights)?));
        }
        DataBuilder {
            train: Train::Dataset(train),
            valid,
            test,
            classes: listing.classes,
            options,
            pictures: Some(facts),
        }
        .build()
    }

    /// The images as batches in their own order, to be predicted: `learn.predictions_on(&loader)`. Nothing random happens to them.
    ///
    /// ```no_run
    /// use mixup::{data::ImageData, transforms::{Normalize, Resize}};
    ///
    /// let new = ImageData::unlabelled("new")?.items(Resize::new(224).crop()).normalize(Normalize::IMAGENET).loader()?;
    /// # let _ = new;
    /// # Ok::<(), mixup::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`build`](Self::build).
    pub fn loader(mut self) -> Result<Loader, DataError> {
        (self.augment, self.split) = (Vec::new(), None);
        let batch_size = self.options.valid_batch_size.unwrap_or(self.options.batch_size);
        let mut listing = match self.as_tensors()? {
            Ok(data) => return Ok(data.into_train().shuffle(false)),
            Err(listing) => listing,
        };
        let parts = self.parts(&mut listing)?;
        Ok(Loader::of_part("given", parts.train, batch_size)?.workers(self.options.workers))
    }

    /// The data of IDX files to which nothing happens: their pixels are in a tensor already. Otherwise the images one by one.
    fn as_tensors(&mut self) -> Result<Result<Data, Listing>, DataError> {
        let channels = self.channels;
        let none = Listing { classes: Vec::new(), train: Vec::new(), valid: None, test: None };
        let pair = match std::mem::replace(&mut self.source, Source::Listing(none)) {
            Source::Listing(listing) => return Ok(Err(listing)),
            Source::Idx(pair) => pair,
        };
        let plain = self.items.is_empty() && self.augment.is_empty() && self.split.is_none() && !self.balanced;
        if !plain || self.normalize == Some(Normalize::from_data()) {
            return Ok(Err(one_by_one(*pair)?));
        }
        if let Some(normalize) = &self.normalize {
            normalize.check(channels.count())?;
        }
        let classes = pair.classes();
        let counted = |set: &ImageDataset| -> Result<Vec<usize>, DataError> {
            Ok(counts(Vec::<i64>::try_from(set.labels())?.into_iter().map(Some), classes.len()))
        };
        let valid_counts = pair.valid.as_ref().map(|part| Ok::<_, DataError>(("validation", counted(&part.set)?)));
        let counts = [Some(Ok(("training", counted(&pair.train.set)?))), valid_counts];
        let counts = counts.into_iter().flatten().collect::<Result<_, _>>()?;
        let facts = PictureFacts {
            skipped: Vec::new(),
            kept: true,
            preparation: self.preparation(self.normalize),
            sizes: None,
            counts,
        };
        let keep = |set: ImageDataset| -> Result<Box<dyn Dataset>, DataError> {
            let set = if channels == Channels::Rgb { set.tripled()? } else { set };
            Ok(Box::new(set.to_device(self.device)?.normalize(self.normalize.as_ref())?))
        };
        let idx::Pair { train, valid } = *pair;
        let (train, valid) = (keep(train.set)?, valid.map(|part| keep(part.set)).transpose()?);
        let options = self.options.clone();
        let builder =
            DataBuilder { train: Train::Dataset(train), valid, test: None, classes, options, pictures: Some(facts) };
        builder.build().map(Ok)
    }

    /// The data set of each part.
    fn parts(&self, listing: &mut Listing) -> Result<Parts, DataError> {
        let (all, augment) =
            (Chain::new(self.items.clone()), Chain::new(self.items.iter().chain(&self.augment).cloned()));
        augment.check()?;
        if let Some(normalize) = &self.normalize {
            normalize.check(self.channels.count())?;
        }
        let count = listing.images().count();
        let progress = Progress::new(format!("reading {} images", thousands(count)), count as u64);
        let skipped = if self.skip_bad { leave_out_bad(listing, self.channels, &progress) } else { Vec::new() };
        let sizes = sizes(listing, &progress)?;
        drop(progress);
        let maker = Make { data: self, all, augment };
        maker.check_sizes(listing, &sizes)?;
        let kept = maker.bytes(&sizes) <= self.memory;
        if !kept {
            tracing::info!(
                "the {} images are decoded for each batch: they would take over {} bytes",
                thousands(count),
                self.memory
            );
        }
        let range = range(&sizes);
        let classes = listing.classes.len();
        let of_part = |(part, images): (&'static str, &[Image])| {
            (part, counts(images.iter().map(|image| image.label.class()), classes))
        };
        let counts = listing.parts().map(of_part).collect();
        let weights = self.balanced.then(|| weights(&listing.train, classes)).transpose()?;
        let made = maker.parts(listing, &sizes, kept);
        let (train, valid, test, normalize) = made.map_err(|error| all_bad(listing, self.channels, error))?;
        Ok(Parts {
            train,
            valid,
            test,
            facts: PictureFacts { skipped, kept, preparation: self.preparation(normalize), sizes: range, counts },
            weights,
        })
    }
}

/// The data sets, and what happened to the pictures.
struct Parts {
    train: Box<dyn Dataset>,
    valid: Option<Box<dyn Dataset>>,
    test: Option<Box<dyn Dataset>>,
    facts: PictureFacts,
    /// How often the training images are drawn, if that differs.
    weights: Option<Vec<f64>>,
}

type Made = (Box<dyn Dataset>, Option<Box<dyn Dataset>>, Option<Box<dyn Dataset>>, Option<Normalize>);

/// Makes the data sets.
struct Make<'a> {
    data: &'a ImageData,
    /// What happens to all images.
    all: Chain,
    /// What happens to those for training.
    augment: Chain,
}

impl Make<'_> {
    /// Checks that the images of a batch will have one size. Where the transforms decide it, they do.
    fn check_sizes(&self, listing: &Listing, sizes: &[(u32, u32)]) -> Result<(), DataError> {
        let train = listing.train.len();
        let by_header = |index: &usize| if *index < train { self.augment.size() } else { self.all.size() }.is_none();
        let images = listing.images().zip(sizes.iter().copied()).enumerate();
        let images = images.filter(|(index, _)| by_header(index)).map(|(_, image)| image);
        decode::several_sizes(images).map_or(Ok(()), Err)
    }

    /// How many bytes the pictures take if they are kept.
    fn bytes(&self, sizes: &[(u32, u32)]) -> u64 {
        let (fixed, _) = self.all.cut();
        let pixels = |&(width, height): &(u32, u32)| u64::from(width) * u64::from(height);
        let pixels = match fixed.size() {
            Some(size) => pixels(&size).saturating_mul(sizes.len() as u64),
            None => sizes.iter().map(pixels).fold(0, u64::saturating_add),
        };
        pixels.saturating_mul(self.data.channels.count() as u64)
    }

    fn parts(&self, listing: &mut Listing, sizes: &[(u32, u32)], kept: bool) -> Result<Made, DataError> {
        let count = listing.images().count();
        let progress = Progress::new(format!("decoding {} images", thousands(count)), count as u64);
        let normalize = match self.data.normalize {
            Some(given) if given.numbers().is_none() => Some(self.measure(&listing.train)?),
            given => given,
        };
        let classes = listing.classes.len();
        let size = sizes.first().copied();
        let part = |images: &mut Vec<Image>, chain: &Chain| {
            let size = chain.size().or(size);
            self.part(images, chain, size, classes, kept.then_some(&progress), normalize.as_ref())
        };
        let train = part(&mut listing.train, &self.augment)?;
        let valid = listing.valid.as_mut().map(|images| part(images, &self.all)).transpose()?;
        let test = listing.test.as_mut().map(|images| part(images, &self.all)).transpose()?;
        Ok((train, valid, test, normalize))
    }

    /// The data set of a part: a tensor if the pictures are kept and nothing random happens to them.
    fn part(
        &self,
        images: &mut Vec<Image>,
        chain: &Chain,
        size: Option<(u32, u32)>,
        classes: usize,
        keep: Option<&Progress>,
        normalize: Option<&Normalize>,
    ) -> Result<Box<dyn Dataset>, DataError> {
        let channels = self.data.channels;
        let (fixed, random) = chain.cut();
        let rng = Rng::seed_from_u64(0); // nothing draws from it
        let prepare = |image: &Image| prepare(image, channels, &fixed, &rng);
        if let (Some(progress), true, Some((width, height))) = (keep, random.is_empty(), size) {
            let pixels = decode::pixels(images, (channels, width, height), prepare, progress)?;
            let labelled = !images.iter().any(|image| image.label == ImageLabel::Unknown);
            let names = images.iter().map(|image| image.name.display().to_string());
            let set = ImageDataset::of(pixels, target(images, classes)?, labelled).named(names);
            return Ok(Box::new(set.to_device(self.data.device)?.normalize(normalize)?));
        }
        let kept = keep.map(|progress| {
            let picture = |image: &Image| {
                progress.step(1);
                prepare(image)
            };
            images.par_iter().map(picture).collect::<Result<Vec<Picture>, _>>()
        });
        let kept = kept.transpose()?;
        let images = std::mem::take(images);
        let pictures = Pictures { images, kept, channels, fixed, random, classes, size };
        Ok(Box::new(Collated::new(pictures).normalize(normalize.copied())))
    }

    /// The means and deviations of some of the images.
    fn measure(&self, images: &[Image]) -> Result<Normalize, DataError> {
        let (fixed, _) = self.all.cut();
        let (channels, rng) = (self.data.channels, Rng::seed_from_u64(0));
        let step = images.len().div_ceil(1000).max(1);
        let chosen: Vec<&Image> = images.iter().step_by(step).collect();
        let sums = |image: &&Image| {
            let picture = prepare(image, channels, &fixed, &rng)?;
            let mut sums = vec![[0_u64; 3]; channels.count()];
            for pixel in picture.pixels().chunks_exact(channels.count()) {
                for (sums, &byte) in sums.iter_mut().zip(pixel) {
                    let byte = u64::from(byte);
                    *sums = [sums[0] + 1, sums[1] + byte, sums[2] + byte * byte];
                }
            }
            Ok(sums)
        };
        let none = || vec![[0_u64; 3]; channels.count()];
        let add = |mut total: Vec<[u64; 3]>, sums: Vec<[u64; 3]>| {
            total.iter_mut().zip(sums).for_each(|(total, sums)| {
                total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
            });
            total
        };
        let all: Result<Vec<_>, DataError> = chosen.par_iter().map(sums).collect();
        Ok(Normalize::of_sums(&all?.into_iter().fold(none(), add)))
    }
}

/// Divides the training images.
fn divided(listing: Listing, split: &dyn Split) -> Result<Listing, DataError> {
    if listing.valid.is_some() {
        let reason =
            "there are images for validation already: leave out `split`, or move them to the others".to_owned();
        return Err(DataError::Split { reason });
    }
    let files: Vec<_> = listing.train.iter().map(|image| image.name.as_path()).collect();
    let classes: Vec<_> = listing.train.iter().map(|image| image.label.class()).collect();
    let is_valid = split.valid(&files, &classes)?;
    if is_valid.len() != listing.train.len() {
        let reason = format!("it answers for {} of {} images", is_valid.len(), listing.train.len());
        return Err(DataError::Split { reason });
    }
    let (mut train, mut valid) = (Vec::new(), Vec::new());
    for (image, is_valid) in listing.train.into_iter().zip(is_valid) {
        if is_valid { &mut valid } else { &mut train }.push(image);
    }
    for (part, images) in [("training", &train), ("validation", &valid)] {
        if images.is_empty() {
            return Err(DataError::Split { reason: format!("it leaves no image for {part}") });
        }
    }
    Ok(Listing { train, valid: Some(valid), ..listing })
}

/// The sizes of all images; the error names all that can't be read.
fn sizes(listing: &Listing, progress: &Progress) -> Result<Vec<(u32, u32)>, DataError> {
    let images: Vec<&Image> = listing.images().collect();
    let (mut sizes, mut errors) = (Vec::new(), Vec::new());
    for size in decode::sizes(&images, progress) {
        match size {
            Ok(size) => sizes.push(size),
            Err(error) => errors.push(error),
        }
    }
    several(errors).map_or(Ok(sizes), Err)
}

/// Leaves out images that can't be decoded, and returns their errors.
fn leave_out_bad(listing: &mut Listing, channels: Channels, progress: &Progress) -> Vec<DataError> {
    let images: Vec<&Image> = listing.images().collect();
    let faults = decode::faults(&images, channels, progress);
    let mut whole = faults.iter().map(Option::is_none).collect::<Vec<_>>().into_iter();
    listing.retain(|_| whole.next().unwrap_or(true));
    faults.into_iter().flatten().collect()
}

/// The errors of all images that can't be decoded, after one of them failed.
fn all_bad(listing: &Listing, channels: Channels, error: DataError) -> DataError {
    if !matches!(error, DataError::Image { .. } | DataError::Read { .. } | DataError::TooBig { .. }) {
        return error;
    }
    let images: Vec<&Image> = listing.images().collect();
    let progress = Progress::new("looking for other bad images".to_owned(), images.len() as u64);
    let faults = decode::faults(&images, channels, &progress);
    several(faults.into_iter().flatten().collect()).unwrap_or(error)
}

/// One error for several images; `None` if there is none.
fn several(mut errors: Vec<DataError>) -> Option<DataError> {
    if errors.len() > 1 { Some(DataError::Images { errors }) } else { errors.pop() }
}

/// The smallest and the largest size, by their pixels, and how many there are.
fn range(sizes: &[(u32, u32)]) -> Option<Sizes> {
    let pixels = |size: &&(u32, u32)| u64::from(size.0) * u64::from(size.1);
    let different: HashSet<_> = sizes.iter().collect();
    let (smallest, largest) = (*sizes.iter().min_by_key(pixels)?, *sizes.iter().max_by_key(pixels)?);
    Some(Sizes { smallest, largest, different: different.len() })
}

/// How many images there are of each class; empty if some have no class, or several.
fn counts(labels: impl Iterator<Item = Option<i64>>, classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for label in labels {
        match label.and_then(|class| counts.get_mut(usize::try_from(class).ok()?)) {
            Some(count) => *count += 1,
            None => return Vec::new(),
        }
    }
    counts
}

/// For each image, one over the number of images of its class.
fn weights(images: &[Image], classes: usize) -> Result<Vec<f64>, DataError> {
    let counts = counts(images.iter().map(|image| image.label.class()), classes);
    let weight = |image: &Image| {
        let count = image.label.class().and_then(|class| counts.get(usize::try_from(class).ok()?));
        count.map(|count| 1.0 / *count as f64).ok_or(DataError::Unbalanced)
    };
    images.iter().map(weight).collect()
}

/// The targets of all images.
fn target(images: &[Image], classes: usize) -> Result<Target, DataError> {
    let (mut indices, mut numbers) = (Vec::new(), Vec::new());
    for image in images {
        match label(&image.label, classes)? {
            Label::Class(class) => indices.push(class),
            Label::Dense(array) => {
                if let Numbers::Floats(floats) = array.numbers() {
                    numbers.extend_from_slice(floats);
                }
            }
        }
    }
    if numbers.is_empty() {
        return Ok(Target::Classes(Tensor::f_from_slice(&indices)?));
    }
    let numbers = Tensor::f_from_slice(&numbers)?.f_reshape([images.len() as i64, -1])?;
    Ok(Target::Dense(numbers))
}

/// The images of IDX files, one by one.
fn one_by_one(pair: idx::Pair) -> Result<Listing, DataError> {
    let classes = pair.classes();
    let images = |part: idx::Part| -> Result<Vec<Image>, DataError> {
        let size = part.set.pixels().size();
        let [h, w] = [2, 3].map(|dim| size.get(dim).copied().unwrap_or(1));
        let pixels = Vec::<u8>::try_from(part.set.pixels().f_reshape([-1])?)?;
        let labels = Vec::<i64>::try_from(part.set.labels().f_to_kind(Kind::Int64)?)?;
        let image = |(index, (pixels, label)): (usize, (&[u8], i64))| {
            let picture = Picture::new(w as u32, h as u32, 1, pixels.to_vec())?;
            let name = format!("{}, image {index}", part.images.display()).into();
            Ok(Image { name, label: ImageLabel::Class(label), content: Content::Pixels(picture) })
        };
        pixels.chunks_exact((h * w).max(1) as usize).zip(labels).enumerate().map(image).collect()
    };
    Ok(Listing { classes, train: images(pair.train)?, valid: pair.valid.map(images).transpose()?, test: None })
}
