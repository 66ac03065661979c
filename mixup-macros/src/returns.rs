//! What a hook returns, as far as the macro sees it: an error that can cross threads, a stop with a reason, and no exception of
//! another library. The compiler checks the rest.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::{GenericArgument, Path, PathArguments, ReturnType, Type, TypeParamBound};

use crate::{
    mistakes::Mistakes,
    parse::{plain, strip_type},
    rivals::{FLOWS, Instead, word},
    tokens::idents,
};

const STOP: &str = "StopTraining";

/// Checks the return type, and the body of a hook that may stop the training. Without a type, `any` says whether it may.
pub(crate) fn check(output: &ReturnType, body: &dyn ToTokens, any: bool, mistakes: &mut Mistakes) {
    let mut stops = any;
    if let ReturnType::Type(_, ty) = output {
        foreign_flows(&ty.to_token_stream(), mistakes);
        error_type(ty, mistakes);
        stops = idents(ty.to_token_stream()).iter().any(|ident| ident == STOP);
    }
    if stops {
        foreign_flows(&body.to_token_stream(), mistakes);
        with_reasons(body.to_token_stream(), &mut |stop| {
            mistakes.add(stop, "`StopTraining` needs a reason: write `StopTraining::because(\"…\")`");
        });
    }
}

/// Reports the exceptions and the like by which other libraries leave their loops.
fn foreign_flows(tokens: &TokenStream, mistakes: &mut Mistakes) {
    for ident in idents(tokens.clone()) {
        if let Some(Instead::Advice(advice)) = word(FLOWS, &plain(&ident)) {
            mistakes.add(&ident, format!("hooks do not use `{ident}`: {advice}"));
        }
    }
}

/// Reports `Result<_, Box<dyn Error>>`, which lacks `Send` and `Sync`.
fn error_type(ty: &Type, mistakes: &mut Mistakes) {
    let Some(error) = path(ty).and_then(|path| argument(path, "Result", 1)) else { return };
    let Some(Type::TraitObject(object)) = path(error).and_then(|path| argument(path, "Box", 0)).map(strip_type) else {
        return;
    };
    let names: Vec<_> = object
        .bounds
        .iter()
        .filter_map(|bound| if let TypeParamBound::Trait(bound) = bound { bound.path.segments.last() } else { None })
        .map(|segment| plain(&segment.ident))
        .collect();
    let has = |name: &str| names.iter().any(|known| known == name);
    if has("Error") && !(has("Send") && has("Sync")) {
        let bounds = object.bounds.iter().filter(|bound| {
            !matches!(bound, TypeParamBound::Trait(bound) if bound.path.is_ident("Send") || bound.path.is_ident("Sync"))
        });
        let bounds: Vec<_> = bounds.map(|bound| bound.to_token_stream().to_string().replace(' ', "")).collect();
        let message = format!(
            "the error of a hook must be `Send` and `Sync`: write `Box<dyn {} + Send + Sync>`",
            bounds.join(" + ")
        );
        mistakes.add(error, message);
    }
}

fn path(ty: &Type) -> Option<&Path> {
    if let Type::Path(ty) = strip_type(ty) { Some(&ty.path) } else { None }
}

/// The argument in this place of a type of this name.
fn argument<'a>(path: &'a Path, name: &str, place: usize) -> Option<&'a Type> {
    let last = path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let mut types =
        arguments.args.iter().filter_map(|arg| if let GenericArgument::Type(ty) = arg { Some(ty) } else { None });
    types.nth(place)
}

/// The tokens, with a reason for each `StopTraining` that is used as a value. `found` is called with each. Without a reason, the
/// compiler would suggest the private field.
///
/// A value is recognized where a type cannot be: alone in a block, in the parentheses of a call, after a closure's parameters, an arm's
/// arrow, a statement or `return`.
pub(crate) fn with_reasons(tokens: TokenStream, found: &mut dyn FnMut(&Ident)) -> TokenStream {
    values_with_reasons(&tokens.into_iter().collect::<Vec<_>>(), false, found).into_iter().collect()
}

fn values_with_reasons(trees: &[TokenTree], alone: bool, found: &mut dyn FnMut(&Ident)) -> Vec<TokenTree> {
    let mut written = Vec::new();
    let mut rest = trees.iter().enumerate();
    while let Some((index, tree)) = rest.next() {
        let (before, after) = (&trees[..index], &trees[index + 1..]);
        match tree {
            TokenTree::Ident(ident) if ident == STOP && is_value(before, after, alone) => {
                found(ident);
                let mut reason = quote_spanned! { ident.span()=> "" };
                // `StopTraining("why")` and `StopTraining()`
                if let Some(TokenTree::Group(arguments)) = after.first() {
                    rest.next();
                    if !arguments.stream().is_empty() {
                        reason = arguments.stream();
                    }
                }
                written.extend(quote_spanned! { ident.span()=> #ident::because(#reason) });
            }
            TokenTree::Group(group) => written.push(group_with_reasons(group, before, found)),
            other => written.push(other.clone()),
        }
    }
    written
}

/// The group as it was, with all its spans, if there is nothing to find in it.
fn group_with_reasons(group: &Group, before: &[TokenTree], found: &mut dyn FnMut(&Ident)) -> TokenTree {
    let alone = match group.delimiter() {
        Delimiter::Brace => !is_punct(before.last(), ':'),
        Delimiter::Parenthesis => is_call(before),
        _ => false,
    };
    let mut any = false;
    let inside: Vec<_> = group.stream().into_iter().collect();
    let inside = values_with_reasons(&inside, alone, &mut |stop| {
        any = true;
        found(stop);
    });
    if !any {
        return group.clone().into();
    }
    let mut with_reasons = Group::new(group.delimiter(), inside.into_iter().collect());
    with_reasons.set_span(group.span());
    with_reasons.into()
}

/// Whether a value is between these tokens. `alone` says whether one can be at the beginning.
fn is_value(before: &[TokenTree], after: &[TokenTree], alone: bool) -> bool {
    let begins = match before.last() {
        None => alone,
        Some(TokenTree::Ident(ident)) => ident == "return",
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Brace,
        Some(TokenTree::Punct(punct)) => match punct.as_char() {
            '|' | ';' => true,
            '>' => matches!(before, [.., TokenTree::Punct(arrow), _] if arrow.as_char() == '='),
            _ => false,
        },
        Some(TokenTree::Literal(_)) => false,
    };
    let ends = match after.first() {
        None => true,
        Some(TokenTree::Punct(punct)) => matches!(punct.as_char(), ',' | ';' | '.' | '?'),
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Parenthesis,
        Some(_) => false,
    };
    begins && ends
}

/// Whether parentheses after these tokens are those of a call, and not of a type such as `Fn(StopTraining)`.
fn is_call(before: &[TokenTree]) -> bool {
    let types = ["Fn", "FnMut", "FnOnce", "fn"];
    matches!(before.last(), Some(TokenTree::Ident(ident)) if !types.iter().any(|ty| ident == ty))
}

fn is_punct(tree: Option<&TokenTree>, wanted: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}
