//! Normalization: each channel minus its mean, divided by its standard deviation.

use serde::{Deserialize, Serialize};

use super::TransformError;

/// What the pixels of a batch are normalized with: each channel, from 0 to 1, minus its mean and divided by its standard deviation.
///
/// ```
/// use mixup::transforms::Normalize;
///
/// let own = Normalize::new([0.5, 0.5, 0.5], [0.25, 0.25, 0.25]);
/// assert_ne!(own, Normalize::IMAGENET);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalize(Numbers);

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Numbers {
    Rgb([[f32; 2]; 3]),
    Grey([f32; 2]),
    OfData,
}

impl Normalize {
    /// The means and deviations of `ImageNet`, for which torchvision's and most of timm's weights were trained.
    pub const IMAGENET: Self = Self(Numbers::Rgb([[0.485, 0.229], [0.456, 0.224], [0.406, 0.225]]));

    /// Normalizes with a mean and a standard deviation for red, green and blue.
    #[must_use]
    pub fn new(means: [f32; 3], deviations: [f32; 3]) -> Self {
        let [r, g, b] = [0, 1, 2].map(|channel| [means[channel], deviations[channel]]);
        Self(Numbers::Rgb([r, g, b]))
    }

    /// Normalizes grey pictures.
    #[must_use]
    pub fn grey(mean: f32, deviation: f32) -> Self {
        Self(Numbers::Grey([mean, deviation]))
    }

    /// Normalizes with the means and deviations of the training pictures, without what is random. Of more than 1,000 pictures, 1,000 are looked
    /// at, at equal distances.
    #[must_use]
    pub fn from_data() -> Self {
        Self(Numbers::OfData)
    }

    /// The mean and the deviation of each channel; `None` if the data has to be looked at.
    pub(crate) fn numbers(&self) -> Option<&[[f32; 2]]> {
        match &self.0 {
            Numbers::Rgb(all) => Some(all),
            Numbers::Grey(one) => Some(std::slice::from_ref(one)),
            Numbers::OfData => None,
        }
    }

    /// The numbers of pictures, given the bytes of each channel: how many there are, their sum, and the sum of their squares.
    pub(crate) fn of_sums(channels: &[[u64; 3]]) -> Self {
        let numbers: Vec<[f32; 2]> = channels
            .iter()
            .map(|&[count, sum, squares]| {
                let (count, scale) = (count.max(1) as f64, 255.0);
                let mean = sum as f64 / count;
                let variance = (squares as f64 / count - mean * mean).max(0.0);
                // A channel of one value has no deviation; its smallest difference would be one step.
                [(mean / scale) as f32, ((variance.sqrt() / scale) as f32).max(1.0 / 255.0)]
            })
            .collect();
        match numbers[..] {
            [r, g, b] => Self(Numbers::Rgb([r, g, b])),
            [grey, ..] => Self(Numbers::Grey(grey)),
            [] => Self(Numbers::OfData),
        }
    }

    /// Checks the numbers for pictures with this many channels.
    pub(crate) fn check(&self, pictures: usize) -> Result<(), TransformError> {
        let Some(numbers) = self.numbers() else { return Ok(()) };
        if numbers.len() != pictures {
            return Err(TransformError::NormalizeChannels { given: numbers.len(), pictures });
        }
        let holds =
            numbers.iter().all(|[mean, deviation]| mean.is_finite() && *deviation > 0.0 && deviation.is_finite());
        TransformError::unless(holds, "Normalize", "deviations", format_args!("{numbers:?}"), "finite numbers above 0")
    }

    /// For each channel, what each byte becomes: torchvision's `ToTensor` and `Normalize`, to the last bit.
    pub(crate) fn tables(normalize: Option<&Self>, channels: usize) -> Vec<[f32; 256]> {
        let numbers = normalize.and_then(Self::numbers);
        let table = |channel: usize| {
            let of_channel: Option<&[f32; 2]> = numbers.and_then(|numbers| numbers.get(channel));
            let mut table = [0.0; 256];
            for (byte, out) in table.iter_mut().enumerate() {
                let value = byte as f32 / 255.0;
                *out = of_channel.map_or(value, |[mean, deviation]| (value - mean) / deviation);
            }
            table
        };
        (0..channels).map(table).collect()
    }
}
