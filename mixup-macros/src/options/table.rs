//! The table of options: what each takes, and where it is allowed.

use crate::{
    hooks::{Access, HOOKS, first_with},
    mistakes::{listed, one_of},
    rivals::{self, Form, Instead, MOMENTS, moment, moment_in_on, word},
    suggest::{nearest, nearest_of_all},
};

/// Where options may be written.
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

/// What an option applies to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// The whole callback, however it is written.
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

/// Every option: its name, an example, what it applies to, what it takes.
pub(super) const OPTIONS: &[(&str, &str, Of, Takes)] = &[
    ("order", "order = 10", Of::Callback, Takes::Value),
    ("before", "before = Other", Of::Callback, Takes::Value),
    ("after", "after = Other", Of::Callback, Takes::Value),
    ("name", "name = \"watch\"", Of::Callback, Takes::Value),
    ("state", "state", Of::Fields, Takes::Fields),
    ("stateful", "stateful", Of::Fields, Takes::Nothing),
    ("stateless", "stateless", Of::Callback, Takes::Nothing),
    ("version", "version = 2", Of::Fields, Takes::Value),
    ("describe", "describe", Of::Fields, Takes::Fields),
    ("crate", "crate = my::mixup", Of::Callback, Takes::Value),
    ("train", "train", Of::Hook, Takes::Nothing),
    ("valid", "valid", Of::Hook, Takes::Nothing),
    ("every", "every = 50", Of::Hook, Takes::Value),
    ("first", "first", Of::Hook, Takes::Nothing),
    ("last", "last", Of::Hook, Takes::Nothing),
    ("always", "always", Of::Hook, Takes::Nothing),
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

    /// A hook as it is written here, as an example.
    fn hook(self) -> Option<&'static str> {
        match self {
            Self::Block => None,
            Self::Function | Self::Closure => Some("on_batch_end"),
            Self::Method => Some("batch_end"),
        }
    }

    /// An example of each option that may be written here.
    fn options(self) -> impl Iterator<Item = &'static str> {
        OPTIONS.iter().filter(move |(.., of, _)| self.takes(*of)).map(|(_, example, ..)| *example)
    }

    /// What is expected here: a hook or an option.
    pub(super) fn expected(self) -> String {
        let options = one_of(self.options());
        match self.hook() {
            Some(hook) => format!("expected a hook, such as `{hook}`, or one of {options}"),
            None => format!("expected one of {options}"),
        }
    }

    /// The message for an option that belongs elsewhere.
    pub(super) fn belongs_elsewhere(self, option: &str, example: &str) -> String {
        let no_fields = |what| {
            format!("`{option}` cannot be used on a {what}, which has no fields: remove it, or write an `impl` block")
        };
        match self {
            Self::Block => {
                let hook =
                    if example == option { format!("batch_end, {option}") } else { format!("batch_end, {example}") };
                format!(
                    "`{option}` applies to a hook, not to the whole callback: write it on a method, as in `#[on({hook})]`"
                )
            }
            Self::Method => {
                format!(
                    "`{option}` applies to the whole callback, not to a hook: write it on the `impl` block, as in `#[callback({example})]`"
                )
            }
            Self::Function => no_fields("function"),
            Self::Closure => no_fields("closure"),
        }
    }
}

/// The message for a word that is neither a hook nor an option. `rest` is what follows it, up to the next comma.
pub(super) fn unknown(written: &str, rest: &str, place: Place) -> String {
    if let Some(message) = foreign_option(written, place).or_else(|| value(written, rest, place)) {
        return message;
    }
    if let Some(advice) = foreign_hook(written, place) {
        return format!("no hook named `{written}`: {advice}");
    }
    let options = OPTIONS.iter().filter(|(.., of, _)| place.takes(*of)).map(|(option, ..)| *option);
    let in_place = |hook: &'static str| if place == Place::Method { hook.trim_start_matches("on_") } else { hook };
    let hooks = HOOKS.iter().filter(|hook| place.hook().is_some() && hook.always.is_none());
    let hooks = hooks.map(|hook| in_place(hook.name));
    let foreign = MOMENTS.iter().filter(|moment| moment.certain && place.hook().is_some());
    let foreign = foreign.map(|moment| in_place(moment.name)).filter(|name| foreign_hook(name, place).is_some());
    let is_hook = place.hook().is_some() && (written.starts_with("on_") || nearest(written, hooks.clone()).is_some());
    let kind = if is_hook { "hook" } else { "option" };
    if let Some(meant) = nearest_of_all(written, hooks.clone().chain(options), foreign) {
        return match foreign_hook(meant, place) {
            Some(advice) => format!("no hook named `{written}`: {advice}"),
            None => format!("no {kind} named `{written}`: did you mean `{meant}`?"),
        };
    }
    match place.hook() {
        _ if is_hook => format!("no hook named `{written}`: the hooks are {}", listed(hooks)),
        _ if place == Place::Method => format!(
            "no hook or filter named `{written}`: the hooks are {}, and the filters are {}",
            listed(hooks),
            listed(place.options())
        ),
        Some(hook) => format!(
            "no hook or option named `{written}` in {}: write a hook, such as `{hook}`, or one of {}",
            place.name(),
            one_of(place.options())
        ),
        None => format!("no option named `{written}` in {}: the options are {}", place.name(), listed(place.options())),
    }
}

/// The message for another library's name of an option.
fn foreign_option(written: &str, place: Place) -> Option<String> {
    let Instead::Name(example) = word(rivals::OPTIONS, written)? else { return None };
    let option = example.split(' ').next().unwrap_or(example);
    let (.., of, _) = OPTIONS.iter().find(|(known, ..)| *known == option)?;
    Some(if place.takes(*of) {
        format!("no option named `{written}` in {}: write `{example}`", place.name())
    } else {
        format!("no option named `{written}`: {}", place.belongs_elsewhere(option, example))
    })
}

/// What to write instead of another library's name of a hook.
fn foreign_hook(written: &str, place: Place) -> Option<String> {
    match place {
        Place::Block => None,
        // Composer has this name too, but it is a hook here.
        _ if HOOKS.iter().any(|hook| hook.moment() == written) => None,
        Place::Method => Some(moment_in_on(written)?.advice(Form::On)),
        Place::Function | Place::Closure => Some(moment(&written.to_lowercase())?.advice(Form::Option)),
    }
}

/// The message for a value that is compared where only filters are allowed: `epoch = 3`, `iteration % 2 == 0`.
fn value(written: &str, rest: &str, place: Place) -> Option<String> {
    let (_, known) = first_with(written).filter(|_| place.hook().is_some())?;
    if known.access != Access::Copied {
        return None;
    }
    let rest = match rest.strip_prefix('=') {
        _ if rest.is_empty() => "> 0".to_owned(),
        Some(value) if !value.starts_with('=') => format!("== {}", value.trim_start()),
        _ => rest.to_owned(),
    };
    Some(format!("no filter named `{written}`: write `if = {written} {rest}`"))
}
