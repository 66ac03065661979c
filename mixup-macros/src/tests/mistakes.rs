//! Mistakes that no file in `tests/ui` shows: mostly what must not be reported, because the compiler reports it itself.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{format_ident, quote};

use super::messages;
use crate::{
    hooks::HOOKS,
    item::{callback, on_without_callback},
};

/// The messages for the parameters of a hook.
fn about_params(params: &TokenStream) -> Vec<String> {
    messages(TokenStream::new(), &quote! { impl C { fn on_epoch_end(&self, #params) {} } })
}

#[test]
fn two_parameters_of_one_name_are_left_to_the_compiler() {
    assert_eq!(about_params(&quote! { epoch: usize, epoch: usize }), [""; 0]);
    assert_eq!(about_params(&quote! { epoch: usize, _epoch: usize }), ["`epoch` is asked for twice: keep one"]);
}

#[test]
fn an_event_that_is_asked_for_twice_is_rejected() {
    let twice = about_params(&quote! { event: &mut EpochEnd<'_>, _event: &mut EpochEnd<'_> });
    assert_eq!(twice, ["`event` is asked for twice: keep one"]);
}

#[test]
fn a_parameter_that_is_more_than_a_name_is_rejected() {
    for pattern in [quote! { ref epoch }, quote! { epoch @ 0 }, quote! { epoch @ _ }, quote! { _ }, quote! { (epoch) }]
    {
        let said = about_params(&quote! { #pattern: usize });
        assert!(
            matches!(&said[..], [one] if one.starts_with("a parameter of `on_epoch_end` must be a plain name")),
            "{said:?}"
        );
    }
    assert_eq!(about_params(&quote! { mut epoch: usize }), [""; 0]);
}

#[test]
fn on_is_for_methods_only() {
    let items = [
        ("a constant", quote! { const X: u8 = 0; }),
        ("a type", quote! { type X = u8; }),
        ("a macro", quote! { helpers! {} }),
    ];
    for (what, item) in items {
        let said =
            messages(TokenStream::new(), &quote! { impl C { fn on_epoch_end(&self) {} #[on(epoch_end)] #item } });
        assert_eq!(said, [format!("`#[on]` cannot be used on {what}: put it on a method")]);
    }
}

#[test]
fn a_mistake_in_an_option_does_not_hide_those_after_it() {
    let block = quote! { impl C { #[on(batch_end = [1, 2], evry = 3, first, nonsense(1, 2), last)] fn log(&self) {} } };
    let said = messages(TokenStream::new(), &block);
    assert_eq!(said.len(), 3, "{said:?}");
    for (said, begin) in said.iter().zip([
        "a hook takes no value",
        "no option named `evry`: did you mean `every`?",
        "no hook or filter named",
    ]) {
        assert!(said.starts_with(begin), "{said}");
    }
}

/// Also if it resembles none of the hooks here.
#[test]
fn a_word_that_begins_with_on_is_reported_as_a_hook() {
    let block = quote! { impl C { #[on(on_frobnicate)] fn log(&self) {} } };
    let function = quote! { fn log() {} };
    for said in [messages(TokenStream::new(), &block), messages(quote! { on_frobnicate }, &function)] {
        assert!(said[0].starts_with("no hook named `on_frobnicate`: the hooks are "), "{said:?}");
    }
}

/// Another macro may pass the block on as one group without brackets.
#[test]
fn on_is_removed_from_a_block_that_another_macro_has_made() {
    let block = quote! { impl C { #[on(epoch_end)] fn log(&self) {} } };
    let group = Group::new(Delimiter::None, block);
    let made = callback(TokenStream::new(), &proc_macro2::TokenTree::from(group).into()).to_string();
    assert!(made.contains("Hook :: EpochEnd") && !made.contains("# [on"), "{made}");
}

#[test]
fn on_outside_of_a_callback_is_an_error_that_keeps_the_item() {
    let method = quote! { fn log(&self) {} };
    let made = on_without_callback(&method).to_string();
    assert!(made.contains(&method.to_string()) && made.contains("compile_error"), "{made}");
}

/// A message says where a value is available; the table says the same.
#[test]
fn a_missing_value_is_available_exactly_where_the_message_says() {
    let has = |hook: usize, name: &str| HOOKS[hook].names().iter().any(|here| here.name == name);
    for hook in HOOKS {
        for name in HOOKS.iter().flat_map(|hook| hook.adds) {
            if hook.names().iter().any(|here| here.name == name.name) {
                continue;
            }
            let (method, param) = (format_ident!("{}", hook.name), format_ident!("{}", name.name));
            let spelt =
                name.spelt().split_once(": ").expect("a name and a type").1.parse::<TokenStream>().expect("a type");
            let said = messages(TokenStream::new(), &quote! { impl C { fn #method(&self, #param: #spelt) {} } });
            let place = said[0].rsplit_once("it is available ").expect("it says where").1;
            let named: Vec<usize> =
                (0..HOOKS.len()).filter(|&at| place.contains(&format!("`{}`", HOOKS[at].name))).collect();
            // The hooks of predictions are named only to those who write one of them, if any of them has the value.
            let plain = |of_predictions| {
                (0..HOOKS.len()).filter(move |&at| {
                    HOOKS[at].always.is_none() && HOOKS[at].is_of_predictions() == of_predictions && has(at, name.name)
                })
            };
            let own = hook.is_of_predictions() && plain(true).next().is_some();
            let having: Vec<usize> = plain(own).collect();
            match (place.starts_with("from "), place.ends_with(" on")) {
                (true, true) => assert_eq!(named, having[..1], "{place}: {}", name.name),
                (true, false) => {
                    let between: Vec<_> = (named[0]..=named[1]).filter(|at| HOOKS[*at].always.is_none()).collect();
                    assert_eq!(between, having, "{place}: {}", name.name);
                }
                (false, _) => assert_eq!(named, having, "{place}: {}", name.name),
            }
        }
    }
}
