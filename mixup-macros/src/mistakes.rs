//! Mistakes are collected, so that users see all of them at once, each on its own token.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(Option<syn::Error>);

impl Mistakes {
    /// Adds a mistake, shown on the tokens that are wrong.
    pub(crate) fn add(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.extend(syn::Error::new_spanned(tokens, message));
    }

    /// Adds the mistakes in an error from parsing.
    pub(crate) fn extend(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            errors => *errors = Some(error),
        }
    }

    /// Adds the mistakes of a part.
    pub(crate) fn append(&mut self, others: Self) {
        if let Some(errors) = others.0 {
            self.extend(errors);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// A `compile_error!` for each mistake.
    pub(crate) fn into_compile_errors(self) -> TokenStream {
        self.0.map(syn::Error::into_compile_error).unwrap_or_default()
    }
}

/// `` `a`, `b` and `c` ``
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    joined(words, "and")
}

/// `` `a`, `b` or `c` ``
pub(crate) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    joined(words, "or")
}

fn joined<'a>(words: impl IntoIterator<Item = &'a str>, with: &str) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} {with} {last}", words.join(", ")),
        last => last.unwrap_or_default(),
    }
}
