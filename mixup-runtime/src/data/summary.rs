//! What data consists of, in words.

use std::fmt;

use super::{
    Data,
    splits::{PictureFacts, thousands},
};

/// The longest bar, in letters.
const BAR: usize = 30;

impl Data {
    /// What the data consists of, to be read before a training. Of pictures: the counts by class in each part, their sizes as they lie, whether they are
    /// kept in memory, and what they are normalized with.
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// let summary = ImageData::digits()?.build()?.summary().to_string();
    /// assert!(summary.starts_with("1,437 training and 360 validation images of 1×8×8 in 10 classes\nmemory     decoded once and kept"));
    /// # Ok::<(), DataError>(())
    /// ```
    #[must_use]
    pub fn summary(&self) -> DataSummary {
        let mut lines = vec![self.to_string()];
        if let Some(facts) = self.picture_facts() {
            lines.extend(facts.lines());
            for (part, counts) in facts.counts.iter().filter(|(_, counts)| !counts.is_empty()) {
                lines.push((*part).to_owned());
                lines.extend(bars(self.classes(), counts));
                lines.extend(inequality(counts).filter(|_| *part == "training"));
            }
        }
        DataSummary(lines.join("\n"))
    }
}

impl PictureFacts {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let size = |(width, height): (u32, u32)| format!("{width}×{height}");
        if let Some(sizes) = &self.sizes {
            let (smallest, largest) = (size(sizes.smallest), size(sizes.largest));
            lines.push(match sizes.different {
                1 => format!("sizes      all {largest} (width×height)"),
                n => format!("sizes      {} different ones, from {smallest} to {largest} (width×height)", thousands(n)),
            });
        }
        lines.push(format!("memory     decoded {}", if self.kept { "once and kept" } else { "for each batch" }));
        if let Some(numbers) = self.preparation.normalize.as_ref().and_then(|normalize| normalize.numbers()) {
            let list =
                |which: usize| numbers.iter().map(|pair| format!("{:.3}", pair[which])).collect::<Vec<_>>().join(", ");
            lines.push(format!("normalized mean {}, deviation {}", list(0), list(1)));
        }
        lines
    }
}

/// A line for each class, with its name, its count and a bar.
fn bars(classes: &[String], counts: &[usize]) -> Vec<String> {
    let widest = classes.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let line = |(name, count): (&String, &usize)| {
        format!("  {name:<widest$} {:>9} {}", thousands(*count), "▪".repeat((count * BAR).div_ceil(most)))
    };
    classes.iter().zip(counts).map(line).collect()
}

/// A line about classes of very different sizes.
fn inequality(counts: &[usize]) -> Option<String> {
    let most = counts.iter().copied().max()?;
    let least = counts.iter().copied().filter(|count| *count > 0).min()?;
    let times = most as f64 / least as f64;
    (most >= 3 * least).then(|| {
        format!(
            "  the largest class has {times:.1} times as many as the smallest: `.balanced()` draws them equally often"
        )
    })
}

/// What data consists of, in words. Returned by [`Data::summary`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSummary(String);

impl fmt::Display for DataSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
