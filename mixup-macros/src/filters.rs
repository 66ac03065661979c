//! Filters: when a hook's method runs. `train`, `valid`, `every`, `first`, `last` and `if`, checked against how often the hook
//! runs.
//!
//! `train`, `valid` and `if` must hold; of `first`, `every` and `last` one is enough. `always` turns an `…_end` hook into another one,
//! which runs for every callback that entered the phase.

use quote::ToTokens;
use syn::{Expr, Ident, Lit, ext::IdentExt, parse::ParseStream};

use crate::{
    hooks::{HOOKS, Hook, Once, first_with},
    mistakes::{Mistakes, listed},
    parse::strip_expr,
    suggest::no_value,
    tokens::words,
};

/// The filters, as written.
#[derive(Clone, Default)]
pub(crate) struct Filters {
    pub train: Option<Ident>,
    pub valid: Option<Ident>,
    pub first: Option<Ident>,
    pub last: Option<Ident>,
    pub always: Option<Ident>,
    pub every: Option<(Ident, Expr)>,
    pub when: Option<(Ident, Expr)>,
}

impl Filters {
    /// Adds a filter. Returns whether it was given before.
    pub(crate) fn take(
        &mut self,
        key: &Ident,
        option: &str,
        input: ParseStream<'_>,
        mistakes: &mut Mistakes,
    ) -> syn::Result<bool> {
        Ok(match option {
            "train" => self.train.replace(key.clone()).is_some(),
            "valid" => self.valid.replace(key.clone()).is_some(),
            "first" => self.first.replace(key.clone()).is_some(),
            "last" => self.last.replace(key.clone()).is_some(),
            "always" => self.always.replace(key.clone()).is_some(),
            "every" => self.every.replace((key.clone(), every(input.parse()?, mistakes))).is_some(),
            _ => self.when.replace((key.clone(), input.parse()?)).is_some(),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        let Self { train, valid, first, last, every, when, .. } = self;
        [train, valid, first, last].iter().all(|flag| flag.is_none()) && every.is_none() && when.is_none()
    }

    /// The expressions, which may use values of the hook: the period and the condition.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expr> {
        [&self.every, &self.when].into_iter().flatten().map(|(_, expr)| expr)
    }

    /// Checks what does not depend on the hook, so that a method of several hooks reports it once.
    pub(crate) fn check_alone(&self, has_self: bool, mistakes: &mut Mistakes) {
        if let (Some(_), Some(valid)) = (&self.train, &self.valid) {
            mistakes.add(valid, "`train` and `valid` exclude each other: remove both to run for all batches");
        }
        if !has_self {
            for word in self.expressions().flat_map(|expr| words(expr.to_token_stream())).filter(|word| word == "self")
            {
                mistakes.add(&word, "functions and closures have no `self`: use values of the hook and constants");
            }
        }
    }

    /// The hook that runs with `always`, if it is given and the hook can have it.
    pub(crate) fn hook(&self, hook: &'static Hook, mistakes: &mut Mistakes) -> &'static Hook {
        let Some(key) = &self.always else { return hook };
        let message = match hook.with_always() {
            Some(always) => return always,
            None if hook.name == "on_train_end" => "`on_train_end` always runs: remove `always`".to_owned(),
            None => {
                format!("`always` is for the end of a phase, not for `{}`: use it with {}", hook.name, listed(ends()))
            }
        };
        mistakes.add(key, message);
        hook
    }

    /// Checks that the filters can be used in this hook.
    pub(crate) fn check(&self, hook: &Hook, mistakes: &mut Mistakes) {
        let name = hook.name;
        let per = hook.once.per();
        for flag in [&self.train, &self.valid].into_iter().flatten() {
            let message = match hook.once {
                Once::Batch => continue,
                Once::TrainingBatch if flag == "train" => continue,
                Once::TrainingBatch => {
                    format!("`valid` never holds in `{name}`, which runs only in training: remove `valid`")
                }
                Once::PredictionBatch => {
                    format!("`{flag}` never holds in `{name}`, which runs only in predictions: remove `{flag}`")
                }
                Once::Training | Once::Epoch | Once::Prediction => {
                    format!("`{flag}` selects batches, but `{name}` runs once per {per}: remove `{flag}`")
                }
            };
            mistakes.add(flag, message);
        }
        if matches!(hook.once, Once::Training | Once::Prediction) && hook.always.is_none() {
            let moments = [&self.first, &self.last].into_iter().flatten().chain(self.every.iter().map(|(key, _)| key));
            for key in moments {
                mistakes
                    .add(key, format!("`{key}` has no meaning in `{name}`, which runs once per {per}: remove `{key}`"));
            }
        }
        if hook.always.is_some() {
            let moments = [&self.first, &self.last].into_iter().flatten().chain(self.every.iter().map(|(key, _)| key));
            for key in moments {
                mistakes.add(key, format!("`always` runs whenever the phase was entered: remove `{key}`"));
            }
        }
        for word in self.expressions().flat_map(|expr| words(expr.to_token_stream())) {
            let plain = word.unraw().to_string();
            if first_with(&plain).is_some() && !hook.names().iter().any(|known| known.name == plain) {
                mistakes.add(&word, no_value(hook, &plain, ""));
            }
        }
    }

    /// As listings show them: `train, every 50, if self.on`.
    pub(crate) fn text(&self) -> String {
        let flags = [&self.train, &self.valid, &self.first].into_iter().flatten().map(ToString::to_string);
        let valued = |(key, expr): &(Ident, Expr)| format!("{key} {}", one_line(expr));
        let last = self.last.iter().map(ToString::to_string);
        let texts = flags.chain(self.every.iter().map(valued)).chain(last).chain(self.when.iter().map(valued));
        texts.collect::<Vec<_>>().join(", ")
    }
}

/// The hooks that can have `always`, as `#[on(…)]` takes them.
fn ends() -> impl Iterator<Item = &'static str> {
    HOOKS.iter().filter(|hook| hook.with_always().is_some()).map(Hook::moment)
}

/// A literal must be a whole number above 0. The compiler checks the type of any other expression; its value is checked when it runs.
fn every(written: Expr, mistakes: &mut Mistakes) -> Expr {
    let wrong = match strip_expr(&written) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_digits() == "0",
            _ => true,
        },
        Expr::Unary(unary) => matches!(unary.op, syn::UnOp::Neg(_)),
        _ => false,
    };
    if wrong {
        mistakes.add(&written, "`every` must be a whole number of at least 1: write `every = 50`");
        return syn::parse_quote!(1);
    }
    written
}

/// The expression as listings show it: on one line, without spaces around `.` and `::`.
fn one_line(expr: &Expr) -> String {
    let text = expr.to_token_stream().to_string().replace('\n', " ");
    [(" . ", "."), (" :: ", "::"), ("( ", "("), (" )", ")")]
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}
