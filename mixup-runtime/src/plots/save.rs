//! Writes plots into files, by their ending.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use image::{ImageError, ImageFormat, Rgb, RgbImage};
use plotters::{
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea as _},
    prelude::{DrawingBackend, SVGBackend},
};

use super::canvas::Canvas;

/// An area of any backend.
pub(super) type Area<B> = DrawingArea<B, plotters::coord::Shift>;

/// Why a plot could not be drawn.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The file's ending is none that is known.
    #[error("`{}` is neither a PNG nor an SVG: end the file's name in `.png` or `.svg`", file.display())]
    Ending {
        /// The file.
        file: PathBuf,
    },
    /// The file can't be written.
    #[error("`{}` can't be written: {cause}; {}", file.display(), crate::files::advice(cause))]
    Write {
        /// The file.
        file: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// There is nothing to plot.
    #[error("there is nothing to plot yet: {missing}")]
    Nothing {
        /// What is missing, and how it comes to be there.
        missing: String,
    },
    /// The numbers can't be read from the device.
    #[error("{}", crate::error::brief(.0))]
    Torch(#[from] tch::TchError),
    /// The drawing failed.
    #[error("drawing a plot: {0}")]
    Drawing(String),
}

crate::error::debug_with_sources!(PlotError);

/// What can be drawn on any area.
pub(super) trait Draw {
    /// The width and the height in pixels.
    fn size(&self) -> (u32, u32);

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Result<(), DrawingAreaErrorKind<B::ErrorType>>;
}

/// Draws a plot into a file, which is a PNG or an SVG by its ending.
pub(super) fn save(plot: &impl Draw, file: &Path) -> Result<(), PlotError> {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    let failed = |cause| PlotError::Write { file: file.to_owned(), cause };
    match &*ending {
        "svg" => {
            let mut text = String::new();
            drawn(plot, SVGBackend::with_string(&mut text, plot.size()))?;
            fs::write(file, text).map_err(failed)
        }
        "png" => {
            let (width, height) = plot.size();
            let mut image = RgbImage::from_pixel(width, height, Rgb([255; 3]));
            drawn(plot, Canvas(&mut image))?;
            image.save_with_format(file, ImageFormat::Png).map_err(io_error).map_err(failed)
        }
        _ => Err(PlotError::Ending { file: file.to_owned() }),
    }
}

/// What went wrong when an image was written, as an error of the system.
pub(crate) fn io_error(error: ImageError) -> io::Error {
    match error {
        ImageError::IoError(error) => error,
        other => io::Error::other(other),
    }
}

fn drawn<B: DrawingBackend>(plot: &impl Draw, backend: B) -> Result<(), PlotError> {
    let area = backend.into_drawing_area();
    let done = plot.draw(&area).and_then(|()| area.present());
    done.map_err(|error| PlotError::Drawing(error.to_string()))
}
