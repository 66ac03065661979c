//! The catalogue of mistakes: each file in `tests/ui` makes one, says on its first line what the rule is, and has the
//! compiler's answer beside it, word for word. `tests/ui/README.md` is made from them.
//!
//! What the compiler itself adds may change from one Rust to the next; `TRYBUILD=overwrite cargo test --test ui` writes the
//! answers anew, and `OVERWRITE=1 cargo test --test ui handbook` the page, to be read before they are kept. The first run builds
//! the dependencies once more, for trybuild's flags.

use std::{fmt::Write as _, fs, path::Path};

#[test]
fn each_mistake_is_answered_as_its_file_documents() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

/// A mistake: its file's name, its rule, the example, and the messages of the answer.
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
    let rule = first.strip_prefix("// ").unwrap_or_else(|| panic!("{name}.rs does not begin with its rule")).to_owned();
    let answer = fs::read_to_string(file.with_extension("stderr"))
        .unwrap_or_else(|_| panic!("{name}.stderr is missing: `TRYBUILD=overwrite cargo test --test ui` writes it"));
    let example = rest.trim().trim_end_matches("fn main() {}").trim_end().to_owned();
    Case { name, rule, example, messages: messages(&answer) }
}

/// Each error's first line, with the label of a message that has one of its own to say what to write.
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
            if let Some(last) = messages.last_mut().filter(|_| !label.is_empty()) {
                let _ = write!(last, " ({label})");
            }
        }
    }
    messages
}

fn page(cases: &[Case]) -> String {
    let mut page = format!(
        "# The handbook of mistakes\n\n{} mistakes that one can make with `#[callback]`, each with its rule, an example that does not \
         compile, and what the compiler says. Made from the files beside this one: `OVERWRITE=1 cargo test --test ui handbook`.\n",
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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let cases = cases(&folder);
    assert!(cases.len() >= 40, "{} mistakes", cases.len());
    for case in &cases {
        assert!(!case.messages.is_empty(), "{}.stderr says nothing", case.name);
        assert!(case.rule.ends_with('.'), "{}: a rule is a sentence", case.name);
    }
    let (page, file) = (page(&cases), folder.join("README.md"));
    if std::env::var_os("OVERWRITE").is_some() {
        fs::write(&file, &page).expect("it can be written");
    }
    let written = fs::read_to_string(file).unwrap_or_default();
    assert!(
        written == page,
        "tests/ui/README.md is not the files': `OVERWRITE=1 cargo test --test ui handbook` writes it anew"
    );
}
