//! Which callbacks run at which moment on a way out, and what they find there.

use mixup::{callback::Hook, training::Position};

use crate::{
    script::{Moment, Script},
    subject::{CAST, FIRST, Mixing, SABOTEUR, is_always, sight},
    support::fuse::Place,
    way::Way,
};

/// The moments that a training reaches on its way out, each with the callbacks that run there, in order.
pub struct Path(Vec<(Moment, Vec<&'static str>)>);

impl Path {
    pub fn of(way: &Way, script: &Script) -> Self {
        let mut path: Vec<(Moment, Vec<_>)> = Vec::new();
        for (number, &moment) in script.moments().iter().enumerate() {
            let runs = match (moment.place, moment.owed_since) {
                (Place::Hook(hook), Some(since)) => in_order(hook, path[since].1.clone()),
                _ if way.leaves_out(script, number) => Vec::new(),
                (Place::Hook(hook), None) => {
                    let mut runs = in_order(hook, CAST.to_vec());
                    if number == way.number && way.fails() {
                        runs.truncate(1 + runs.iter().position(|who| *who == SABOTEUR).expect("it is in the cast"));
                    }
                    runs
                }
                _ => vec!["part"],
            };
            path.push((moment, runs));
        }
        path.retain(|(_, runs)| !runs.is_empty());
        Self(path)
    }

    /// Whether the training reaches a moment with this place in this epoch, other than in a validation between two batches.
    pub fn passes(&self, place: Place, epoch: usize) -> bool {
        let here = |at: Position| at.epoch == Some(epoch) && at.after_batch.is_none();
        self.0.iter().any(|(moment, _)| moment.place == place && here(moment.at))
    }

    /// The lines that the witnesses record.
    pub fn lines(&self, mixing: &Mixing) -> Vec<String> {
        let line = |moment: &Moment, who: &str| match moment.place {
            Place::Hook(hook) if who != SABOTEUR => {
                let outermost = who == FIRST && matches!(hook, Hook::TrainBegin | Hook::TrainEnd);
                let validates = moment.at.batch.is_some() && !moment.at.train && !is_always(hook);
                // Predictions have the learner's own loss function.
                sight(who, hook, moment.at, !mixing.wraps || outermost || moment.at.predict, !validates)
            }
            place => format!("{place:?}"),
        };
        self.0.iter().flat_map(|(moment, runs)| runs.iter().map(move |who| line(moment, who))).collect()
    }

    /// Each hook in which a callback runs, in order.
    pub fn of_callback(&self, who: &str) -> impl Iterator<Item = (Hook, &Moment)> {
        self.0.iter().filter(move |(_, runs)| runs.contains(&who)).filter_map(|(moment, _)| match moment.place {
            Place::Hook(hook) => Some((hook, moment)),
            _ => None,
        })
    }
}

/// Hooks that end something run in reverse order, and what always runs at an end too.
fn in_order(hook: Hook, mut runs: Vec<&'static str>) -> Vec<&'static str> {
    runs.sort_by_key(|who| CAST.iter().position(|other| other == who));
    if hook.is_end() || is_always(hook) {
        runs.reverse();
    }
    runs
}
