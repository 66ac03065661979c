//! Draws pictures with lines of text below them, as PNG.

use std::{
    io::{self, Cursor},
    path::Path,
};

use image::{ImageFormat, RgbImage};

use super::DataError;
use crate::{
    plots::{Letters, io_error, write},
    transforms::Picture,
};

/// The side of a picture in the drawing, at least. Smaller ones are enlarged by a whole factor, so that each pixel stays a square.
const SIDE: u32 = 128;
/// The space around everything.
const GAP: u32 = 6;
/// How many lines a text that is too wide is broken into.
const LINES: usize = 4;

/// A picture and the texts below it, each of which begins a line.
pub(crate) struct Cell {
    pub(crate) picture: Picture,
    pub(crate) lines: Vec<(String, Colour)>,
}

/// The colour of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Black,
    Green,
    Red,
}

impl Colour {
    fn rgb(self) -> image::Rgb<u8> {
        image::Rgb(match self {
            Self::Black => [0, 0, 0],
            Self::Green => [0, 110, 40],
            Self::Red => [200, 0, 0],
        })
    }
}

/// Draws all cells into a PNG file.
pub(crate) fn draw(cells: &[Cell], path: &Path) -> Result<(), DataError> {
    let failed = |cause| DataError::Write { file: path.to_owned(), cause };
    sheet(cells).save_with_format(path, ImageFormat::Png).map_err(io_error).map_err(failed)
}

/// Draws all cells. Returns a PNG file's bytes, its width and its height.
pub(super) fn png(cells: &[Cell]) -> io::Result<(Vec<u8>, [u32; 2])> {
    let (sheet, mut png) = (sheet(cells), Vec::new());
    sheet.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).map_err(io_error)?;
    Ok((png, [sheet.width(), sheet.height()]))
}

/// All cells, as near to a square as their number allows.
fn sheet(cells: &[Cell]) -> RgbImage {
    let columns = (cells.len() as f64).sqrt().ceil().max(1.0) as u32;
    let rows = (cells.len() as u32).div_ceil(columns);
    let largest = |side: fn(&Picture) -> u32| cells.iter().map(|cell| side(&cell.picture)).max().unwrap_or(1);
    let (width, height) = (largest(Picture::width), largest(Picture::height));
    let factor = SIDE.div_ceil(width.max(height)).max(1);
    let (width, height) = ((width * factor).max(SIDE), height * factor);
    let letter = Letters::Large.size();
    let lines_of = |cell: &Cell| {
        let lines = |(text, colour): &(String, Colour)| {
            wrapped(text, (width / letter.0) as usize).into_iter().map(|line| (line, *colour)).collect::<Vec<_>>()
        };
        cell.lines.iter().flat_map(lines).collect::<Vec<_>>()
    };
    let texts: Vec<_> = cells.iter().map(lines_of).collect();
    let lines = texts.iter().map(Vec::len).max().unwrap_or(0) as u32;
    let (cell_width, cell_height) = (width + 2 * GAP, height + lines * letter.1 + 2 * GAP);
    let mut sheet = Sheet(RgbImage::from_pixel(columns * cell_width, rows * cell_height, image::Rgb([255; 3])));
    for ((number, cell), lines) in (0..).zip(cells).zip(texts) {
        let (left, top) = (number % columns * cell_width + GAP, number / columns * cell_height + GAP);
        sheet.paste(&cell.picture, factor, (left, top));
        for (line, (text, colour)) in (0..).zip(lines) {
            let top = top + height + line * letter.1;
            write(&text, Letters::Large, |x, y| {
                let place = left.checked_add_signed(x).zip(top.checked_add_signed(y));
                if let Some(pixel) = place.and_then(|(x, y)| sheet.0.get_pixel_mut_checked(x, y)) {
                    *pixel = colour.rgb();
                }
            });
        }
    }
    sheet.0
}

/// A text in lines of at most this many letters, broken in front of each `+` and else between words.
fn wrapped(text: &str, letters: usize) -> Vec<String> {
    if text.chars().count() <= letters {
        return vec![text.to_owned()];
    }
    let mut lines: Vec<String> = Vec::new();
    for (number, part) in text.split(" + ").enumerate() {
        for (at, word) in part.split(' ').enumerate() {
            let (begins, is_full) = (at == 0, lines.len() == LINES);
            let plus = if begins && number > 0 { "+ " } else { "" };
            let word = format!("{plus}{word}");
            match lines.last_mut() {
                Some(line) if is_full || !begins && line.chars().count() + 1 + word.chars().count() <= letters => {
                    line.push(' ');
                    line.push_str(&word);
                }
                _ => lines.push(word),
            }
        }
    }
    lines.iter().map(|line| shortened(line, letters)).collect()
}

/// A text of at most this many letters.
fn shortened(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters.saturating_sub(1)).chain(['…']).collect()
}

/// What is drawn on.
struct Sheet(RgbImage);

impl Sheet {
    /// Pastes a picture, each of whose pixels becomes a square of `factor` pixels.
    fn paste(&mut self, picture: &Picture, factor: u32, (left, top): (u32, u32)) {
        let channels = picture.channels();
        let pixels = picture.pixels().chunks_exact(channels).enumerate();
        for (at, pixel) in pixels {
            let (x, y) = (at as u32 % picture.width(), at as u32 / picture.width());
            let rgb = image::Rgb([0, 1, 2].map(|channel: usize| pixel[channel.min(channels - 1)]));
            for (dx, dy) in (0..factor).flat_map(|dy| (0..factor).map(move |dx| (dx, dy))) {
                if let Some(place) = self.0.get_pixel_mut_checked(left + x * factor + dx, top + y * factor + dy) {
                    *place = rgb;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn a_text_is_broken_between_words_and_shortened_only_where_one_is_too_long() {
        assert_eq!(wrapped("0.70 cat + 0.30 dog", 19), ["0.70 cat + 0.30 dog"]);
        assert_eq!(wrapped("0.70 cat + 0.30 dog", 18), ["0.70 cat", "+ 0.30 dog"]);
        assert_eq!(
            wrapped("0.70 Abyssinian + 0.30 Egyptian_Mau", 14),
            ["0.70", "Abyssinian", "+ 0.30", "Egyptian_Mau"]
        );
        assert_eq!(wrapped("american_pit_bull_terrier (0.98)", 14), ["american_pit_…", "(0.98)"]);
        assert_eq!(wrapped("a b c d e f", 1), ["a", "b", "c", "…"]);
        assert_eq!(wrapped("", 14), [""]);
    }
}
