//! Counts as a matrix of shaded squares.

use std::path::Path;

use plotters::{
    drawing::DrawingAreaErrorKind,
    element::{Rectangle, Text},
    prelude::{BLACK, Color as _, DrawingBackend, RGBColor, WHITE},
    style::{
        IntoFont as _, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    PlotError,
    save::{Area, Draw, save},
};

/// The sides of a square, at least and at most, and the space around the matrix.
const SIDE: (u32, u32) = (26, 72);
const GAP: u32 = 14;

/// A plot of counts for pairs of classes, in a PNG or an SVG file: a row for each right class, a column for each predicted one. A square is the darker the
/// larger its share of its row is.
///
/// ```
/// use mixup::plots::Matrix;
///
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("confusion.png");
/// Matrix::new(["cat", "dog"], vec![vec![48, 2], vec![5, 45]]).save(&file)?; // "confusion.png"
/// # assert!(file.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    names: Vec<String>,
    counts: Vec<Vec<i64>>,
}

impl Matrix {
    /// Counts, row by row, with the names of the classes. Names that are missing are the numbers of the classes.
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>, counts: Vec<Vec<i64>>) -> Self {
        let mut names: Vec<String> = names.into_iter().map(Into::into).take(counts.len()).collect();
        names.extend((names.len()..counts.len()).map(|class| class.to_string()));
        Self { names, counts }
    }

    /// Draws the plot into a file, which is a PNG or an SVG by its ending.
    ///
    /// # Errors
    /// [`PlotError`]: there are no counts, the ending is another one, or the file can't be written.
    pub fn save(&self, file: impl AsRef<Path>) -> Result<(), PlotError> {
        if self.counts.is_empty() {
            return Err(PlotError::Nothing { missing: "nothing was counted".to_owned() });
        }
        save(self, file.as_ref())
    }

    fn classes(&self) -> u32 {
        self.counts.len() as u32
    }

    fn side(&self) -> u32 {
        (720 / self.classes().max(1)).clamp(SIDE.0, SIDE.1)
    }

    /// The width of the longest name, or count, in pixels.
    fn name_width(&self) -> u32 {
        self.names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(24) as u32 * 8
    }

    fn name(&self, class: usize) -> String {
        let name = self.names.get(class).map_or("", String::as_str);
        if name.chars().count() > 24 { name.chars().take(23).chain(['…']).collect() } else { name.to_owned() }
    }
}

impl Draw for Matrix {
    fn size(&self) -> (u32, u32) {
        let (squares, names) = (self.side() * self.classes(), self.name_width());
        // The names, the word for the axis, and the space at both ends.
        let all = squares + names + 24 + 3 * GAP;
        (all.max(280), all)
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        area.fill(&WHITE)?;
        let side = self.side() as i32;
        let (left, top) = ((self.name_width() + 24 + 2 * GAP) as i32, GAP as i32);
        let end = self.classes() as i32 * side;
        let at = |h, v| Pos::new(h, v);
        let text = |size: i32| TextStyle::from(("sans-serif", size).into_font()).color(&BLACK);
        for ((row, counts), y) in self.counts.iter().enumerate().zip(0..) {
            let sum = counts.iter().sum::<i64>().max(1) as f64;
            let y = top + y * side;
            let name = text(13).pos(at(HPos::Right, VPos::Center));
            area.draw(&Text::new(self.name(row), (left - 6, y + side / 2), name))?;
            for (count, x) in counts.iter().zip(0..) {
                let (x, share) = (left + x * side, *count as f64 / sum);
                let part = |dark: u8| (255.0 - (255.0 - f64::from(dark)) * share).round() as u8;
                let colour = RGBColor(part(8), part(81), part(156));
                area.draw(&Rectangle::new([(x, y), (x + side, y + side)], colour.filled()))?;
                area.draw(&Rectangle::new([(x, y), (x + side, y + side)], RGBColor(200, 200, 200).stroke_width(1)))?;
                let ink = if share > 0.5 { WHITE } else { BLACK };
                let style = text(13).color(&ink).pos(at(HPos::Center, VPos::Center));
                area.draw(&Text::new(count.to_string(), (x + side / 2, y + side / 2), style))?;
            }
        }
        for (class, x) in (0..self.counts.len()).zip(0..) {
            let turned =
                TextStyle::from(("sans-serif", 13).into_font().transform(plotters::style::FontTransform::Rotate90));
            let style = turned.color(&BLACK).pos(at(HPos::Left, VPos::Center));
            area.draw(&Text::new(self.name(class), (left + x * side + side / 2, top + end + 6), style))?;
        }
        let below = top + end + self.name_width() as i32 + GAP as i32 + 12;
        let middle = text(15).pos(at(HPos::Center, VPos::Center));
        area.draw(&Text::new("predicted", (left + end / 2, below), middle))?;
        let upward =
            TextStyle::from(("sans-serif", 15).into_font().transform(plotters::style::FontTransform::Rotate270));
        let upward = upward.color(&BLACK).pos(at(HPos::Center, VPos::Center));
        area.draw(&Text::new("actual", (GAP as i32 + 4, top + end / 2), upward))
    }
}
