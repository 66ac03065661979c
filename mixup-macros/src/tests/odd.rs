//! No input makes the macros panic, and the output always contains the user's code.

use std::fs;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;

use super::written::{Call, feed};
use crate::item::{callback, hook};

/// The tokens with each one left out, repeated or replaced once, at every depth.
fn odd(tokens: &TokenStream) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let with = |index: usize, instead: Vec<TokenTree>| -> TokenStream {
        trees[..index].iter().cloned().chain(instead).chain(trees[index + 1..].iter().cloned()).collect()
    };
    let mut all = Vec::new();
    for (index, tree) in trees.iter().enumerate() {
        all.push(with(index, Vec::new()));
        all.push(with(index, vec![tree.clone(), tree.clone()]));
        for other in quote! { self & 'a "text" 1 dyn crate = , (x, y) [] { a b } impl async } {
            all.push(with(index, vec![other]));
        }
        if let TokenTree::Group(group) = tree {
            let regrouped = |inner, delimiter| with(index, vec![Group::new(delimiter, inner).into()]);
            all.push(regrouped(group.stream(), Delimiter::None));
            all.extend(odd(&group.stream()).into_iter().map(|inner| regrouped(inner, group.delimiter())));
        }
    }
    all
}

/// The tokens without each `#[on(…)]`, which only the macro understands.
fn without_on(tokens: TokenStream) -> TokenStream {
    let mut left: Vec<TokenTree> = Vec::new();
    for tree in tokens {
        let TokenTree::Group(group) = tree else {
            left.push(tree);
            continue;
        };
        let on = group.stream().into_iter().next().is_some_and(|first| first.to_string() == "on");
        if on && matches!(left.last(), Some(TokenTree::Punct(hash)) if hash.as_char() == '#') {
            left.pop();
        } else {
            left.push(Group::new(group.delimiter(), without_on(group.stream())).into());
        }
    }
    left.into_iter().collect()
}

/// The tokens as text without spaces, which change when tokens are parsed and printed again.
fn dense(tokens: &TokenStream) -> String {
    tokens.to_string().replace(' ', "")
}

fn block() -> TokenStream {
    quote! {
        #[cfg_attr(all(), cfg(unix))]
        impl<'a, W: Write> Watch<'a, W> where W: Send {
            const X: usize = 1;
            #[cfg(unix)]
            fn on_batch_end<'b>(&'b mut self, iteration: usize, _last_input: &mut Input) -> Option<StopTraining> { None }
            #[on(batch_end, epoch_begin, first, every = self.period, if = epoch > 0 && !self.off)]
            fn log(&self, epoch: usize, other: Option<&mut Other<W>>) {}
            fn on_train_end(self: &Self, (a, b): [u8; 2], last_loss: Tensor) {}
            helpers! {}
        }
    }
}

/// With mistakes, the block begins with a lint that it allows.
fn after_allow(made: &str) -> &str {
    made.strip_prefix("#[allow(unused_variables)]").unwrap_or(made)
}

#[test]
fn the_output_always_contains_the_block() {
    let options =
        quote! { order = -1, name = "watch", crate = my::mixup, before = A<u8>, state(best, waited), describe };
    let block = block();
    assert!(syn::parse2::<syn::ItemImpl>(block.clone()).is_ok());
    for item in odd(&block) {
        let made = dense(&callback(options.clone(), &item));
        let (whole, without) = (dense(&item), dense(&without_on(item.clone())));
        let begins = after_allow(&made);
        assert!(begins.starts_with(&whole) || begins.starts_with(&without), "{item}\nbecame\n{made}");
        Call::Callback { options: options.clone(), item }.check();
    }
    let kept = dense(&without_on(block.clone()));
    for options in odd(&options) {
        let made = dense(&callback(options.clone(), &block));
        assert!(after_allow(&made).starts_with(&kept), "{options}");
    }
}

#[test]
fn the_output_always_contains_the_function() {
    let options = quote! { on_epoch_end, on_batch_end, every = 2, last, if = epoch > 0, name = "shout" };
    let function = quote! {
        #[cfg(unix)]
        pub(crate) fn shout<'a>(epoch: usize, metric_names: &'a [String], other: &Other) -> Option<StopTraining> { None }
    };
    assert!(syn::parse2::<syn::ItemFn>(function.clone()).is_ok());
    for item in odd(&function) {
        let made = dense(&callback(options.clone(), &item));
        assert!(made.contains(&dense(&item)), "{item}\nbecame\n{made}");
        Call::Callback { options: options.clone(), item }.check();
    }
    for options in odd(&options) {
        let made = dense(&callback(options.clone(), &function));
        assert!(made.contains(&dense(&function)), "{options}");
    }
}

#[test]
fn hook_always_expands_to_an_expression() {
    let tokens = quote! {
        on_batch_end, train, every = 2, if = epoch > 0, name = "watch",
        move |iteration: usize, _last_input: &mut Input, other: Option<&Other>| -> Option<StopTraining> { None }
    };
    assert!(!hook(tokens.clone()).to_string().contains("compile_error"));
    for tokens in odd(&tokens) {
        let made = hook(tokens.clone());
        assert!(syn::parse2::<syn::ExprBlock>(made.clone()).is_ok(), "{tokens}\nbecame\n{made}");
    }
}

#[test]
fn the_corpus_of_the_fuzz_target_passes() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/expand");
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        // Files that the fuzzer found need not be UTF-8.
        let bytes = fs::read(&path).expect("it can be read");
        feed(&String::from_utf8_lossy(&bytes));
        files += 1;
    }
    assert!(files > 30, "{files}");
}

/// The target is not part of the workspace, so nothing else would report that it does not build.
#[test]
fn the_fuzz_target_includes_every_file_of_the_pipeline() {
    let (ours, target) = (include_str!("../lib.rs"), include_str!("../../../fuzz/targets/expand.rs"));
    let files = ours.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    let pipeline: Vec<_> = files.filter(|file| !["runtime", "tests"].contains(file)).collect();
    assert!(pipeline.contains(&"expand"), "{pipeline:?}");
    for file in pipeline {
        let includes =
            |path: &str| target.contains(&format!("#[path = \"../../mixup-macros/src/{path}.rs\"]\nmod {file};"));
        assert!(includes(file) || includes(&format!("{file}/mod")), "{file}");
    }
}
