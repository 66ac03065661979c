//! The order of callbacks: by `order`, then as they were added, except where `before`, `after` and reading require another order.

use super::{Request, dispatch::Entry};
use crate::training::{BuildError, Hook};

/// A callback that must run before another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub earlier: usize,
    pub later: usize,
}

/// Sorts `base` so that no edge is violated: each time it takes the first callback of `base` before which no other must run. Callbacks in a
/// cycle stay in the order of `base`, and the cycle is returned too.
pub(super) fn sorted(base: &[usize], edges: &[Edge]) -> (Vec<usize>, Option<Vec<usize>>) {
    let (mut left, mut sorted, mut cycle) = (base.to_vec(), Vec::new(), None);
    while !left.is_empty() {
        let waits = |index: usize| edges.iter().any(|edge| edge.later == index && left.contains(&edge.earlier));
        let next = left.iter().position(|&index| !waits(index)).unwrap_or_else(|| {
            cycle.get_or_insert_with(|| find_cycle(edges, &left));
            0
        });
        sorted.push(left.remove(next));
    }
    (sorted, cycle)
}

/// Finds a cycle among callbacks each of which waits for another one: each must run before the next, and the last before the first.
fn find_cycle(edges: &[Edge], left: &[usize]) -> Vec<usize> {
    let mut path = vec![left[0]];
    loop {
        let waiting = path[path.len() - 1];
        let waited_for = edges.iter().find(|edge| edge.later == waiting && left.contains(&edge.earlier));
        let Some(&Edge { earlier, .. }) = waited_for else { return Vec::new() };
        if let Some(start) = path.iter().position(|&index| index == earlier) {
            path.drain(..start);
            path.reverse(); // it was found from later to earlier
            return path;
        }
        path.push(earlier);
    }
}

/// The edges that `before` and `after` declare.
pub(super) fn declared(entries: &[Entry]) -> Vec<Edge> {
    let of_type =
        |id, but: usize| (0..entries.len()).filter(move |&other| other != but && entries[other].type_id == id);
    let mut edges = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let callback = entry.callback.borrow();
        for peer in callback.before() {
            edges.extend(of_type(peer.id(), index).map(|later| Edge { earlier: index, later }));
        }
        for peer in callback.after() {
            edges.extend(of_type(peer.id(), index).map(|earlier| Edge { earlier, later: index }));
        }
    }
    edges
}

/// The edges of a hook from publishing: the publisher of a value runs before its readers.
pub(super) fn by_reading(entries: &[Entry], hook: Hook) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (later, reader) in entries.iter().enumerate() {
        for name in reader.requests(hook).flat_map(Request::read) {
            let publishers = entries.iter().enumerate().filter(|(earlier, publisher)| {
                *earlier != later && publisher.requests(hook).any(|request| request.published().contains(name))
            });
            edges.extend(publishers.map(|(earlier, _)| Edge { earlier, later }));
        }
        // A reader of all values runs after all publishers, unless it publishes a value itself.
        if reader.asks(hook, "values") && !reader.publishes(hook) {
            let publishers = entries.iter().enumerate().filter(|(_, publisher)| publisher.publishes(hook));
            edges.extend(publishers.map(|(earlier, _)| Edge { earlier, later }));
        }
    }
    edges
}

/// The names in a cycle, for a message.
pub(super) fn named(entries: &[Entry], cycle: &[usize], hook: Option<Hook>) -> BuildError {
    BuildError::OrderCycle { cycle: cycle.iter().map(|&index| entries[index].name.to_string()).collect(), hook }
}
