//! Suggestions for a name that does not exist: which name was probably meant, and where it is available.

use crate::{
    hooks::{HOOKS, Hook, Name, first_with},
    mistakes::{listed, one_of},
    rivals::{Form, Instead, MOMENTS, VALUES, moment, word},
};

/// The nearest of the known names, if at most a third of the letters differ.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_within(written.chars().count().max(3) / 3, written, known).map(|(_, known)| known)
}

/// The nearest of our names, or of other libraries' names. There are many of those, so at most two of their letters may differ.
pub(crate) fn nearest_of_all<'a>(
    written: &str,
    ours: impl IntoIterator<Item = &'a str>,
    foreign: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let ours = nearest_within(written.chars().count().max(3) / 3, written, ours);
    let foreign = nearest_within(2, written, foreign);
    ours.into_iter().chain(foreign).min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

/// The hooks that lists show: all but the forms with `always`.
fn plain_hooks() -> impl Iterator<Item = &'static Hook> + Clone {
    HOOKS.iter().filter(|hook| hook.always.is_none())
}

fn nearest_within<'a>(
    allowed: usize,
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<(usize, &'a str)> {
    let near = known.into_iter().map(|known| (strsim::osa_distance(written, known), known));
    near.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, _)| *distance)
}

/// The message for a method that has a hook's kind of name, but is not a hook.
pub(crate) fn no_hook(written: &str) -> String {
    let helper = "a helper of that name belongs in an `impl` block without `#[callback]`";
    if let Some(moment) = moment(written) {
        let advice = moment.advice(Form::Method);
        let helper = if written.starts_with("on_") { String::new() } else { format!("; {helper}") };
        return format!("no hook named `{written}`: {advice}{helper}");
    }
    let hooks = plain_hooks().map(|hook| hook.name);
    let foreign = MOMENTS.iter().map(|moment| moment.name).filter(|name| name.starts_with("on_"));
    match nearest_of_all(&written.to_lowercase(), hooks.clone(), foreign) {
        Some(meant) => match moment(meant) {
            Some(moment) => format!("no hook named `{written}`: {}", moment.advice(Form::Method)),
            None => format!("no hook named `{written}`: did you mean `{meant}`?"),
        },
        None => format!("no hook named `{written}`: the hooks are {}; {helper}", listed(hooks)),
    }
}

/// The message for a block without hooks. One of its methods may have been meant as one.
pub(crate) fn no_hooks(mut methods: impl Iterator<Item = String>) -> String {
    let meant = methods.find_map(|method| {
        let hook = nearest(&format!("on_{method}"), HOOKS.iter().map(|hook| hook.name))?;
        Some(format!("no hook in this `impl` block: did you mean `{hook}` instead of `{method}`?"))
    });
    meant.unwrap_or_else(|| {
        let hooks = one_of(plain_hooks().map(|hook| hook.name));
        format!("no hook in this `impl` block: a callback needs at least one of {hooks}")
    })
}

/// The value of this name in a hook; `_epoch` asks for `epoch` and does not use it.
pub(crate) fn find(hook: &Hook, written: &str) -> Option<&'static Name> {
    let name = written.strip_prefix('_').unwrap_or(written);
    hook.names().into_iter().find(|known| known.name == name)
}

/// The message for a name that is not a value of this hook. The hint is added if no value has a similar name.
pub(crate) fn no_value(hook: &Hook, written: &str, hint: &str) -> String {
    let (name, at) = (written.strip_prefix('_').unwrap_or(written), hook.name);
    if first_with(name).is_some() {
        let available = available(hook, name);
        return if is_later(hook, name) {
            format!("`{name}` does not exist yet in `{at}`: it is {available}")
        } else if having(hook.is_of_predictions(), name).next().is_some() {
            format!("`{name}` no longer exists in `{at}`: it is {available}")
        } else {
            format!("`{name}` does not exist in `{at}`, since {}: it is {available}", no_training(name))
        };
    }
    if let Some(instead) = word(VALUES, name) {
        let instead = match instead {
            Instead::Advice(advice) => (*advice).to_owned(),
            Instead::Name(here) => match find(hook, here) {
                Some(known) => format!("write `{}`", known.spelt()),
                None => format!("it is named `{here}` here, and {}", available(hook, here)),
            },
        };
        return format!("no value named `{written}` in `{at}`: {instead}");
    }
    let here: Vec<_> = hook.names().into_iter().map(|known| known.name).collect();
    let everywhere = HOOKS.iter().flat_map(|hook| hook.adds).map(|known| known.name);
    // `loss` is short for `last_loss`.
    let part = || here.iter().copied().find(|known| known.ends_with(&format!("_{name}")));
    if let Some(meant) = nearest(name, here.iter().copied()).or_else(part) {
        format!("no value named `{written}` in `{at}`: did you mean `{meant}`?")
    } else if let Some(meant) = nearest(name, everywhere) {
        format!("no value named `{written}` in `{at}`: did you mean `{meant}`, which is {}?", available(hook, meant))
    } else {
        format!("no value named `{written}` in `{at}`: the values are {}{hint}", listed(here))
    }
}

/// Why predictions lack a value that trainings have.
fn no_training(name: &str) -> &'static str {
    if name.contains("loss") || ["last_target", "last_metrics", "metric_names"].contains(&name) {
        "predictions have no target and no loss"
    } else {
        "predictions are outside of a training"
    }
}

/// The hooks that have a value, by their places in the table: those of predictions, or all others.
fn having(of_predictions: bool, name: &str) -> impl Iterator<Item = usize> {
    let hooks = HOOKS.iter().enumerate().filter(move |(_, hook)| hook.is_of_predictions() == of_predictions);
    hooks.filter(move |(_, hook)| hook.always.is_none() && find(hook, name).is_some()).map(|(place, _)| place)
}

/// Whether a value that this hook does not have comes later.
fn is_later(hook: &Hook, name: &str) -> bool {
    let here = HOOKS.iter().position(|other| other.name == hook.name);
    having(hook.is_of_predictions(), name).next() > here
}

/// Where a value is available that this hook does not have: in which hooks of its own kind, if there are any.
fn available(hook: &Hook, name: &str) -> String {
    let own = hook.is_of_predictions() && having(true, name).next().is_some();
    let places: Vec<usize> = having(own, name).collect();
    let hooks = |places: &[usize]| places.iter().map(|place| HOOKS[*place].name).collect::<Vec<_>>();
    match places.as_slice() {
        [first, _, _, ..] if is_later(hook, name) => format!("available from `{}` on", HOOKS[*first].name),
        [first, _, .., last] if places.is_sorted_by(|place, next| place + 1 == *next) => {
            format!("available from `{}` to `{}`", HOOKS[*first].name, HOOKS[*last].name)
        }
        places => format!("available in {}", listed(hooks(places))),
    }
}
