//! Checks the layers: every room of a crate (a folder or a file at the top of its `src`) uses only the rooms below it.
//!
//! It parses all sources, including tests, and checks every path that names another room: in `use`, in code, in types, in attributes
//! and in the bodies of macros. Paths in comments are links for readers and are not checked. In a room, modules may use each other
//! freely. A crate's root (`lib.rs`, `main.rs`) is above all of its rooms.

#[path = "layers/paths.rs"]
mod paths;

use std::{collections::BTreeSet, fs, path::Path};

use paths::{Paths, line_of, next_words};
use proc_macro2::TokenStream;

/// A crate with its rooms in their order.
struct Layers {
    src: &'static str,
    /// The rooms from bottom to top: each uses only those before it.
    rooms: &'static [&'static str],
    /// The first words of paths to this crate's own rooms, besides `self` and `super`.
    roots: &'static [&'static str],
    /// Macros, each with the room that its generated code needs.
    generated: &'static [(&'static str, &'static str)],
}

#[rustfmt::skip]
const RUNTIME: Layers = Layers {
    src: "mixup-runtime/src",
    rooms: &[
        "error", "rng", "names", "state",
        "files",
        "kernel",
        "transforms", "plots",
        "batch",
        "model", "optim", "loss", "metrics", "data",
        "training",
        "callback",
        "callbacks",
        "learner",
        "vision",
    ],
    roots: &["crate", "mixup", "mixup_runtime"],
    generated: &[("__hooks", "training"), ("__events", "callback"), ("callback", "callback"), ("hook", "callback")],
};

#[rustfmt::skip]
const MACROS: Layers = Layers {
    src: "mixup-macros/src",
    rooms: &[
        "parse", "mistakes", "tokens",
        "derive",
        "hooks",
        "runtime", "rivals", "suggest",
        "params", "filters", "options", "returns",
        "check",
        "expand",
        "item",
        "tests",
    ],
    roots: &["crate"],
    generated: &[],
};

#[rustfmt::skip]
const XTASK: Layers = Layers {
    src: "xtask/src",
    rooms: &[
        "versions",
        "error",
        "console", "machine", "child",
        "libtorch", "wheel", "fetch", "peers", "run", "setup", "package", "mpi", "suite", "trials", "scale",
        "tests",
    ],
    roots: &["crate"],
    generated: &[],
};

impl Layers {
    /// The faults in a file: a sentence for each path that leads upward.
    fn faults(&self, path: &str, text: &str) -> Vec<String> {
        let module = module(path);
        let Some(room) = module.first().cloned() else { return Vec::new() }; // the root
        let Some(here) = self.rooms.iter().position(|known| *known == room) else {
            return vec![format!("`{}/{path}`: the list of the rooms lacks `{room}`", self.src)];
        };
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let Paths { mut found, macros, .. } = Paths::of(&file, module, self.roots);
        for (line, name) in macros {
            let generated = self.generated.iter().filter(|(known, _)| *known == name);
            found.extend(generated.map(|(_, room)| (line, vec![(*room).to_owned()])));
        }
        let fault = |(line, used): (usize, Vec<String>)| {
            let place = format!("`{}/{path}`, line {line}", self.src);
            let first = used.first().map_or("crate", String::as_str);
            match self.rooms.iter().position(|known| *known == first) {
                Some(there) if there <= here => None,
                Some(_) => Some(format!("{place}: `{room}` may not use `{first}`, which is above it")),
                // The tests of a whole crate may use its root.
                None if room == "tests" => None,
                None => Some(format!("{place}: `{}` is in no room: name it by the room that has it", used.join("::"))),
            }
        };
        let mut faults: Vec<_> = found.into_iter().filter_map(fault).collect();
        faults.dedup();
        faults
    }

    fn assert_no_path_leads_upward(&self) {
        let files = sources(self.src);
        let faults = files.iter().flat_map(|(path, text)| self.faults(path, text));
        assert_none(faults);
        for room in self.rooms {
            assert!(
                files.iter().any(|(path, _)| module(path).first().is_some_and(|it| it == room)),
                "there is no `{room}`"
            );
        }
    }
}

#[test]
fn no_room_of_the_runtime_uses_one_above_it() {
    RUNTIME.assert_no_path_leads_upward();
}

#[test]
fn no_room_of_the_macros_uses_one_above_it() {
    MACROS.assert_no_path_leads_upward();
}

#[test]
fn no_room_of_xtask_uses_one_above_it() {
    XTASK.assert_no_path_leads_upward();
}

/// The code is in a user's crate, or in a room of the runtime above `callback`.
#[test]
fn code_that_the_macros_write_names_the_rooms_batch_and_callback_only() {
    let rooms: BTreeSet<_> =
        sources(MACROS.src).iter().flat_map(|(_, text)| next_words(["#", "facade", ":", ":"], tokens(text))).collect();
    assert_eq!(rooms.into_iter().collect::<Vec<_>>(), ["batch", "callback"]);
}

#[test]
fn unsafe_code_is_in_the_room_kernel_only() {
    let faults = sources(RUNTIME.src).into_iter().filter(|(path, _)| !is_in_kernel(path)).filter_map(|(path, text)| {
        let line = line_of("unsafe", tokens(&text))?;
        Some(format!("`{}/{path}`, line {line}: `unsafe` belongs in `kernel`", RUNTIME.src))
    });
    assert_none(faults);
}

