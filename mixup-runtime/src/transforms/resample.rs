//! Resizes pictures with Pillow's convolution: the filter grows with the reduction, so that no pixel of the source is passed over.

use std::cell::RefCell;

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};

use super::{Picture, TransformError};

thread_local! {
    /// Keeps its buffers from one picture to the next.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}

/// The whole picture in another size, by Pillow's `BILINEAR`, which is torchvision's default.
pub(super) fn resample(picture: Picture, width: u32, height: u32) -> Result<Picture, TransformError> {
    if (picture.width(), picture.height()) == (width, height) {
        return Ok(picture);
    }
    let kind = if picture.channels() == 1 { PixelType::U8 } else { PixelType::U8x3 };
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).use_alpha(false);
    let mut resized = Image::new(width, height, kind);
    let done = ImageRef::new(picture.width(), picture.height(), picture.pixels(), kind).map_err(Into::into).and_then(
        |source| RESIZER.with_borrow_mut(|resizer| resizer.resize(&source, &mut resized, &options)).map_err(Into::into),
    );
    match done {
        Ok(()) => Picture::new(width, height, picture.channels(), resized.into_vec()),
        Err(cause) => Err(TransformError::Resize {
            from: format!("{}×{}", picture.width(), picture.height()),
            to: format!("{width}×{height}"),
            cause,
        }),
    }
}
