//! A picture in plain memory.

use super::TransformError;

/// A decoded picture: bytes, pixel by pixel, in rows from the top. Each pixel has one byte (grey) or three (red, green and blue).
///
/// ```
/// use mixup::transforms::Picture;
///
/// let picture = Picture::new(2, 1, 3, vec![255, 0, 0, 0, 0, 255])?; // a red pixel, then a blue one
/// assert_eq!((picture.width(), picture.height(), picture.channels()), (2, 1, 3));
/// # Ok::<(), mixup::transforms::TransformError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    channels: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// Creates a picture from its bytes.
    ///
    /// # Errors
    /// [`TransformError::Channels`] unless there are 1 or 3 channels, [`TransformError::PictureLength`] if the number of bytes does not fit.
    pub fn new(width: u32, height: u32, channels: usize, pixels: Vec<u8>) -> Result<Self, TransformError> {
        if channels != 1 && channels != 3 {
            return Err(TransformError::Channels { channels });
        }
        let (expected, found) =
            ((width as usize).saturating_mul(height as usize).saturating_mul(channels), pixels.len());
        if expected != found || found == 0 {
            return Err(TransformError::PictureLength { width, height, channels, expected: expected.max(1), found });
        }
        Ok(Self { width, height, channels, pixels })
    }

    /// The width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// How many bytes a pixel has: 1 or 3.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The bytes.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The bytes, to be changed.
    #[must_use]
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// Copies the bytes channel by channel, as models have them: first all red ones, then all green ones, then all blue ones.
    pub(crate) fn planes(&self, out: &mut [u8]) {
        let plane = (out.len() / self.channels).max(1);
        for (channel, out) in out.chunks_exact_mut(plane).enumerate() {
            let of_channel = self.pixels.iter().skip(channel).step_by(self.channels);
            out.iter_mut().zip(of_channel).for_each(|(out, pixel)| *out = *pixel);
        }
    }

    /// The rows of pixels, from the top.
    pub(super) fn rows(&self) -> std::slice::ChunksExact<'_, u8> {
        self.pixels.chunks_exact(self.width as usize * self.channels)
    }

    /// The part of the picture in a box, which must not be empty; what lies outside of the picture is black.
    pub(super) fn cut(&self, left: i64, top: i64, width: u32, height: u32) -> Self {
        let (own_width, own_height, c) = (i64::from(self.width), i64::from(self.height), self.channels);
        let mut pixels = vec![0; width as usize * height as usize * c];
        let first = left.clamp(0, own_width);
        let end = (left + i64::from(width)).clamp(first, own_width);
        let (from, into) = ((first as usize) * c..(end as usize) * c, (first - left).max(0) as usize * c);
        let rows = self.rows().skip(top.clamp(0, own_height) as usize);
        let out = pixels.chunks_exact_mut(width as usize * c).skip((-top).max(0) as usize);
        for (out, row) in out.zip(rows) {
            if let (Some(out), Some(row)) = (out.get_mut(into..into + from.len()), row.get(from.clone())) {
                out.copy_from_slice(row);
            }
        }
        Self { width, height, channels: c, pixels }
    }
}
