//! Where the names of lines hide the least of them.

use std::ops::Range;

use plotters::chart::SeriesLabelPosition;

/// The corners and the middles of the sides, the preferred ones first: where on both axes, from 0 to 1, and what `plotters` calls it.
const PLACES: [(f64, f64, SeriesLabelPosition); 6] = [
    (1.0, 1.0, SeriesLabelPosition::UpperRight),
    (1.0, 0.0, SeriesLabelPosition::LowerRight),
    (0.0, 1.0, SeriesLabelPosition::UpperLeft),
    (0.0, 0.0, SeriesLabelPosition::LowerLeft),
    (1.0, 0.5, SeriesLabelPosition::MiddleRight),
    (0.0, 0.5, SeriesLabelPosition::MiddleLeft),
];

/// At how many places between two points a line is looked at.
const BETWEEN: u32 = 16;

/// The place in which a box of this part of the plot's width and height hides the least of the lines.
pub(super) fn calmest(
    lines: &[&[(f64, f64)]],
    (xs, ys): (&Range<f64>, &Range<f64>),
    (width, height): (f64, f64),
) -> SeriesLabelPosition {
    let part = |number: f64, span: &Range<f64>| (number - span.start) / (span.end - span.start);
    let points: Vec<_> = lines
        .iter()
        .flat_map(|line| line.windows(2))
        .flat_map(|ends| {
            let [from, to] = [ends[0], ends[1]].map(|(x, y)| (part(x, xs), part(y, ys)));
            let along = move |step| f64::from(step) / f64::from(BETWEEN);
            (0..=BETWEEN)
                .map(move |step| (from.0 + (to.0 - from.0) * along(step), from.1 + (to.1 - from.1) * along(step)))
        })
        .collect();
    let hidden = |(x, y, _): &(f64, f64, SeriesLabelPosition)| {
        let (left, bottom) = (x * (1.0 - width), y * (1.0 - height));
        let is_hidden =
            |&&(x, y): &&(f64, f64)| (left..=left + width).contains(&x) && (bottom..=bottom + height).contains(&y);
        points.iter().filter(is_hidden).count()
    };
    let place = PLACES.into_iter().min_by_key(hidden);
    place.map_or(SeriesLabelPosition::UpperRight, |(_, _, position)| position)
}

#[cfg(test)]
mod tests {
    use plotters::chart::SeriesLabelPosition;

    use super::calmest;

    #[test]
    fn names_stand_where_no_line_is() {
        let place = |lines: &[&[(f64, f64)]]| calmest(lines, (&(0.0..4.0), &(0.0..2.0)), (0.3, 0.2));
        let falls = [(0.0, 2.0), (1.0, 0.2), (4.0, 0.0)];
        assert!(matches!(place(&[&falls]), SeriesLabelPosition::UpperRight));
        let rises = [(0.0, 0.0), (2.0, 1.8), (4.0, 2.0)];
        assert!(matches!(place(&[&rises]), SeriesLabelPosition::LowerRight));
        assert!(matches!(place(&[&rises, &[(3.5, 0.0), (3.5, 2.0)]]), SeriesLabelPosition::UpperLeft));
    }
}
