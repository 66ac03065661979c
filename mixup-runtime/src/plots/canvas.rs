//! A picture that `plotters` draws on.

use std::convert::Infallible;

use image::{Rgb, RgbImage};
use plotters_backend::{
    BackendColor, BackendCoord, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    text_anchor::{HPos, VPos},
};

use super::letters::{Letters, write};

/// The picture. It is white at first.
pub(super) struct Canvas<'a>(pub(super) &'a mut RgbImage);

/// Letters of about this size.
fn letters(size: f64) -> Letters {
    if size < 15.0 { Letters::Small } else { Letters::Large }
}

fn size_of(text: &str, letters: Letters) -> (u32, u32) {
    let (width, height) = letters.size();
    (width * text.chars().count() as u32, height)
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.0.dimensions()
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Result<(), DrawingErrorKind<Infallible>> {
        let place = u32::try_from(x).ok().zip(u32::try_from(y).ok());
        if let Some(Rgb(pixel)) = place.and_then(|(x, y)| self.0.get_pixel_mut_checked(x, y)) {
            let new: [u8; 3] = colour.rgb.into();
            for (old, new) in pixel.iter_mut().zip(new) {
                *old = (f64::from(*old) + (f64::from(new) - f64::from(*old)) * colour.alpha).round() as u8;
            }
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok(size_of(text, letters(style.size())))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (left, top): BackendCoord,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let (letters, colour, anchor, turned) =
            (letters(style.size()), style.color(), style.anchor(), style.transform());
        let (width, height) = size_of(text, letters);
        let dx = match anchor.h_pos {
            HPos::Left => 0,
            HPos::Center => width as i32 / 2,
            HPos::Right => width as i32,
        };
        let dy = match anchor.v_pos {
            VPos::Top => 0,
            VPos::Center => height as i32 / 2,
            VPos::Bottom => height as i32,
        };
        let mut drawn = Ok(());
        write(text, letters, |x, y| {
            let (x, y) = turned.transform(x - dx, y - dy);
            if drawn.is_ok() {
                drawn = self.draw_pixel((left + x, top + y), colour);
            }
        });
        drawn
    }
}
