//! Tokens, and where the compiler shows them: generated code points back into the user's code.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// The first and the last span of some tokens: the compiler underlines everything between them.
pub(crate) fn ends(tokens: impl ToTokens) -> (Span, Span) {
    let mut tokens = tokens.into_token_stream().into_iter().map(|token: TokenTree| token.span());
    let first = tokens.next().unwrap_or_else(Span::call_site);
    (first, tokens.last().unwrap_or(first))
}

/// A span that errors point to, but that lints do not take for the user's own code.
pub(crate) fn generated(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// The tokens in brackets with this span.
pub(crate) fn grouped(delimiter: Delimiter, span: Span, tokens: TokenStream) -> Group {
    let mut group = Group::new(delimiter, tokens);
    group.set_span(span);
    group
}

/// All identifiers, also those in brackets.
pub(crate) fn idents(tokens: TokenStream) -> Vec<Ident> {
    let inside = |tree| match tree {
        TokenTree::Ident(ident) => vec![ident],
        TokenTree::Group(group) => idents(group.stream()),
        _ => Vec::new(),
    };
    tokens.into_iter().flat_map(inside).collect()
}

/// The words of an expression that stand for themselves: variables and constants, but no fields, methods or paths.
pub(crate) fn words(tokens: TokenStream) -> Vec<Ident> {
    let mut found = Vec::new();
    respan_words(tokens, &mut |word| {
        found.push(word.clone());
        None
    });
    found
}

/// Offers a new span for each word that stands for itself: no fields and methods (`self.epoch`), no parts of paths, no
/// macros. The fields behind such a word (`self.loader.size`) get a new span with it, so that an error underlines them too.
///
/// Methods keep theirs: it says where a call panics, and by which edition's rules the method is found.
pub(crate) fn respan_words(tokens: TokenStream, respan: &mut dyn FnMut(&Ident) -> Option<Span>) -> TokenStream {
    let trees: Vec<_> = tokens.into_iter().collect();
    let mut owner_is_respanned = false;
    let is = |index: Option<usize>, wanted: char| {
        let tree = index.and_then(|index| trees.get(index));
        matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
    };
    let is_path = |index: usize| is(Some(index), ':') && is(Some(index + 1), ':');
    let is_called = |index: usize| matches!(trees.get(index), Some(TokenTree::Group(_))) || is_path(index);
    let one = |(index, tree): (usize, &TokenTree)| {
        let (before, two_before) = (index.checked_sub(1), index.checked_sub(2));
        let member = is(before, '.') && !is(two_before, '.');
        let with_owner = owner_is_respanned.then(|| generated(tree.span()));
        let mut tree = tree.clone();
        let span = match &tree {
            // The new span is of edition 2024, where `gen` is a keyword.
            TokenTree::Ident(name) if member => with_owner.filter(|_| !is_called(index + 1) && name != "gen"),
            TokenTree::Literal(_) if member => with_owner,
            TokenTree::Ident(word) => {
                let in_path = is(before, ':') && is(two_before, ':') || is_path(index + 1);
                let is_macro = is(Some(index + 1), '!') && !is(Some(index + 2), '=');
                if in_path || is_macro { None } else { respan(word) }
            }
            TokenTree::Group(group) => {
                let inside = respan_words(group.stream(), respan);
                tree = grouped(group.delimiter(), group.span(), inside).into();
                None
            }
            TokenTree::Punct(point) => with_owner.filter(|_| point.as_char() == '.'),
            TokenTree::Literal(_) => None,
        };
        owner_is_respanned = span.is_some();
        if let Some(span) = span {
            tree.set_span(span);
        }
        tree
    };
    trees.iter().enumerate().map(one).collect()
}
