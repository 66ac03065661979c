//! The errors of transforms.

use std::fmt;

use crate::error::BoxError;

/// Why a picture can't be transformed, or a transform can't be used.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TransformError {
    /// A setting is out of range.
    #[error("`{transform}` has {setting} = {found}, but it must be {expected}")]
    Setting {
        /// The transform.
        transform: &'static str,
        /// The setting: "size".
        setting: &'static str,
        /// Its value.
        found: String,
        /// What it may be: "at least 1".
        expected: &'static str,
    },
    /// The number of bytes does not fit the size of a picture.
    #[error("a picture of {width}×{height} with {channels} channels has {expected} bytes, but there are {found}")]
    PictureLength {
        /// The width in pixels.
        width: u32,
        /// The height in pixels.
        height: u32,
        /// Numbers per pixel.
        channels: usize,
        /// How many bytes it must have.
        expected: usize,
        /// How many bytes there are.
        found: usize,
    },
    /// A picture has neither one nor three channels.
    #[error("a picture has 1 channel (grey) or 3 (red, green, blue), but not {channels}")]
    Channels {
        /// Numbers per pixel.
        channels: usize,
    },
    /// A normalization is for another number of channels.
    #[error("the normalization has {given} channels, but the pictures have {pictures}")]
    NormalizeChannels {
        /// The channels of the normalization.
        given: usize,
        /// The channels of the pictures.
        pictures: usize,
    },
    /// The picture can't be resized.
    #[error("the picture can't be resized from {from} to {to}: {cause}")]
    Resize {
        /// The size of the picture: `640×480`.
        from: String,
        /// The size that was wanted.
        to: String,
        /// The error of the resizer.
        cause: BoxError,
    },
    /// An error of your own transform; see [`TransformError::other`].
    #[error(transparent)]
    Other(BoxError),
}

crate::error::debug_with_sources!(TransformError);

impl TransformError {
    /// Wraps an error or a message of your own transform.
    pub fn other(error: impl Into<BoxError>) -> Self {
        Self::Other(error.into())
    }

    /// Accepts a setting if `holds`.
    #[allow(clippy::needless_pass_by_value, reason = "what is passed is a number, or arguments of a format")]
    pub(super) fn unless(
        holds: bool,
        transform: &'static str,
        setting: &'static str,
        found: impl fmt::Display,
        expected: &'static str,
    ) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(Self::Setting { transform, setting, found: found.to_string(), expected }) }
    }

    /// Accepts the width and the height of results.
    pub(super) fn check_size(transform: &'static str, (width, height): (u32, u32)) -> Result<(), Self> {
        let fits = (1..=16_384).contains(&width) && (1..=16_384).contains(&height);
        Self::unless(fits, transform, "size", format_args!("{width}×{height}"), "from 1 to 16384 pixels each way")
    }
}
