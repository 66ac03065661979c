//! The table of options: what each takes, and where it may stand.

use crate::{hooks::HOOKS, mistakes::listed, suggest::nearest};

/// Where options stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `#[callback(…)]` on an `impl` block.
    Block,
    /// `#[callback(…)]` on a function.
    Function,
    /// `#[on(…)]` on a method.
    Method,
    /// `hook!(…, |…| …)`.
    Closure,
}

/// Whose affair an option is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// The whole callback, wherever it is written.
    Callback,
    /// A callback with fields.
    Fields,
    /// One hook.
    Hook,
}

/// Whether an option has a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Value,
    /// Fields in parentheses, or nothing.
    Fields,
}

/// Every option: its name, an example, whose affair it is, what it takes.
pub(super) const OPTIONS: &[(&str, &str, Of, Takes)] = &[
    ("order", "order = 10", Of::Callback, Takes::Value),
    ("before", "before = Other", Of::Callback, Takes::Value),
    ("after", "after = Other", Of::Callback, Takes::Value),
    ("name", "name = \"watch\"", Of::Callback, Takes::Value),
    ("state", "state", Of::Fields, Takes::Fields),
    ("describe", "describe", Of::Fields, Takes::Fields),
    ("crate", "crate = my::mixup", Of::Callback, Takes::Value),
    ("train", "train", Of::Hook, Takes::Nothing),
    ("valid", "valid", Of::Hook, Takes::Nothing),
    ("every", "every = 50", Of::Hook, Takes::Value),
    ("first", "first", Of::Hook, Takes::Nothing),
    ("last", "last", Of::Hook, Takes::Nothing),
    ("if", "if = epoch > 0", Of::Hook, Takes::Value),
];

impl Place {
    pub(super) fn takes(self, of: Of) -> bool {
        match self {
            Self::Block => of != Of::Hook,
            Self::Function | Self::Closure => of != Of::Fields,
            Self::Method => of == Of::Hook,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Block => "`#[callback]`",
            Self::Function => "`#[callback]` on a function",
            Self::Method => "`#[on]`",
            Self::Closure => "`hook!`",
        }
    }

    /// The examples of all that may stand here.
    pub(super) fn all(self) -> String {
        let hook = match self {
            Self::Block => None,
            Self::Function | Self::Closure => Some("on_batch_end"),
            Self::Method => Some("batch_end"),
        };
        let options = OPTIONS.iter().filter(|(.., of, _)| self.takes(*of)).map(|(_, example, ..)| *example);
        listed(hook.into_iter().chain(options))
    }

    /// What to write instead of an option that belongs elsewhere.
    pub(super) fn belongs_elsewhere(self, option: &str, example: &str) -> String {
        match self {
            Self::Block => {
                let hook =
                    if example == option { format!("batch_end, {option}") } else { format!("batch_end, {example}") };
                format!("`{option}` chooses when a hook runs: write it on the method, as `#[on({hook})]`")
            }
            Self::Method => {
                format!(
                    "`{option}` is about the whole callback: write it on the `impl` block, as `#[callback({example})]`"
                )
            }
            Self::Function => format!("a function has no fields: leave out `{option}`, or write an `impl` block"),
            Self::Closure => format!("a closure has no fields: leave out `{option}`, or write an `impl` block"),
        }
    }
}

/// What to say of a word that there is not.
pub(super) fn no_option(written: &str, place: Place) -> String {
    let options = OPTIONS.iter().filter(|(.., of, _)| place.takes(*of)).map(|(option, ..)| *option);
    let hooks = HOOKS
        .iter()
        .filter(|_| place != Place::Block)
        .map(|hook| if place == Place::Method { hook.moment() } else { hook.name });
    let hook = place != Place::Block && (written.starts_with("on_") || nearest(written, hooks.clone()).is_some());
    let what = if hook { "hook" } else { "option" };
    match nearest(written, hooks.clone().chain(options)) {
        Some(meant) => format!("no {what} `{written}`; did you mean `{meant}`?"),
        None if hook => format!("no hook `{written}`: there are {}", listed(hooks)),
        None if place == Place::Method => {
            let filters = OPTIONS.iter().filter(|(.., of, _)| place.takes(*of)).map(|(_, example, ..)| *example);
            format!(
                "no hook and no filter `{written}`: the hooks are {}, the filters {}",
                listed(hooks),
                listed(filters)
            )
        }
        None => format!("no option `{written}` in {}: there are {}", place.name(), place.all()),
    }
}
