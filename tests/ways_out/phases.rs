//! Rules for the hooks of every callback on every way out, whatever the loop looks like.

use mixup::{callback::Hook, training::Position};

use crate::{
    path::Path,
    subject::CAST,
    way::{Deed, Way},
};

/// The phases, each of which is inside those before it.
const PHASES: [&str; 5] = ["train", "epoch", "validate", "batch", "backward"];

/// The phase that a hook begins or ends, and whether it begins it.
fn phase(hook: Hook) -> Option<(usize, bool)> {
    let name = hook.name().strip_prefix("on_")?;
    let (name, begins) = match name.strip_suffix("_begin") {
        Some(name) => (name, true),
        None => (name.strip_suffix("_end")?, false),
    };
    Some((PHASES.iter().position(|phase| *phase == name)?, begins))
}

/// `on_train_begin` of a callback runs before everything else, and `on_train_end` once, after everything else. An `…_end` hook
/// closes the phase that its begin hook opened. In an epoch, only a skip leaves a phase open; at `on_train_end`, only an early
/// end does.
pub fn are_nested(path: &Path, way: &Way) {
    let skips = matches!(&way.deed, Deed::Request(flow) if format!("{flow:?}").starts_with("Skip"));
    for who in CAST {
        let mut open: Vec<(usize, Position)> = Vec::new();
        for (number, (hook, moment)) in path.of_callback(who).enumerate() {
            assert_eq!(number == 0, hook == Hook::TrainBegin, "{way}: {who}, {hook}, {}", moment.at);
            let Some((phase, begins)) = phase(hook) else { continue };
            let inner = open.iter().position(|(other, _)| *other > phase || (begins && *other == phase));
            if let Some(inner) = inner {
                assert_eq!(skips, hook != Hook::TrainEnd, "{way}: {who} finds an open phase in {hook}, {}", moment.at);
                open.truncate(inner);
            }
            if begins {
                open.push((phase, moment.at));
            } else {
                assert_eq!(open.pop(), Some((phase, moment.at)), "{way}: {who} ends in {hook} what it did not begin");
            }
        }
        assert!(open.is_empty(), "{way}: {who} does not get its `on_train_end`");
    }
    always_end(path, way);
}

/// A phase that always ends does so once for each callback that entered it, however it is left.
pub fn always_end(path: &Path, way: &Way) {
    for who in CAST {
        for begin in Hook::ALL {
            let Some(always) = begin.always() else { continue };
            let of = |hook: Hook| {
                path.of_callback(who).filter(move |(other, _)| *other == hook).map(|(_, moment)| moment.at)
            };
            assert!(of(*begin).eq(of(always)), "{way}: {who} does not get `{always}` once for each `{begin}`");
        }
    }
}
