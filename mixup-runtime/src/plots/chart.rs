//! Lines over numbers.

use std::{ops::Range, path::Path};

use plotters::{
    chart::SeriesLabelPosition,
    drawing::DrawingAreaErrorKind,
    element::{Circle, PathElement},
    prelude::{ChartBuilder, Color as _, DrawingBackend, LineSeries, RGBColor, TRANSPARENT, WHITE},
};

use super::{
    PlotError,
    legend::calmest,
    save::{Area, Draw, save},
};

/// Colours that people with any colour vision can tell apart (Okabe and Ito), the darkest first.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];

/// The most numbers at the horizontal axis.
const X_LABELS: usize = 9;

/// The most points that a line is drawn with; of more, each stands for several.
const POINTS: usize = 4000;

/// A plot of lines over numbers, in a PNG or an SVG file.
///
/// ```
/// use mixup::plots::Chart;
///
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("squares.svg");
/// let squares = (0..20).map(|x| (f64::from(x), f64::from(x * x)));
/// Chart::new("x", "x²").line("squares", squares).save(&file)?; // "squares.svg"
/// # assert!(file.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    title: Option<String>,
    x: String,
    y: String,
    log_x: bool,
    lines: Vec<(String, Vec<(f64, f64)>)>,
    marks: Vec<(String, f64)>,
}

impl Chart {
    /// Begins a plot with what the two axes mean, with their units: `"batch"`, `"time (s)"`.
    #[must_use]
    pub fn new(x: impl Into<String>, y: impl Into<String>) -> Self {
        Self { title: None, x: x.into(), y: y.into(), log_x: false, lines: Vec::new(), marks: Vec::new() }
    }

    /// Sets the title.
    #[must_use]
    pub fn title(self, title: impl Into<String>) -> Self {
        Self { title: Some(title.into()), ..self }
    }

    /// Makes the horizontal axis logarithmic: numbers that are not above 0 are left out.
    #[must_use]
    pub fn log_x(self) -> Self {
        Self { log_x: true, ..self }
    }

    /// Adds a line. Points that are not finite are left out. The names of lines are shown if there are several.
    #[must_use]
    pub fn line(mut self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.lines.push((name.into(), points.into_iter().collect()));
        self
    }

    /// Adds a line of numbers at 0, 1, 2 and so on.
    #[must_use]
    pub fn numbers(self, name: impl Into<String>, numbers: &[f64]) -> Self {
        let points: Vec<_> = numbers.iter().enumerate().map(|(at, number)| (at as f64, *number)).collect();
        self.line(name, points)
    }

    /// Marks a place on the horizontal axis by a vertical line with a name.
    #[must_use]
    pub fn mark(mut self, name: impl Into<String>, x: f64) -> Self {
        self.marks.push((name.into(), x));
        self
    }

    /// Draws the plot into a file, which is a PNG or an SVG by its ending.
    ///
    /// # Errors
    /// [`PlotError`]: there is no point, the ending is another one, or the file can't be written.
    pub fn save(&self, file: impl AsRef<Path>) -> Result<(), PlotError> {
        if self.drawn().iter().all(|(_, points)| points.is_empty()) {
            return Err(PlotError::Nothing { missing: format!("no number of `{}` is finite", self.y) });
        }
        save(self, file.as_ref())
    }

    /// Where a number lies on the horizontal axis.
    fn place(&self, x: f64) -> f64 {
        if self.log_x { x.log10() } else { x }
    }

    /// How many numbers stand at the horizontal axis: only whole ones, as numbers of epochs are, where they are few.
    fn x_labels(&self, points: impl Iterator<Item = (f64, f64)> + Clone) -> usize {
        let whole = points.clone().all(|(x, _)| x.fract() == 0.0) || self.log_x;
        let span = span(points.map(|(x, _)| x), 0.0);
        let steps = (span.end - span.start).round().clamp(0.0, X_LABELS as f64) as usize;
        if whole && steps > 0 { (steps + 1).min(X_LABELS) } else { X_LABELS }
    }

    /// The lines, with the points that are drawn.
    fn drawn(&self) -> Vec<(&str, Vec<(f64, f64)>)> {
        let mean = |part: &[(f64, f64)]| {
            let sum = part.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
            (sum.0 / part.len() as f64, sum.1 / part.len() as f64)
        };
        let line = |points: &[(f64, f64)]| {
            let placed = points.iter().map(|&(x, y)| (self.place(x), y));
            let finite: Vec<_> = placed.filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
            finite.chunks(finite.len().div_ceil(POINTS).max(1)).map(mean).collect::<Vec<_>>()
        };
        self.lines.iter().map(|(name, points)| (&**name, line(points))).collect()
    }
}

