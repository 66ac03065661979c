//! Labels from a CSV file with a row for each image.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    path::refuse_special,
    tree::{Content, Image, ImageLabel, Listing},
};
use crate::data::DataError;

/// Which columns of a CSV file have the images and their labels. The first line of the file has the names of the columns.
///
/// ```no_run
/// use mixup::data::{Columns, ImageData};
///
/// let breeds = ImageData::from_csv("dogs/labels.csv", Columns::class("breed").file("id").ending(".jpg").folder("dogs/train"))?;
/// let tags = ImageData::from_csv("planet/train.csv", Columns::several("tags"))?; // "haze primary water"
/// let points = ImageData::from_csv("faces/eyes.csv", Columns::numbers(["left_x", "left_y"]).valid("is_valid"))?;
/// # let _ = (breeds, tags, points);
/// # Ok::<(), mixup::data::DataError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Columns {
    labels: Labels,
    file: Option<String>,
    ending: String,
    folder: Option<PathBuf>,
    valid: Option<String>,
}

#[derive(Clone, Debug)]
enum Labels {
    Class(String),
    Several(String, char),
    Numbers(Vec<String>),
}

impl Columns {
    fn of(labels: Labels) -> Self {
        Self { labels, file: None, ending: String::new(), folder: None, valid: None }
    }

    /// Each image has one class, whose name is in this column.
    pub fn class(column: impl Into<String>) -> Self {
        Self::of(Labels::Class(column.into()))
    }

    /// Each image has any number of classes, whose names are in this column with spaces between them. The target is 1 for those that the image
    /// has and 0 for the others, `f32` `[n, classes]`, as [`BceWithLogits`](crate::loss::BceWithLogits) takes it.
    pub fn several(column: impl Into<String>) -> Self {
        Self::of(Labels::Several(column.into(), ' '))
    }

    /// Each image has a number in each of these columns: `f32` `[n, columns]`.
    pub fn numbers(columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::of(Labels::Numbers(columns.into_iter().map(Into::into).collect()))
    }

    /// Sets what is between the names of several classes. Defaults to a space.
    pub fn separator(mut self, separator: char) -> Self {
        if let Labels::Several(_, own) = &mut self.labels {
            *own = separator;
        }
        self
    }

    /// Sets the column with the names of the files. Defaults to the first.
    pub fn file(mut self, column: impl Into<String>) -> Self {
        self.file = Some(column.into());
        self
    }

    /// Sets what must be added to the names of the files: `.jpg`. Defaults to nothing.
    pub fn ending(mut self, ending: impl Into<String>) -> Self {
        self.ending = ending.into();
        self
    }

    /// Sets the folder with the files. Defaults to that of the CSV file.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Sets the column that says whether an image is for validation: with `true`, `1`, `yes` or `valid` it is, whatever the case.
    pub fn valid(mut self, column: impl Into<String>) -> Self {
        self.valid = Some(column.into());
        self
    }

    /// The columns with labels.
    fn labels(&self) -> Vec<&String> {
        match &self.labels {
            Labels::Class(column) | Labels::Several(column, _) => vec![column],
            Labels::Numbers(columns) => columns.iter().collect(),
        }
    }
}

/// A row: the file, what the columns of labels say, and whether it is for validation.
struct Row {
    file: PathBuf,
    line: u64,
    labels: Vec<String>,
    valid: bool,
}

/// The images that the file names.
pub(super) fn list(file: &Path, columns: &Columns) -> Result<Listing, DataError> {
    refuse_special(file)?;
    let rows = rows(file, columns)?;
    if rows.is_empty() {
        return Err(DataError::EmptyCsv { file: file.to_owned() });
    }
    let classes = classes(&rows, columns);
    let (mut train, mut valid) = (Vec::new(), Vec::new());
    for row in rows {
        refuse_special(&row.file)?;
        let label = label(&row, columns, &classes).map_err(|reason| DataError::Csv {
            file: file.to_owned(),
            line: row.line,
            reason,
        })?;
        let image = Image { name: row.file.clone(), label, content: Content::File(row.file) };
        if row.valid { &mut valid } else { &mut train }.push(image);
    }
    let valid = columns.valid.is_some().then_some(valid);
    Ok(Listing { classes, train, valid, test: None })
}

