//! Gives all pictures one size.

use serde::{Deserialize, Serialize};

use super::{Picture, Recipe, Transform, TransformError, resample::resample};
use crate::rng::Rng;

/// Gives pictures of any size one size, by Pillow's bilinear filter.
///
/// | method | what happens to a picture of another shape |
/// |---|---|
/// | [`squash`](Self::squash), the default | it is stretched |
/// | [`crop`](Self::crop) | its middle is kept, as by torchvision's `Resize` and `CenterCrop` |
/// | [`pad`](Self::pad) | all of it is kept, between black bars |
///
/// ```
/// use mixup::{Rng, transforms::{Picture, Resize, Transform}};
/// use rand::SeedableRng as _;
///
/// let photo = Picture::new(40, 30, 3, vec![200; 3600])?;
/// let small = Resize::new(20).crop().apply(photo, &mut Rng::seed_from_u64(0))?;
/// assert_eq!((small.width(), small.height()), (20, 20));
/// # Ok::<(), mixup::transforms::TransformError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resize {
    width: u32,
    height: u32,
    method: Method,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    Squash,
    Crop,
    Pad,
}

impl Resize {
    /// Resizes to a square of this many pixels each way.
    #[must_use]
    pub fn new(size: u32) -> Self {
        Self::to(size, size)
    }

    /// Resizes to a width and a height.
    #[must_use]
    pub fn to(width: u32, height: u32) -> Self {
        Self { width, height, method: Method::Squash }
    }

    /// Stretches the picture, which is the default.
    #[must_use]
    pub fn squash(self) -> Self {
        Self { method: Method::Squash, ..self }
    }

    /// Keeps the middle: the picture just covers the size, and what stands over is cut off.
    #[must_use]
    pub fn crop(self) -> Self {
        Self { method: Method::Crop, ..self }
    }

    /// Keeps all of the picture, which just fits into the size; the rest is black.
    #[must_use]
    pub fn pad(self) -> Self {
        Self { method: Method::Pad, ..self }
    }

    /// The size with the picture's shape: the smallest that covers the wanted size, or the largest that fits into it. The fraction of a pixel is
    /// dropped, as torchvision does.
    fn scaled(self, picture: &Picture) -> (u32, u32) {
        let [w, h] = [picture.width(), picture.height()].map(u64::from);
        let [width, height] = [self.width, self.height].map(u64::from);
        let wider = w * height > h * width;
        let (w, h) =
            if wider == (self.method == Method::Crop) { (height * w / h, height) } else { (width, width * h / w) };
        [w, h].map(|side| u32::try_from(side.max(1)).unwrap_or(u32::MAX)).into()
    }

    /// Cuts the ends off a strip that would become more than eight times as long as the part that is kept: resized as a whole, a line of pixels
    /// could fill the memory.
    fn without_far_ends(self, picture: Picture) -> Picture {
        let (width, height) = self.scaled(&picture);
        let [w, h] = [picture.width(), picture.height()];
        let kept = |side: u32, scaled: u32, wanted: u32| {
            let longest = u64::from(wanted) * 8;
            if u64::from(scaled) <= longest {
                side
            } else {
                (u64::from(side) * longest / u64::from(scaled)).max(1) as u32
            }
        };
        middle(&picture, kept(w, width, self.width), kept(h, height, self.height)).unwrap_or(picture)
    }
}

impl Transform for Resize {
    fn apply(&self, picture: Picture, _: &mut Rng) -> Result<Picture, TransformError> {
        let picture = if self.method == Method::Crop { self.without_far_ends(picture) } else { picture };
        let (width, height) = match self.method {
            Method::Squash => (self.width, self.height),
            Method::Crop | Method::Pad => self.scaled(&picture),
        };
        let resized = resample(picture, width, height)?;
        Ok(middle(&resized, self.width, self.height).unwrap_or(resized))
    }

    fn size(&self) -> Option<(u32, u32)> {
        Some((self.width, self.height))
    }

    fn random(&self) -> bool {
        false
    }

    fn recipe(&self) -> Option<Recipe> {
        Some(Recipe::Resize(*self))
    }

    fn check(&self) -> Result<(), TransformError> {
        TransformError::check_size("Resize", (self.width, self.height))
    }
}

/// The middle of a picture, with black around it where the picture is smaller; `None` if the picture has this size.
pub(super) fn middle(picture: &Picture, width: u32, height: u32) -> Option<Picture> {
    let [w, h] = [picture.width(), picture.height()];
    ((w, h) != (width, height)).then(|| picture.cut(begin(w, width), begin(h, height), width, height))
}

/// Where the middle begins. A half is rounded to the even number, as torchvision does; padding puts the odd pixel at the end.
fn begin(whole: u32, part: u32) -> i64 {
    if whole < part { -i64::from((part - whole) / 2) } else { (f64::from(whole - part) / 2.0).round_ties_even() as i64 }
}
