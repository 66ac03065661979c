//! A text as numbers, one for each character, and the pieces of it that a network learns from.

use std::collections::BTreeSet;

use mixup::prelude::*;
use tch::Tensor;

/// The different characters of a text, in their order. A character's number is its place among them.
#[derive(Clone, Debug)]
pub struct Characters(Vec<char>);

impl Characters {
    /// The characters that occur in a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(text.chars().collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.0.len() as i64
    }

    /// A text as numbers, `[t]`.
    ///
    /// # Errors
    /// If the text has a character that is not one of these.
    pub fn numbers(&self, text: &str) -> Result<Tensor, BoxError> {
        let number = |it: char| self.0.binary_search(&it).map_err(|_| format!("the text to learn has no {it:?}"));
        let numbers: Vec<_> =
            text.chars().map(|it| number(it).map(|number| number as i64)).collect::<Result<_, _>>()?;
        Ok(Tensor::from_slice(&numbers))
    }

    /// Numbers `[t]` as a text.
    ///
    /// # Errors
    /// If they are not one row of numbers.
    pub fn text(&self, numbers: &Tensor) -> Result<String, BoxError> {
        let numbers = Vec::<i64>::try_from(numbers)?;
        Ok(numbers.iter().filter_map(|&number| self.0.get(usize::try_from(number).ok()?)).collect())
    }

    /// Every piece of the text that has this length. Its target is the piece that begins one character later.
    ///
    /// # Errors
    /// If the text is shorter than a piece and its target.
    pub fn pieces(&self, text: &str, length: i64) -> Result<TensorDataset, BoxError> {
        // All pieces are views of the same numbers: a piece is copied only when a batch needs it.
        let pieces = self.numbers(text)?.f_unfold(0, length + 1, 1)?;
        Ok(TensorDataset::new(pieces.narrow(1, 0, length), pieces.narrow(1, 1, length))?)
    }
}