fn rows(file: &Path, columns: &Columns) -> Result<Vec<Row>, DataError> {
    let failed = |error: csv::Error| {
        let line = error.position().map_or(0, csv::Position::line);
        DataError::Csv { file: file.to_owned(), line, reason: error.to_string() }
    };
    let opened = std::fs::File::open(file).map_err(|cause| DataError::Read { file: file.to_owned(), cause })?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(opened);
    let header = reader.headers().map_err(failed)?.clone();
    let position = |column: &String| {
        header.iter().position(|name| name.trim_start_matches('\u{feff}') == column).ok_or_else(|| {
            DataError::NoColumn {
                file: file.to_owned(),
                column: column.clone(),
                columns: header.iter().map(str::to_owned).collect(),
            }
        })
    };
    let of_file = columns.file.as_ref().map(position).transpose()?.unwrap_or_default();
    let of_labels = columns.labels().into_iter().map(position).collect::<Result<Vec<_>, _>>()?;
    let of_valid = columns.valid.as_ref().map(position).transpose()?;
    let folder = columns.folder.as_deref().or_else(|| file.parent()).unwrap_or(Path::new(""));
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(failed)?;
        let cell = |column: usize| record.get(column).unwrap_or_default();
        let holds = |text: &str| ["true", "1", "yes", "valid"].iter().any(|yes| text.eq_ignore_ascii_case(yes));
        rows.push(Row {
            file: folder.join(format!("{}{}", cell(of_file), columns.ending)),
            line: record.position().map_or(0, csv::Position::line),
            labels: of_labels.iter().map(|&column| cell(column).to_owned()).collect(),
            valid: of_valid.is_some_and(|column| holds(cell(column))),
        });
    }
    Ok(rows)
}

/// The names of all classes, sorted.
fn classes(rows: &[Row], columns: &Columns) -> Vec<String> {
    let names: BTreeSet<&str> = match columns.labels {
        Labels::Numbers(_) => BTreeSet::new(),
        Labels::Class(_) => rows.iter().flat_map(|row| &row.labels).map(String::as_str).collect(),
        Labels::Several(_, separator) => {
            rows.iter().flat_map(|row| &row.labels).flat_map(|names| several(names, separator)).collect()
        }
    };
    names.into_iter().filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn several(names: &str, separator: char) -> impl Iterator<Item = &str> {
    names.split(separator).map(str::trim).filter(|name| !name.is_empty())
}

fn label(row: &Row, columns: &Columns, classes: &[String]) -> Result<ImageLabel, String> {
    let class = |name: &str| classes.binary_search_by(|class| class.as_str().cmp(name));
    let first = row.labels.first().map_or("", String::as_str);
    match &columns.labels {
        Labels::Class(column) => match class(first) {
            Ok(class) => Ok(ImageLabel::Class(class as i64)),
            Err(_) => Err(format!("the column `{column}` is empty, but each image needs a class")),
        },
        Labels::Several(_, separator) => {
            Ok(ImageLabel::Several(several(first, *separator).filter_map(|name| class(name).ok()).collect()))
        }
        Labels::Numbers(names) => {
            let number = |(name, text): (&String, &String)| match text.parse::<f32>() {
                Ok(number) if number.is_finite() => Ok(number),
                _ => Err(format!("the column `{name}` has `{text}`, but a number is needed")),
            };
            Ok(ImageLabel::Numbers(names.iter().zip(&row.labels).map(number).collect::<Result<_, _>>()?))
        }
    }
}