/// `forbid` can't be lifted for a part of a crate, so the runtime uses `deny`, which its kernel lifts.
#[test]
fn every_crate_forbids_unsafe_code_and_the_runtime_allows_it_in_its_kernel() {
    for (root, level) in [
        ("src/lib.rs", "forbid"),
        ("mixup-macros/src/lib.rs", "forbid"),
        ("mixup-runtime/src/lib.rs", "deny"),
        ("xtask/src/main.rs", "forbid"),
        ("fuzz/targets/expand.rs", "forbid"),
        ("tests/renamed/src/lib.rs", "forbid"),
    ] {
        let text = fs::read_to_string(workspace().join(root)).expect("the crate is there");
        assert!(
            text.contains(&format!("#![{level}(unsafe_code)]")),
            "`{root}` does not say `#![{level}(unsafe_code)]`"
        );
    }
    let faults = sources(RUNTIME.src).into_iter().filter(|(path, _)| path != "lib.rs" && !is_in_kernel(path));
    let faults = faults.filter_map(|(path, text)| {
        let line = line_of("unsafe_code", tokens(&text))?;
        Some(format!("`{}/{path}`, line {line}: only `kernel` may allow itself `unsafe`", RUNTIME.src))
    });
    assert_none(faults);
}

#[test]
fn a_path_upward_is_found_in_every_form() {
    for text in [
        "use crate::learner::Learner;",
        "use crate::{error::BoxError, learner::{Learner, Report}};",
        "use crate::learner::*;",
        "pub use super::super::learner::Learner as Other;",
        "use mixup::learner::Learner;",
        "fn f(learner: &crate::learner::Learner) {}",
        "fn f() -> Vec<crate::learner::Learner> { Vec::new() }",
        "fn f() { crate::learner::fit(); }",
        "mod tests { use super::super::super::learner::Learner; }",
        "mod tests { fn f() { super::super::super::learner::fit() } }",
        "fn f() { assert_eq!(crate::learner::fit(), 1); }",
        "macro_rules! learner { () => { $crate::learner::Learner } }",
        "macro_rules! learner { () => { use $crate::{error::BoxError, learner::Learner}; } }",
        "#[error(\"{}\", crate::learner::brief(.0))] struct Fault;",
        "crate::learner::ask!();",
        "impl crate::learner::Trait for Adam {}",
        "pub(in crate::optim) fn f() -> impl Into<crate::learner::Learner> {}",
    ] {
        let faults = RUNTIME.faults("optim/adam.rs", text);
        let sentence = "`mixup-runtime/src/optim/adam.rs`, line 1: `optim` may not use `learner`, which is above it";
        assert_eq!(faults, [sentence], "{text}");
    }
}

#[test]
fn what_a_macro_writes_counts_as_written_where_it_is_called() {
    let text = "\n#[callback(crate = crate)]\nimpl Adam { fn on_epoch_end() {} }";
    let sentence = "`mixup-runtime/src/optim/adam.rs`, line 2: `optim` may not use `callback`, which is above it";
    assert_eq!(RUNTIME.faults("optim/adam.rs", text), [sentence]);
    assert_eq!(RUNTIME.faults("callbacks/progress.rs", text), [""; 0]);
}

#[test]
fn a_path_downward_and_a_path_within_the_room_are_allowed() {
    for text in [
        "use crate::{error::BoxError, model::Params, optim::Sgd};",
        "use super::{Hyper, state::Slots};",
        "use super::super::model::Params;",
        "pub(super) fn f() { self::g(); super::check(); }",
        "mod tests { use super::*; use super::super::Hyper; }",
        "/// As [`fit`](crate::learner::Learner::fit).\nfn f() { learner::fit(); quote! { crate::learner::Learner }; }",
    ] {
        assert_eq!(RUNTIME.faults("optim/adam.rs", text), [""; 0], "{text}");
    }
}

#[test]
fn a_path_that_names_no_room_and_a_room_without_a_place_are_faults() {
    let sentence = "`mixup-runtime/src/optim/mod.rs`, line 1: `Rng` is in no room: name it by the room that has it";
    assert_eq!(RUNTIME.faults("optim/mod.rs", "use crate::Rng;"), [sentence]);
    let sentence = "`mixup-runtime/src/schedules/mod.rs`: the list of the rooms lacks `schedules`";
    assert_eq!(RUNTIME.faults("schedules/mod.rs", ""), [sentence]);
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All modules in a folder, each with its path there and its text. Snapshots are not modules.
fn sources(src: &str) -> Vec<(String, String)> {
    let src = workspace().join(src);
    let mut files = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be read").path();
            if path.ends_with("snapshots") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("it is text");
                files.push((
                    path.strip_prefix(&src).expect("it is in there").to_string_lossy().replace('\\', "/"),
                    text,
                ));
            }
        }
    }
    files.sort();
    files
}

/// The module of a file: `["optim", "adam"]` for `optim/adam.rs`, `["optim"]` for `optim/mod.rs`, the root for `lib.rs`.
fn module(path: &str) -> Vec<String> {
    let mut module: Vec<_> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod" || path == "lib.rs" || path == "main.rs") {
        module.pop();
    }
    module
}

fn is_in_kernel(path: &str) -> bool {
    module(path).first().is_some_and(|room| room == "kernel")
}

fn tokens(text: &str) -> TokenStream {
    text.parse().expect("it is Rust")
}

fn assert_none(faults: impl Iterator<Item = String>) {
    let faults: Vec<_> = faults.collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
