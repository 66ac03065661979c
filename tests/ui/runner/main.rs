//! The catalogue of mistakes: each file in `tests/ui` makes one mistake and states the rule in its first line. The file
//! with the ending `.stderr` beside it has the compiler's answer, word for word. `tests/ui/README.md` is generated from them.
//!
//! The compiler's own part of an answer may change from one version of Rust to the next. `TRYBUILD=overwrite cargo test -p ui`
//! rewrites the answers, and `OVERWRITE=1 cargo test -p ui handbook` the page; read the difference before you commit it.
//!
//! trybuild builds the dependencies with flags of its own, so it cannot reuse what the other tests have built. `Cargo.toml`
//! tells how this stays cheap.

use std::{fmt::Write as _, fs, path::Path};

#[test]
fn mistakes_get_the_documented_answers() {
    trybuild::TestCases::new().compile_fail("*.rs");
}

/// A mistake: the name of its file, its rule, the example, and the compiler's messages.
struct Case {
    name: String,
    rule: String,
    example: String,
    messages: Vec<String>,
}

fn cases(folder: &Path) -> Vec<Case> {
    let entries = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect();
    files.sort();
    files.iter().map(|file| case(file)).collect()
}

fn case(file: &Path) -> Case {
    let name = file.file_stem().expect("a file has a name").to_string_lossy().into_owned();
    let text = fs::read_to_string(file).expect("it is text");
    let (first, rest) = text.split_once('\n').expect("a case has more than a line");
    let rule = first
        .strip_prefix("// ")
        .unwrap_or_else(|| panic!("{name}.rs does not begin with `// ` and its rule"))
        .to_owned();
    let answer = fs::read_to_string(file.with_extension("stderr"))
        .unwrap_or_else(|_| panic!("{name}.stderr is missing: `TRYBUILD=overwrite cargo test -p ui` writes it"));
    let example = rest.trim().trim_end_matches("fn main() {}").trim_end().to_owned();
    Case { name, rule, example, messages: messages(&answer) }
}

/// The first line of each error. An error with a code gets its label too, since there the label says what to write.
fn messages(answer: &str) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    let mut labelled = true;
    for line in answer.lines() {
        if let Some(message) = line.strip_prefix("error").filter(|rest| rest.starts_with(": ") || rest.starts_with('['))
        {
            let (code, message) = message.split_once(": ").expect("a message follows");
            labelled = code.is_empty();
            messages.push(message.to_owned());
        } else if let Some((_, label)) = line.split_once('^')
            && !labelled
        {
            let label = label.trim_start_matches('^').trim();
            labelled = true;
            // Dashes underline another place, whose label is not the error's.
            if let Some(last) = messages.last_mut().filter(|_| !label.is_empty() && !label.starts_with('-')) {
                let _ = write!(last, " ({label})");
            }
        }
    }
    messages
}

fn page(cases: &[Case]) -> String {
    let mut page = format!(
        "# The handbook of mistakes\n\n{} mistakes that one can make with `#[callback]`, each with its rule, an example that does not \
         compile, and the compiler's message. Generated from the files in this folder by `OVERWRITE=1 cargo test -p ui handbook`.\n",
        cases.len()
    );
    let mut topic = "";
    for Case { name, rule, example, messages } in cases {
        let here = name.split('_').next().unwrap_or(name);
        if here != topic {
            topic = here;
            let _ = write!(page, "\n## {}{}\n", here[..1].to_uppercase(), &here[1..]);
        }
        let _ = write!(page, "\n### {rule}\n\n[`{name}.rs`]({name}.rs)\n\n```rust,ignore\n{example}\n```\n\n");
        for message in messages {
            let _ = writeln!(page, "- {message}");
        }
    }
    page
}

#[test]
fn the_handbook_has_every_mistake() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cases = cases(folder);
    assert!(cases.len() >= 40, "only {} mistakes were found", cases.len());
    for case in &cases {
        assert!(!case.messages.is_empty(), "{}.stderr has no message", case.name);
        assert!(case.rule.ends_with('.'), "{}: a rule is a sentence", case.name);
    }
    let (page, file) = (page(&cases), folder.join("README.md"));
    if std::env::var_os("OVERWRITE").is_some() {
        fs::write(&file, &page).expect("it can be written");
    }
    let written = fs::read_to_string(file).unwrap_or_default();
    assert!(
        written == page,
        "tests/ui/README.md differs from the files beside it: `OVERWRITE=1 cargo test -p ui handbook` rewrites it"
    );
}
