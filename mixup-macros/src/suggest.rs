//! Suggestions: which name was probably meant by one that does not exist, and where that name is available.

use crate::{
    hooks::{HOOKS, Hook, Name, first_with},
    mistakes::{listed, one_of},
};

/// The nearest of the known names, if at most a third of the letters differ.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = written.chars().count().max(3) / 3;
    known
        .into_iter()
        .map(|known| (strsim::osa_distance(written, known), known))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Parts of the hooks' names in other libraries, and here: for users who come from there.
const ELSEWHERE: [(&str, &str); 6] = [
    ("_start", "_begin"),
    ("_finish", "_end"),
    ("validation", "validate"),
    ("train_batch", "batch"),
    ("train_epoch", "epoch"),
    ("_fit", "_train"),
];

/// The events of fastai v2's `Callback`, and the hook that runs at the same moment.
pub(crate) const FASTAI_2: [(&str, &str); 17] = [
    ("before_fit", "on_train_begin"),
    ("before_epoch", "on_epoch_begin"),
    ("before_train", "on_epoch_begin"),
    ("before_batch", "on_batch_begin"),
    ("after_pred", "on_loss_begin"),
    ("after_loss", "on_backward_begin"),
    ("before_backward", "on_backward_begin"),
    ("after_backward", "on_backward_end"),
    ("before_step", "on_backward_end"),
    ("after_step", "on_step_end"),
    ("after_batch", "on_batch_end"),
    ("after_train", "on_validate_begin"),
    ("before_validate", "on_validate_begin"),
    ("after_validate", "on_validate_end"),
    ("after_epoch", "on_epoch_end"),
    ("after_fit", "on_train_end"),
    ("after_cancel_fit", "on_train_end"),
];

/// The hook for an event of fastai v2.
pub(crate) fn in_fastai_2(written: &str) -> Option<&'static str> {
    FASTAI_2.iter().find(|(there, _)| *there == written).map(|(_, here)| *here)
}

/// The hooks that stand in lists: those that `always` makes of an `…_end` hook are left out.
fn plain_hooks() -> impl Iterator<Item = &'static Hook> {
    HOOKS.iter().filter(|hook| hook.always.is_none())
}

/// The hook whose name is nearest.
fn nearest_hook(written: &str) -> Option<&'static str> {
    let here = ELSEWHERE.iter().fold(written.to_lowercase(), |name, (there, here)| name.replace(there, here));
    nearest(&here, HOOKS.iter().map(|hook| hook.name))
}

/// The message for a method that is named like a hook, but is none.
pub(crate) fn no_hook(written: &str) -> String {
    let helper = "a helper of that name belongs in an `impl` block without `#[callback]`";
    if let Some(meant) = in_fastai_2(written) {
        return format!("fastai v2's `{written}` is named `{meant}` here; {helper}");
    }
    if let Some(meant) = nearest_hook(written) {
        return format!("no hook named `{written}`: did you mean `{meant}`?");
    }
    let hooks = listed(plain_hooks().map(|hook| hook.name));
    format!("no hook named `{written}`: the hooks are {hooks}; {helper}")
}

/// The message for a block without hooks. One of its methods may be meant as one.
pub(crate) fn no_hooks(mut methods: impl Iterator<Item = String>) -> String {
    let meant = methods.find_map(|method| {
        let hook = nearest_hook(&format!("on_{method}"))?;
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

/// The message for a name that is no value of this hook. The hint follows where no value's name is near.
pub(crate) fn no_value(hook: &Hook, written: &str, hint: &str) -> String {
    let (name, at) = (written.strip_prefix('_').unwrap_or(written), hook.name);
    if first_with(name).is_some() {
        let available = available(hook, name);
        return if is_later(hook, name) {
            format!("`{name}` does not exist yet in `{at}`: it is {available}")
        } else {
            format!("`{name}` no longer exists in `{at}`: it is {available}")
        };
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

/// The hooks that have a value, by their places in the table.
fn having(name: &str) -> impl Iterator<Item = usize> {
    HOOKS
        .iter()
        .enumerate()
        .filter(move |(_, hook)| hook.always.is_none() && find(hook, name).is_some())
        .map(|(place, _)| place)
}

/// Whether a value that this hook does not have comes later.
fn is_later(hook: &Hook, name: &str) -> bool {
    let here = HOOKS.iter().position(|other| other.name == hook.name);
    having(name).next() > here
}

/// In which hooks a value is available that this hook does not have.
fn available(hook: &Hook, name: &str) -> String {
    let places: Vec<usize> = having(name).collect();
    let hooks = |places: &[usize]| places.iter().map(|place| HOOKS[*place].name).collect::<Vec<_>>();
    match places.as_slice() {
        [first, _, _, ..] if is_later(hook, name) => format!("available from `{}` on", HOOKS[*first].name),
        [first, _, .., last] if places.is_sorted_by(|place, next| place + 1 == *next) => {
            format!("available from `{}` to `{}`", HOOKS[*first].name, HOOKS[*last].name)
        }
        places => format!("available in {}", listed(hooks(places))),
    }
}
