//! The links in the documentation lead to files that exist, and to headings that they have.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// All pages of documentation.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<_> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].map(|name| root.join(name)).into();
    collect(&root.join("docs"), &mut pages);
    pages
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

/// The lines of a page outside of its blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// The text without what is between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// The targets of all `[text](target)` in a page.
fn links(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let line = without_code(line);
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        targets.map(|(target, _)| target.to_owned()).collect::<Vec<_>>()
    };
    prose(text).flat_map(line).collect()
}

/// The anchors that GitHub gives to the headings of a page.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in prose(text).filter(|line| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        let anchor: String = kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect();
        let numbered = (1..).map(|number| format!("{anchor}-{number}"));
        let first = std::iter::once(anchor.clone()).chain(numbered).find(|anchor| !anchors.contains(anchor));
        anchors.extend(first);
    }
    anchors
}

/// Why a link on a page leads nowhere.
fn fault(page: &Path, link: &str) -> Option<String> {
    if ["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme)) {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = if file.is_empty() { page.to_owned() } else { page.parent()?.join(file) };
    let said = |what: &str| Some(format!("{}: `{link}` {what}", page.display()));
    if !target.exists() {
        return said("leads to no file");
    }
    let known = |anchor: &str| fs::read_to_string(&target).is_ok_and(|text| anchors(&text).contains(anchor));
    if anchor.is_some_and(|anchor| !known(anchor)) { said("leads to no heading") } else { None }
}

#[test]
fn every_link_in_the_documentation_leads_to_a_file_and_a_heading() {
    let mut faults = Vec::new();
    let mut count = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("it is text");
        for link in links(&text) {
            count += 1;
            faults.extend(fault(&page, &link));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count > 50, "only {count} links were found");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = "See [a](docs/none.md), [b](README.md#no-such-heading) and [c](https://example.com).\n```\n[d](e)\n```\n`[f](g)`";
    let links = links(text);
    assert_eq!(links, ["docs/none.md", "README.md#no-such-heading", "https://example.com"]);
    let faults: Vec<_> = links.iter().filter_map(|link| fault(&page, link)).collect();
    assert!(faults[0].ends_with("leads to no file") && faults[1].ends_with("leads to no heading"), "{faults:?}");
    assert_eq!(faults.len(), 2);
}

#[test]
fn a_heading_has_the_anchor_that_github_gives_it() {
    let anchors = anchors("# `fit` and its errors: all!\n## Twice\n## Twice\n```\n# no heading\n```\n");
    assert_eq!(anchors.iter().collect::<Vec<_>>(), ["fit-and-its-errors-all", "twice", "twice-1"]);
}
