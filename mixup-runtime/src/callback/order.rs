//! Who runs before whom: `order`, then the order in which they were added, save where `before` and `after` say otherwise.

use std::any::{Any, TypeId};

use super::AnyCallback;
use crate::training::BuildError;

/// Sorts a list that is in the order in which its callbacks were added, and gives the ring of names where the wishes of some go
/// round; these then stand as if they had none.
///
/// Always the first one, by `order` and age, that no one else has to run before.
pub(super) fn sorted(list: &[Box<dyn AnyCallback>]) -> (Vec<usize>, Option<Vec<&'static str>>) {
    let before = before(list);
    let mut by_order: Vec<usize> = (0..list.len()).collect();
    by_order.sort_by_key(|&index| list[index].order());
    let (mut sorted, mut ring) = (Vec::new(), None);
    while !by_order.is_empty() {
        let waits = |index: usize| before[index].iter().any(|earlier| by_order.contains(earlier));
        let next = by_order.iter().position(|&index| !waits(index)).unwrap_or_else(|| {
            ring.get_or_insert_with(|| go_round(list, &before, &by_order));
            0
        });
        sorted.push(by_order.remove(next));
    }
    (sorted, ring)
}

/// For each callback, those that have to run before it.
fn before(list: &[Box<dyn AnyCallback>]) -> Vec<Vec<usize>> {
    let id = |index: usize| -> TypeId { (&*list[index] as &dyn Any).type_id() };
    let of = |wanted: TypeId, but: usize| (0..list.len()).filter(move |&other| other != but && id(other) == wanted);
    let mut before = vec![Vec::new(); list.len()];
    for (index, callback) in list.iter().enumerate() {
        for later in callback.before().iter().flat_map(|peer| of(peer.id(), index)) {
            before[later].push(index);
        }
        before[index].extend(callback.after().iter().flat_map(|peer| of(peer.id(), index)));
    }
    before
}

/// The names along a ring among those that are left: each of them waits for another one that is left.
fn go_round(list: &[Box<dyn AnyCallback>], before: &[Vec<usize>], left: &[usize]) -> Vec<&'static str> {
    let mut path = vec![left[0]];
    loop {
        let waiting = path[path.len() - 1];
        let Some(&earlier) = before[waiting].iter().find(|earlier| left.contains(earlier)) else { return Vec::new() };
        if let Some(start) = path.iter().position(|&index| index == earlier) {
            path.drain(..start);
            path.reverse(); // the way was from later to earlier
            return path.into_iter().map(|index| list[index].name()).collect();
        }
        path.push(earlier);
    }
}

/// Refuses a callback that asks for one that is not there.
pub(super) fn check_asked(list: &[Box<dyn AnyCallback>]) -> Result<(), BuildError> {
    for callback in list {
        for asked in callback.hooks() {
            for peer in asked.callbacks.iter().filter(|peer| !peer.is_optional()) {
                if !list.iter().any(|other| (&**other as &dyn Any).type_id() == peer.id()) {
                    return Err(BuildError::MissingCallback {
                        by: callback.name(),
                        hook: asked.hook,
                        wanted: peer.name(),
                    });
                }
            }
        }
    }
    Ok(())
}
