//! What was probably meant by a name that there is not, and where that is.

use crate::{
    hooks::{HOOKS, Hook, Name, first_with},
    mistakes::listed,
};

/// What was probably meant: the nearest of what there is, if a third of the letters at most is different.
pub(crate) fn nearest<'a>(written: &str, there_are: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = written.chars().count().max(3) / 3;
    there_are
        .into_iter()
        .map(|known| (strsim::osa_distance(written, known), known))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// What parts of the hooks' names are called elsewhere, so that who comes from there finds the hook here.
const ELSEWHERE: [(&str, &str); 6] = [
    ("_start", "_begin"),
    ("_finish", "_end"),
    ("validation", "validate"),
    ("train_batch", "batch"),
    ("train_epoch", "epoch"),
    ("_fit", "_train"),
];

/// The events of fastai v2's `Callback`, and the hook that comes then.
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

/// The hook that fastai v2 calls so.
pub(crate) fn in_fastai_2(written: &str) -> Option<&'static str> {
    FASTAI_2.iter().find(|(there, _)| *there == written).map(|(_, here)| *here)
}

/// The hook that a name is probably meant for.
fn nearest_hook(written: &str) -> Option<&'static str> {
    let here = ELSEWHERE.iter().fold(written.to_lowercase(), |name, (there, here)| name.replace(there, here));
    nearest(&here, HOOKS.iter().map(|hook| hook.name))
}

/// What to say of a method that is named like a hook and is none.
pub(crate) fn no_hook(written: &str) -> String {
    let helper = "a helper with such a name belongs in an `impl` block without `#[callback]`";
    if let Some(meant) = in_fastai_2(written) {
        return format!("`{written}` is called `{meant}` here; {helper}");
    }
    if let Some(meant) = nearest_hook(written) {
        return format!("no hook `{written}`; did you mean `{meant}`?");
    }
    let hooks = listed(HOOKS.iter().map(|hook| hook.name));
    format!("no hook `{written}`: there are {hooks}; {helper}")
}

/// Methods that are not called as hooks are left alone, but where there are no others one of them may be meant for a hook.
pub(crate) fn no_hooks(mut methods: impl Iterator<Item = String>) -> String {
    let meant = methods.find_map(|method| {
        let hook = nearest_hook(&format!("on_{method}"))?;
        Some(format!("no hook in this `impl` block; did you mean `{hook}` by `{method}`?"))
    });
    meant.unwrap_or_else(|| {
        let hooks = listed(HOOKS.iter().map(|hook| hook.name));
        format!("no hook in this `impl` block: a callback has at least one of {hooks}")
    })
}

/// The value of this name in a hook; `_epoch` asks for `epoch` and leaves it unused.
pub(crate) fn find(hook: &Hook, written: &str) -> Option<&'static Name> {
    let name = written.strip_prefix('_').unwrap_or(written);
    hook.names().into_iter().find(|known| known.name == name)
}

/// Why there is no such value in this hook.
pub(crate) fn no_value(hook: &Hook, written: &str) -> String {
    let (name, at) = (written.strip_prefix('_').unwrap_or(written), hook.name);
    if first_with(name).is_some() {
        let (when, there) = elsewhere(hook, name);
        return format!("`{name}` does not exist {when} in `{at}`: it is {there}");
    }
    let here: Vec<_> = hook.names().into_iter().map(|known| known.name).collect();
    let everywhere = HOOKS.iter().flat_map(|hook| hook.adds).map(|known| known.name);
    // `loss` is no slip for `last_loss`, but means it.
    let part = || here.iter().copied().find(|known| known.ends_with(&format!("_{name}")));
    if let Some(meant) = nearest(name, here.iter().copied()).or_else(part) {
        format!("no value `{written}` in `{at}`; did you mean `{meant}`?")
    } else if let Some(meant) = nearest(name, everywhere) {
        format!("no value `{written}` in `{at}`; did you mean `{meant}`, which is {}?", elsewhere(hook, meant).1)
    } else {
        format!("no value `{written}` in `{at}`: there are {}", listed(here))
    }
}

/// Whether a value that is not in this hook comes later or is gone, and where it is.
fn elsewhere(hook: &Hook, name: &str) -> (&'static str, String) {
    let place = |name: &str| HOOKS.iter().position(|hook| hook.name == name);
    let having: Vec<_> = HOOKS.iter().filter(|hook| find(hook, name).is_some()).map(|hook| hook.name).collect();
    let places: Vec<_> = having.iter().filter_map(|name| place(name)).collect();
    match having.as_slice() {
        [first, ..] if places.first() > place(hook.name).as_ref() => ("yet", format!("first there in `{first}`")),
        [first, _, .., last] if places.is_sorted_by(|place, next| place + 1 == *next) => {
            ("any more", format!("there from `{first}` to `{last}`"))
        }
        _ => ("any more", format!("there in {}", listed(having))),
    }
}
