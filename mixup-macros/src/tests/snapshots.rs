//! The expansion, case by case, as a readable file: first the call, then what it becomes.

use std::{fs, path::PathBuf};

use quote::quote;

use super::written::Call;

const BECOMES: &str = "\n// becomes\n\n";

/// All cases, ordered by name.
fn cases() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/snapshots");
    let mut cases: Vec<_> =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path()).collect();
    cases.sort();
    cases
}

/// The expansion, formatted. That of `hook!` is an expression, which is wrapped in a function to be parsed as a file.
fn formatted(call: Call) -> String {
    let hook = matches!(call, Call::Hook { .. });
    let made = call.expand();
    let made = if hook {
        quote! { fn hook() #made }
    } else {
        made
    };
    let text = prettyplease::unparse(&syn::parse2(made).expect("the output is Rust"));
    text.strip_prefix("fn hook() ").filter(|_| hook).map_or_else(|| text.clone(), str::to_owned)
}

#[test]
fn each_call_expands_to_its_snapshot() {
    let overwrite = std::env::var_os("OVERWRITE").is_some();
    let cases = cases();
    assert!(cases.len() >= 12, "{}", cases.len());
    for path in cases {
        let file = fs::read_to_string(&path).expect("it can be read");
        let written = file.split(BECOMES).next().unwrap_or_default().trim_end();
        let call = Call::read(written).unwrap_or_else(|| panic!("{} begins with a call", path.display()));
        let now = format!("{written}\n{BECOMES}{}", formatted(call));
        if overwrite {
            fs::write(&path, &now).expect("it can be written");
        }
        let same = file == now || overwrite;
        assert!(same, "{} is out of date: `OVERWRITE=1 cargo test -p mixup-macros` rewrites it\n{now}", path.display());
    }
}
