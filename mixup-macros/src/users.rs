//! The user's block as it was written, to the token, without the `#[on(…)]` that only `#[callback]` understands.
//!
//! It is not printed from what was parsed: that would have other spans and spaces, and lack what `syn` finds superfluous.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::Meta;

use crate::parse::is_named;

/// The item without each `#[on(…)]` on what is in its braces.
pub(crate) fn without_on(item: &TokenStream) -> TokenStream {
    let mut trees: Vec<TokenTree> = item.clone().into_iter().collect();
    if let Some(TokenTree::Group(body)) = trees.pop() {
        let inside = match body.delimiter() {
            // What a macro has put together as one.
            Delimiter::None => without_on(&body.stream()),
            _ => methods(body.stream()),
        };
        let mut group = Group::new(body.delimiter(), inside);
        group.set_span(body.span());
        trees.push(group.into());
        return trees.into_iter().collect();
    }
    item.clone()
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
