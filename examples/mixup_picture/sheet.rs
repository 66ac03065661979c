//! The sheet: rows of images on white. Each image has its caption below it, and each column has its name at the top.
//!
//! The text uses the bitmap fonts of `embedded-graphics`, so no system font is needed.

use std::{convert::Infallible, error::Error, fs::File, io::BufWriter, path::Path};

use embedded_graphics::{
    Drawable as _, Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Point, Size},
    mono_font::{
        MonoFont, MonoTextStyle,
        iso_8859_1::{FONT_8X13, FONT_8X13_BOLD},
    },
    pixelcolor::{Rgb888, RgbColor as _},
    text::{Alignment, Baseline, Text, TextStyleBuilder},
};
use image::{
    ExtendedColorType, ImageEncoder as _, Rgb, RgbImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
    imageops,
};

/// Small images are enlarged to about this many pixels, by whole factors.
const WANTED: usize = 112;
const MARGIN: u32 = 16;
const LINE: u32 = 15;
/// The gap between an image and its caption.
const GAP: u32 = 4;
const DARK: Rgb888 = Rgb888::new(0x22, 0x22, 0x22);

/// An image and its caption.
pub struct Cell {
    pub image: RgbImage,
    pub caption: Vec<String>,
}

/// The sheet that is being drawn.
pub struct Sheet {
    canvas: Canvas,
    /// The size of an image on the sheet.
    width: u32,
    height: u32,
}

impl Sheet {
    /// A white sheet for `rows` rows of images of size `[h, w]`, with the names of the columns at the top.
    pub fn new(columns: &[&str], rows: usize, size: [usize; 2]) -> Self {
        let scale = (WANTED / size[0].max(size[1]).max(1)).max(1);
        let [height, width] = size.map(|length| (length * scale) as u32);
        let (step_x, step_y) = (width.max(WANTED as u32) + MARGIN, height + GAP + LINE + MARGIN);
        let canvas = RgbImage::from_pixel(
            step_x * columns.len() as u32 + MARGIN,
            step_y * rows as u32 + LINE + MARGIN,
            Rgb([255; 3]),
        );
        let mut sheet = Self { canvas: Canvas(canvas), width, height };
        for (column, name) in columns.iter().enumerate() {
            let center = sheet.left(column) + width / 2;
            sheet.canvas.write(name, center, MARGIN / 2, &FONT_8X13_BOLD, DARK);
        }
        sheet
    }

    /// The left edge of a column's images, which are centred in the column.
    fn left(&self, column: usize) -> u32 {
        let room = self.width.max(WANTED as u32);
        MARGIN + (room + MARGIN) * column as u32 + (room - self.width) / 2
    }

    pub fn put(&mut self, row: usize, column: usize, cell: &Cell) {
        let top = MARGIN + LINE + (self.height + GAP + LINE + MARGIN) * row as u32;
        let left = self.left(column);
        let large = imageops::resize(&cell.image, self.width, self.height, imageops::FilterType::Nearest);
        imageops::overlay(&mut self.canvas.0, &large, left.into(), top.into());
        let room = (self.width.max(WANTED as u32) + MARGIN / 2) / FONT_8X13.character_size.width;
        let text = caption(&cell.caption, room as usize);
        self.canvas.write(&text, left + self.width / 2, top + self.height + GAP, &FONT_8X13, DARK);
    }

    /// Writes the sheet as a PNG.
    pub fn save(&self, file: &Path) -> Result<(), Box<dyn Error>> {
        let named = |error: std::io::Error| format!("{}: {error}", file.display());
        let out = BufWriter::new(File::create(file).map_err(named)?);
        let (width, height) = self.canvas.0.dimensions();
        let encoder = PngEncoder::new_with_quality(out, CompressionType::Best, FilterType::NoFilter);
        encoder.write_image(&self.canvas.0, width, height, ExtendedColorType::Rgb8)?;
        Ok(())
    }
}

/// Joins the parts into one line; if they do not fit, each part is shortened.
fn caption(parts: &[String], room: usize) -> String {
    let whole = parts.join(", ");
    if whole.chars().count() <= room {
        return whole;
    }
    let each = ((room + 2) / parts.len().max(1)).saturating_sub(2);
    let short = |part: &String| {
        let cut = || part.chars().take(each.saturating_sub(1)).chain(['.']).collect();
        if part.chars().count() > each { cut() } else { part.clone() }
    };
    parts.iter().map(short).collect::<Vec<String>>().join(", ")
}

/// The picture, as a target that `embedded-graphics` can draw on.
struct Canvas(RgbImage);

impl Canvas {
    /// Writes a line of text, centred on `center`, with its upper edge at `top`.
    fn write(&mut self, text: &str, center: u32, top: u32, font: &MonoFont<'_>, color: Rgb888) {
        let style = TextStyleBuilder::new().alignment(Alignment::Center).baseline(Baseline::Top).build();
        let at = Point::new(center.cast_signed(), top.cast_signed());
        let Ok(_) = Text::with_text_style(text, at, MonoTextStyle::new(font, color), style).draw(self);
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, color) in pixels {
            if let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y))
                && let Some(pixel) = self.0.get_pixel_mut_checked(x, y)
            {
                *pixel = Rgb([color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}