/// The width and the height of a letter in the names of lines, and what is around the names.
const LETTER: (f64, f64) = (7.0, 14.0);
const AROUND: (f64, f64) = (60.0, 30.0);

impl Chart {
    /// Where the names of lines and marks stand.
    fn legend(&self, lines: &[(&str, Vec<(f64, f64)>)], (xs, ys): (&Range<f64>, &Range<f64>)) -> SeriesLabelPosition {
        let marks = self.marks.iter().map(|(_, x)| [(self.place(*x), ys.start), (self.place(*x), ys.end)]);
        let marks: Vec<_> = marks.collect();
        let drawn: Vec<_> =
            lines.iter().map(|(_, points)| &points[..]).chain(marks.iter().map(|mark| &mark[..])).collect();
        let names = || lines.iter().map(|(name, _)| *name).chain(self.marks.iter().map(|(name, _)| &**name));
        let longest = names().map(|name| name.chars().count()).max().unwrap_or(0);
        let (width, height) = self.size();
        let part = |letters: usize, letter: f64, around: f64, all: u32| {
            ((letters as f64 * letter + around) / f64::from(all)).min(1.0)
        };
        let size = (part(longest, LETTER.0, AROUND.0, width), part(names().count(), LETTER.1, AROUND.1, height));
        calmest(&drawn, (xs, ys), size)
    }
}

/// The span of numbers, with some space on both sides.
fn span(numbers: impl Iterator<Item = f64>, space: f64) -> Range<f64> {
    let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(it), high.max(it)));
    let space = (high - low) * space;
    let space = if space > 0.0 || low < high { space } else { low.abs().max(1.0) * 0.05 };
    low - space..high + space
}

/// A number as it stands at an axis.
fn label(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-3..1e5).contains(&size) {
        return format!("{number:.1e}").replace(".0e", "e");
    }
    let text = format!("{number:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

impl Draw for Chart {
    fn size(&self) -> (u32, u32) {
        (720, 420)
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        area.fill(&WHITE)?;
        let marks = self.marks.iter().map(|(_, x)| self.place(*x)).filter(|x| x.is_finite());
        let lines = self.drawn();
        let points = || lines.iter().flat_map(|(_, points)| points.iter().copied());
        let (xs, ys) = (span(points().map(|(x, _)| x).chain(marks), 0.0), span(points().map(|(_, y)| y), 0.05));
        let x_labels = self.x_labels(points());
        let legend = self.legend(&lines, (&xs, &ys));
        let mut builder = ChartBuilder::on(area);
        builder.margin(14).x_label_area_size(42).y_label_area_size(84);
        if let Some(title) = &self.title {
            builder.caption(title, ("sans-serif", 17));
        }
        let mut chart = builder.build_cartesian_2d(xs, ys.clone())?;
        let log = self.log_x;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc(&self.x)
            .y_desc(&self.y)
            .x_labels(x_labels)
            .y_labels(7)
            .x_label_formatter(&|x| label(if log { 10_f64.powf(*x) } else { *x }))
            .y_label_formatter(&|y| label(*y))
            .label_style(("sans-serif", 13))
            .axis_desc_style(("sans-serif", 15))
            .draw()?;
        let mut named = false;
        let several = lines.len() > 1;
        for ((name, points), colour) in lines.into_iter().zip(COLOURS.iter().cycle()) {
            if let [point] = points[..] {
                chart.draw_series([Circle::new(point, 3, colour.filled())])?;
            }
            let line = chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
            if several {
                line.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
                named = true;
            }
        }
        for ((name, x), colour) in self.marks.iter().zip(COLOURS.iter().cycle().skip(self.lines.len())) {
            let x = self.place(*x);
            let line = LineSeries::new([(x, ys.start), (x, ys.end)], colour.stroke_width(1));
            chart
                .draw_series(line)?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(1)));
            named = true;
        }
        if named {
            chart
                .configure_series_labels()
                .position(legend)
                .margin(16)
                .background_style(WHITE.mix(0.8))
                .border_style(TRANSPARENT)
                .label_font(("sans-serif", 13))
                .draw()?;
        }
        Ok(())
    }
}
