//! The user's block as it was written, to the token, without what only `#[callback]` understands: `#[on(…)]` on methods, and `#[name = …]` and
//! `#[names = …]` on their parameters.
//!
//! It is not printed from the parsed block, which would have other spans and spaces, and would lack what `syn` leaves out.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::Meta;

use crate::{parse::is_named, tokens::grouped};

/// The block without these attributes.
pub(super) fn without_on(item: &TokenStream) -> TokenStream {
    let mut trees: Vec<TokenTree> = item.clone().into_iter().collect();
    let Some(TokenTree::Group(body)) = trees.pop() else { return item.clone() };
    let inside = match body.delimiter() {
        // Another macro passed the block as one group without brackets.
        Delimiter::None => without_on(&body.stream()),
        _ => methods(body.stream()),
    };
    trees.push(grouped(body.delimiter(), body.span(), inside).into());
    trees.into_iter().collect()
}

fn methods(body: TokenStream) -> TokenStream {
    let without = without_attributes(body, |meta| is_named(meta.path(), "on"));
    let parameters = |tree| match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
            let of_choice = |meta: &Meta| meta.path().is_ident("name") || meta.path().is_ident("names");
            grouped(group.delimiter(), group.span(), without_attributes(group.stream(), of_choice)).into()
        }
        tree => tree,
    };
    without.into_iter().map(parameters).collect()
}

/// The tokens without the attributes for which `is_ours` holds.
fn without_attributes(tokens: TokenStream, is_ours: impl Fn(&Meta) -> bool) -> TokenStream {
    let mut left: Vec<TokenTree> = Vec::new();
    for tree in tokens {
        let hash = matches!(left.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == '#');
        let is_attribute = |group: &Group| {
            group.delimiter() == Delimiter::Bracket
                && syn::parse2::<Meta>(group.stream()).is_ok_and(|meta| is_ours(&meta))
        };
        match &tree {
            TokenTree::Group(group) if hash && is_attribute(group) => {
                left.pop();
            }
            _ => left.push(tree),
        }
    }
    left.into_iter().collect()
}
