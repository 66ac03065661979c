//! Turns pictures by a few degrees.

use rand::RngExt as _;

use super::{AnyTransform, Picture, Transform, TransformError};
use crate::rng::Rng;

/// Turns each picture around its middle by a random angle, as torchvision's `RandomRotation` with bilinear interpolation: the size stays, and the
/// corners become black.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rotate {
    least: f64,
    largest: f64,
}

impl Rotate {
    /// Draws angles of up to this many degrees, either way.
    #[must_use]
    #[expect(clippy::new_ret_no_self, reason = "a list holds transforms of several types")]
    pub fn new(degrees: f64) -> AnyTransform {
        Self::between(-degrees, degrees)
    }

    /// Draws angles between two; positive ones turn counter-clockwise.
    #[must_use]
    pub fn between(least: f64, largest: f64) -> AnyTransform {
        Self { least, largest }.into()
    }
}

impl Transform for Rotate {
    fn apply(&self, picture: Picture, rng: &mut Rng) -> Result<Picture, TransformError> {
        turned(&picture, rng.random_range(self.least..=self.largest))
    }

    fn check(&self) -> Result<(), TransformError> {
        let holds = -360.0 <= self.least && self.least <= self.largest && self.largest <= 360.0;
        let found = format_args!("{} to {}", self.least, self.largest);
        TransformError::unless(holds, "Rotate", "degrees", found, "from -360 to 360, the smaller one first")
    }
}

/// Turns a picture. Each pixel of the result is looked up in the picture between the four pixels around its place, as Pillow does: a place within
/// half a pixel of the edge takes the edge's pixels.
pub(super) fn turned(picture: &Picture, degrees: f64) -> Result<Picture, TransformError> {
    let (w, h, channels) = (picture.width() as usize, picture.height() as usize, picture.channels());
    let (middle_x, middle_y) = (w as f64 / 2.0, h as f64 / 2.0);
    let (sin, cos) = (-degrees.to_radians()).sin_cos();
    let pixels = picture.pixels();
    let mut out = vec![0; pixels.len()];
    for (at, out) in out.chunks_exact_mut(channels).enumerate() {
        let (from_x, from_y) = ((at % w) as f64 + 0.5 - middle_x, (at / w) as f64 + 0.5 - middle_y);
        let (x, y) = (cos * from_x + sin * from_y + middle_x, cos * from_y - sin * from_x + middle_y);
        if !(0.0..w as f64).contains(&x) || !(0.0..h as f64).contains(&y) {
            continue;
        }
        let ((left, right, of_right), (top, bottom, of_bottom)) = (around(x, w), around(y, h));
        let [upper_left, upper_right, lower_left, lower_right] =
            [(top, left), (top, right), (bottom, left), (bottom, right)]
                .map(|(y, x)| &pixels[(y * w + x) * channels..][..channels]);
        for (channel, out) in out.iter_mut().enumerate() {
            let mix = |from: &[u8], to: &[u8], share: f64| {
                f64::from(from[channel]) + (f64::from(to[channel]) - f64::from(from[channel])) * share
            };
            let (upper, lower) = (mix(upper_left, upper_right, of_right), mix(lower_left, lower_right, of_right));
            *out = (upper + (lower - upper) * of_bottom) as u8;
        }
    }
    Picture::new(picture.width(), picture.height(), channels, out)
}

/// The two pixels around a place on a side of this length, and the share of the second one.
fn around(place: f64, length: usize) -> (usize, usize, f64) {
    let first = (place - 0.5).floor();
    let last = length - 1; // a picture has at least one pixel
    (first.max(0.0) as usize, ((first + 1.0) as usize).min(last), place - 0.5 - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn_moves_each_pixel() {
        let picture = Picture::new(2, 2, 1, vec![10, 20, 30, 40]).expect("four pixels");
        assert_eq!(turned(&picture, 90.0).expect("it turns").pixels(), [20, 40, 10, 30]);
        assert_eq!(turned(&picture, 0.0).expect("it turns"), picture);
    }
}
