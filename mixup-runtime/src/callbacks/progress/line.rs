//! The text of the last line: how far the training is, and how far the pass over the data.

use std::time::Duration;

/// A pass over the data at a moment.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    pub label: &'static str,
    /// How many batches it has; `usize::MAX` for a stream.
    pub batches: usize,
    pub done: usize,
    /// How many of them were done when this line was first shown: a training may go on in the middle of a pass.
    pub first: usize,
    /// The items since then, and the time.
    pub items: usize,
    pub time: Duration,
    pub loss: Option<f64>,
}

/// The training around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Training {
    pub epochs: usize,
    /// How many epochs are done, with the part of the one in progress.
    pub done: f64,
    /// How many were done when this process began.
    pub first: f64,
    pub time: Duration,
}

enum Piece {
    Text(String),
    /// A bar, with the part that is full.
    Bar(f64),
}
use Piece::{Bar, Text};

/// The line for a terminal of so many columns: what is least needed is left out until the rest fits.
pub(super) fn text(pass: &Pass, training: Option<&Training>, columns: usize) -> String {
    let mut forms = (0..=LEAST).map(|form| (form, pieces(pass, training, form)));
    let fitting = forms.find_map(|(form, pieces)| Some((width_of_bars(&pieces, columns, form)?, pieces)));
    let (width, pieces) = fitting.unwrap_or_else(|| (SHORTEST, pieces(pass, training, LEAST)));
    let shown = pieces.into_iter().map(|piece| match piece {
        Text(text) => text,
        Bar(part) => {
            let full = ((part * width as f64) as usize).min(width);
            "█".repeat(full) + &"░".repeat(width - full)
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// The shortest bar in letters, the shortest one of two, and the longest.
const SHORTEST: usize = 5;
const SHORT: usize = 8;
const LONGEST: usize = 40;

/// The form with the fewest pieces.
const LEAST: usize = 4;

fn pieces(pass: &Pass, training: Option<&Training>, form: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    if let Some(training) = training.filter(|_| form < LEAST) {
        pieces.push(Text(format!("epochs {}/{}", training.done as usize, training.epochs)));
        if form < 2 {
            pieces.push(Bar(training.done / training.epochs.max(1) as f64));
        }
        if form < 1 {
            pieces.push(Text(times(
                training.time,
                training.done - training.first,
                training.epochs as f64 - training.done,
            )));
        }
    }
    let (done, since) = (pass.done as f64, (pass.done - pass.first) as f64);
    if pass.batches == usize::MAX {
        pieces.push(Text(format!("{} {} batches", pass.label, pass.done)));
    } else {
        pieces.extend([
            Text(format!("{} {}/{}", pass.label, pass.done, pass.batches)),
            Bar(done / pass.batches.max(1) as f64),
        ]);
    }
    if let Some(loss) = pass.loss.filter(|_| form < LEAST) {
        pieces.push(Text(format!("loss {loss:.4}")));
    }
    let speed = pass.items as f64 / pass.time.as_secs_f64();
    if form < 3 && pass.items > 0 && speed.is_finite() {
        pieces.push(Text(if speed < 9.95 { format!("{speed:.1} items/s") } else { format!("{speed:.0} items/s") }));
    }
    pieces.push(Text(times(
        pass.time,
        since,
        if pass.batches == usize::MAX { f64::NAN } else { pass.batches as f64 - done },
    )));
    pieces
}

/// How wide each bar is; `None` if they would be too short.
fn width_of_bars(pieces: &[Piece], columns: usize, form: usize) -> Option<usize> {
    let bars = pieces.iter().filter(|piece| matches!(piece, Bar(_))).count();
    let width = |piece: &Piece| if let Text(text) = piece { text.chars().count() } else { 0 };
    let rest = columns.checked_sub(pieces.iter().map(width).sum::<usize>() + pieces.len().saturating_sub(1))?;
    let each = rest.checked_div(bars).unwrap_or(LONGEST).min(LONGEST);
    (each >= if form < 2 { SHORT } else { SHORTEST }).then_some(each)
}

/// The time so far, and if it can be told the time that is left: `00:12<01:30`.
fn times(time: Duration, done: f64, left: f64) -> String {
    let rest = Duration::try_from_secs_f64(time.as_secs_f64() * left / done);
    rest.map_or_else(|_| clock(time), |rest| format!("{}<{}", clock(time), clock(rest)))
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn train() -> Pass {
        let time = Duration::from_secs(4);
        Pass { label: "train", batches: 24, done: 6, first: 0, items: 384, time, loss: Some(0.43219) }
    }

    const TRAINING: Training = Training { epochs: 4, done: 1.25, first: 0.0, time: Duration::from_secs(150) };

    #[test]
    fn the_line_has_what_fits_into_the_terminal() {
        let shown = [20, 51, 62, 80, 100, 200].map(|columns| text(&train(), Some(&TRAINING), columns));
        let wanted = [
            "train 6/24 █░░░░ 00:04<00:12",
            "epochs 1/4 train 6/24 █░░░░ loss 0.4322 00:04<00:12",
            "epochs 1/4 train 6/24 █░░░░ loss 0.4322 96 items/s 00:04<00:12",
            "epochs 1/4 ███░░░░░░░░ train 6/24 ██░░░░░░░░░ loss 0.4322 96 items/s 00:04<00:12",
            "epochs 1/4 ████░░░░░░░░░░░ 02:30<05:30 train 6/24 ███░░░░░░░░░░░░ loss 0.4322 96 items/s 00:04<00:12",
            "epochs 1/4 ████████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 02:30<05:30 train 6/24 ██████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ loss 0.4322 96 items/s 00:04<00:12",
        ];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn streams_have_no_bar_and_what_is_not_known_is_left_out() {
        let stream = Pass { batches: usize::MAX, loss: None, items: 20, ..train() };
        assert_eq!(text(&stream, None, 80), "train 6 batches 5.0 items/s 00:04");
        let fresh = Pass { done: 0, items: 0, time: Duration::ZERO, loss: None, ..train() };
        assert_eq!(text(&fresh, None, 40), format!("train 0/24 {} 00:00", "░".repeat(23)));
    }

    #[test]
    fn a_pass_that_goes_on_is_judged_by_what_was_done_here() {
        let later = Pass { first: 4, time: Duration::from_secs(2), ..train() };
        assert!(text(&later, None, 80).ends_with(" 00:02<00:18"));
        let training = Training { first: 1.0, time: Duration::from_secs(3600), ..TRAINING };
        assert!(text(&later, Some(&training), 120).contains(" 1:00:00<11:00:00 "));
    }
}
