//! What was loaded from a file of weights, and why nothing was.

use std::{fmt, path::PathBuf};

use tch::TchError;

use crate::files::FileError;

/// How many names a message lists.
const LISTED: usize = 5;

/// What [`Learner::load_matching`](crate::learner::Learner::load_matching) has loaded, and what it has not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it says which weights were not loaded"]
pub struct Loaded {
    /// The weights that were loaded: their names in the model and in the file.
    pub taken: Vec<(String, String)>,
    /// The model's weights for which the closure returned `None`: they are as before.
    pub kept: Vec<String>,
    /// The model's weights whose names in the file, the second of each pair, are not there: they are as before.
    pub missing: Vec<(String, String)>,
    /// The names in the file that no weight has taken.
    pub left: Vec<String>,
}

/// `taken: 10; missing in the file: 2 (trunk.0.bias, …)`.
impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "taken: {}", self.taken.len())?;
        let missing: Vec<_> = self.missing.iter().map(|(_, wanted)| wanted.clone()).collect();
        for (what, names) in [("kept", &self.kept), ("missing in the file", &missing), ("left in the file", &self.left)]
        {
            if !names.is_empty() {
                write!(f, "; {what}: {}", counted(names))?;
            }
        }
        Ok(())
    }
}

/// A tensor that is of another shape or kind in a file than in the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Different {
    /// The name in the model.
    pub name: String,
    /// The name in the file.
    pub name_in_file: String,
    /// Kind and shape in the model: `Float [10, 512]`.
    pub in_model: String,
    /// Kind and shape in the file.
    pub in_file: String,
}

impl fmt::Display for Different {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, name_in_file, in_model, in_file } = self;
        write!(f, "`{name}` is {in_model} in the model and {in_file} in the file")?;
        if name == name_in_file { Ok(()) } else { write!(f, ", as `{name_in_file}`") }
    }
}

/// Why weights could not be saved or loaded. If they could not be loaded, the model is unchanged.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file can't be written or read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The weights in the file are not those of the model.
    #[error(
        "the weights in `{}` do not fit the model, which has {in_model} (the file has {in_file}): {}",
        path.display(), mismatch(missing, unexpected, different)
    )]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// How many weights the model has.
        in_model: usize,
        /// How many tensors the file has.
        in_file: usize,
        /// The names that the file does not have.
        missing: Vec<String>,
        /// The names that only the file has.
        unexpected: Vec<String>,
        /// Those of other shapes or kinds.
        different: Vec<Different>,
    },
    /// No weight of the model has a name in the file.
    #[error(
        "nothing in `{}` has a name that the closure returns: {}; the file has {}", path.display(), counted(wanted), counted(found)
    )]
    Nothing {
        /// The file.
        path: PathBuf,
        /// The names that were looked for.
        wanted: Vec<String>,
        /// The names that the file has.
        found: Vec<String>,
    },
    /// Two weights are one tensor in the model, and two different ones in the file.
    #[error(
        "`{first}` and `{second}` are tied: they are one tensor in the model, and two different ones in `{}`", path.display()
    )]
    Tied {
        /// The file.
        path: PathBuf,
        /// The name of one of them.
        first: String,
        /// The name of the other.
        second: String,
    },
    /// libtorch could not copy a tensor.
    #[error("copying the weights: {}", crate::error::brief(.0))]
    Torch(#[from] TchError),
}

crate::error::debug_with_sources!(WeightsError);

fn mismatch(missing: &[String], unexpected: &[String], different: &[Different]) -> String {
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("the file lacks {}", counted(missing)));
    }
    if !unexpected.is_empty() {
        parts.push(format!("only the file has {}", counted(unexpected)));
    }
    let (listed, more) = different.split_at(different.len().min(LISTED));
    parts.extend(listed.iter().map(Different::to_string));
    if !more.is_empty() {
        parts.push(format!("{} more are different", more.len()));
    }
    parts.push("to load a part of them, use `load_matching`".to_owned());
    parts.join("; ")
}

/// `7 (a, b, c, d, e, …)`.
fn counted(names: &[String]) -> String {
    let more = if names.len() > LISTED { ", …" } else { "" };
    let listed: Vec<_> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { format!("{} ({}{more})", names.len(), listed.join(", ")) }
}
