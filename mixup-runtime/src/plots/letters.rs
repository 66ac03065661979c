//! Letters on a picture, without fonts of the system.

use embedded_graphics::{
    Drawable as _, Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Point, Size},
    mono_font::{
        MonoFont, MonoTextStyle,
        iso_8859_1::{FONT_7X13, FONT_9X15},
    },
    pixelcolor::BinaryColor,
    text::{Baseline, Text},
};

/// The size of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letters {
    Small,
    Large,
}

impl Letters {
    fn font(self) -> &'static MonoFont<'static> {
        match self {
            Self::Small => &FONT_7X13,
            Self::Large => &FONT_9X15,
        }
    }

    /// The width and the height of a letter, in pixels.
    pub(crate) fn size(self) -> (u32, u32) {
        let Size { width, height } = self.font().character_size;
        (width, height)
    }
}

/// Calls `pixel` with each pixel of a text whose upper left corner is at 0, 0.
pub(crate) fn write(text: &str, letters: Letters, pixel: impl FnMut(i32, i32)) {
    let text = &text.replace('…', ".."); // the font has the letters of ISO 8859-1 only
    let style = MonoTextStyle::new(letters.font(), BinaryColor::On);
    let Ok(_) = Text::with_baseline(text, Point::zero(), style, Baseline::Top).draw(&mut Pen(pixel));
}

/// Passes the pixels on.
struct Pen<F>(F);

impl<F> OriginDimensions for Pen<F> {
    fn size(&self) -> Size {
        Size::new(u32::MAX, u32::MAX)
    }
}

impl<F: FnMut(i32, i32)> DrawTarget for Pen<F> {
    type Color = BinaryColor;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
        for Pixel(Point { x, y }, colour) in pixels {
            if colour.is_on() {
                (self.0)(x, y);
            }
        }
        Ok(())
    }
}
