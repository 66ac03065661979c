//! The user's block as it was written, to the token, without the `#[on(…)]` that only `#[callback]` understands.
//!
//! It is not printed from what was parsed: that would have other spans and spaces, and lack what `syn` leaves out.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::Meta;

use crate::{parse::is_named, tokens::grouped};

/// The block without the `#[on(…)]` on what is in its braces.
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
    let mut left: Vec<TokenTree> = Vec::new();
    for tree in body {
        let hash = matches!(left.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == '#');
        match &tree {
            TokenTree::Group(group) if hash && is_on(group) => {
                left.pop();
            }
            _ => left.push(tree),
        }
    }
    left.into_iter().collect()
}

fn is_on(group: &Group) -> bool {
    group.delimiter() == Delimiter::Bracket
        && syn::parse2::<Meta>(group.stream()).is_ok_and(|meta| is_named(meta.path(), "on"))
}
