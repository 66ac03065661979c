//! The pipeline on token streams: its output, its messages, and that no input makes it panic.
//!
//! The facade's tests check that messages are shown in the right place, and that the output compiles.

mod mistakes;
mod odd;
mod rivals;
mod snapshots;
pub(crate) mod written;

use proc_macro2::TokenStream;
use quote::quote;
use syn::Item;

use crate::{
    hooks::{HOOKS, Hook, first_with},
    item::callback,
};

/// The messages of all `compile_error!`s, in order.
fn messages(options: TokenStream, item: &TokenStream) -> Vec<String> {
    let file = syn::parse2::<syn::File>(callback(options, item)).expect("the output is Rust");
    let errors = file.items.iter().filter_map(|item| if let Item::Macro(item) = item { Some(&item.mac) } else { None });
    errors.filter_map(|error| Some(error.parse_body::<syn::LitStr>().ok()?.value())).collect()
}

#[test]
fn a_mistake_keeps_the_block_and_the_other_hooks() {
    let block = quote! {
        impl Stop {
            fn on_bacth_end(&self) {}
            fn on_epoch_end(&self) {}
        }
    };
    let made = callback(TokenStream::new(), &block).to_string();
    assert!(made.starts_with(&format!("# [allow (unused_variables)] {block}")), "{made}");
    assert!(made.contains("Hook :: EpochEnd") && !made.contains("Hook :: BatchEnd"), "{made}");
    assert_eq!(messages(TokenStream::new(), &block), ["no hook named `on_bacth_end`: did you mean `on_batch_end`?"]);
}

#[test]
fn code_that_does_not_parse_is_kept_with_its_error() {
    let half = quote! { impl Stop { fn on_epoch_end(&self) -> } fn };
    let made = callback(TokenStream::new(), &half).to_string();
    assert!(made.starts_with(&half.to_string()) && made.contains("compile_error"), "{made}");
}

#[test]
fn the_message_for_a_missing_value_says_whether_it_comes_later_or_is_gone() {
    let mut missing = 0;
    for hook in HOOKS {
        for name in HOOKS.iter().flat_map(|hook| hook.adds) {
            let (method, parameter) = (quote::format_ident!("{}", hook.name), quote::format_ident!("{}", name.name));
            let spelt: syn::Type =
                syn::parse_str(name.spelt().split_once(": ").expect("a name and a type").1).expect("a type");
            let said = messages(TokenStream::new(), &quote! { impl C { fn #method(&self, #parameter: #spelt) {} } });
            if hook.names().iter().any(|here| here.name == name.name) {
                assert_eq!(said, [""; 0], "{} in {}", name.name, hook.name);
            } else {
                assert_eq!(said.len(), 1, "{said:?}");
                let has = |other: &&Hook| {
                    let alike = other.is_of_predictions() == hook.is_of_predictions();
                    alike && (other.adds.iter().any(|add| add.name == name.name) || other.shares.contains(&name.name))
                };
                let after = HOOKS.iter().skip_while(|other| other.name != hook.name).find(has).is_some();
                let (when, why) = match (after, HOOKS.iter().find(has)) {
                    (true, _) => ("does not exist yet", ": it is "),
                    (false, Some(_)) => ("no longer exists", ": it is "),
                    (false, None) => ("does not exist", ", since predictions "),
                };
                let start = format!("`{}` {when} in `{}`{why}", name.name, hook.name);
                assert!(said[0].starts_with(&start), "{said:?}");
                missing += 1;
            }
        }
    }
    assert!(missing > 100, "{missing}");
}

#[test]
fn the_table_is_consistent() {
    for (index, hook) in HOOKS.iter().enumerate() {
        assert!(hook.name.starts_with("on_") && syn::parse_str::<syn::Ident>(hook.event).is_ok(), "{}", hook.name);
        let before = |name| HOOKS[..index].iter().any(|hook: &Hook| hook.name == name);
        assert!(hook.builds_on.is_none_or(before), "{} builds on a hook before it", hook.name);
        for name in hook.shares {
            assert!(
                first_with(name).is_some() && !hook.adds.iter().any(|add| add.name == *name),
                "{}: {name}",
                hook.name
            );
        }
        for name in hook.adds {
            assert!(syn::parse_str::<syn::Type>(name.ty).is_ok(), "{}: {}", name.name, name.ty);
            let adding = HOOKS.iter().flat_map(|hook| hook.adds).filter(|other| other.name == name.name).count();
            assert_eq!(adding, 1, "{} is added once", name.name);
        }
    }
}

/// The table as a page of the documentation.
fn page() -> String {
    let code =
        |words: &mut dyn Iterator<Item = &str>| words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let mut lines = vec![
        "# Hooks and their values".to_owned(),
        "\nA hook has its own values, and all values of the hook that it builds on. The hooks of predictions share values with those of a training.".to_owned(),
        "\n| hook | builds on | its own values | may return |\n|---|---|---|---|".to_owned(),
    ];
    lines.extend(HOOKS.iter().map(|hook| {
        let builds_on = code(&mut hook.builds_on.into_iter());
        let adds = code(&mut hook.shares.iter().copied().chain(hook.adds.iter().map(|add| add.name)));
        let flows = code(&mut hook.flows.iter().copied());
        format!("| `{}` | {builds_on} | {adds} | {flows} |", hook.name)
    }));
    lines.push("\n| hook | when |\n|---|---|".to_owned());
    lines.extend(HOOKS.iter().map(|hook| format!("| `{}` | {} |", hook.name, hook.doc)));
    lines.push("\n| value | what it is |\n|---|---|".to_owned());
    let names = HOOKS.iter().flat_map(|hook| hook.adds);
    lines.extend(names.map(|name| format!("| `{}` | {} |", name.spelt(), name.doc)));
    lines.join("\n") + "\n"
}

#[test]
fn the_documentation_shows_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/hooks.md");
    if std::env::var_os("OVERWRITE").is_some() {
        std::fs::write(path, page()).expect("the file can be written");
    }
    let written = std::fs::read_to_string(path).expect("the file is there");
    assert!(written == page(), "src/hooks.md is out of date: `OVERWRITE=1 cargo test -p mixup-macros` rewrites it");
}
