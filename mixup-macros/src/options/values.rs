//! The values of the options.

use quote::ToTokens;
use syn::{Expr, Ident, Path, Token, Type, parse::ParseStream, punctuated::Punctuated};

use super::Fields;
use crate::{
    mistakes::Mistakes,
    parse::{strip_expr, strip_type},
};

pub(super) fn krate(input: ParseStream<'_>) -> syn::Result<Path> {
    let start = input.span();
    let path = input.call(Path::parse_mod_style).ok();
    // `Self` is a type, which contains no modules.
    path.filter(|path| path.segments.iter().all(|segment| segment.ident != "Self"))
        .ok_or_else(|| syn::Error::new(start, "`crate` must be a path: write `crate = my::mixup`"))
}

/// The type of another callback. For several callbacks, the option is given several times.
pub(super) fn other(option: &str, input: ParseStream<'_>, others: &mut Vec<Type>) -> syn::Result<bool> {
    let start = input.span();
    let ty: Option<Type> = input.parse().ok();
    match ty.filter(|ty| matches!(strip_type(ty), Type::Path(_))) {
        Some(ty) => {
            let written = ty.to_token_stream().to_string();
            let twice = others.iter().any(|other| other.to_token_stream().to_string() == written);
            others.push(ty);
            Ok(twice)
        }
        None => {
            Err(syn::Error::new(start, format!("`{option}` must be the type of a callback: write `{option} = Other`")))
        }
    }
}

pub(super) fn fields(key: &Ident, input: ParseStream<'_>) -> syn::Result<Fields> {
    let mut named = Vec::new();
    if input.peek(syn::token::Paren) {
        let content;
        let paren = syn::parenthesized!(content in input);
        let start = content.span();
        let list = Punctuated::<Ident, Token![,]>::parse_terminated(&content);
        content.parse::<proc_macro2::TokenStream>()?; // the rest is not reported again
        let message = format!("`{key}` takes names of fields: write `{key}(best, waited)`");
        let list = list.map_err(|_| syn::Error::new(start, message))?;
        if list.is_empty() {
            let message = format!("`{key}()` names no field: write `{key}(best)`, or `{key}` for all fields");
            return Err(syn::Error::new(paren.span.join(), message));
        }
        for field in list {
            if named.contains(&field) {
                return Err(syn::Error::new(field.span(), format!("`{field}` is given twice: keep one")));
            }
            named.push(field);
        }
    }
    Ok(Fields { key: key.clone(), named })
}

/// Any expression that is a whole number at compile time. A literal of another kind is reported here, with the option's name.
pub(super) fn whole_number(example: &str, written: Expr, mistakes: &mut Mistakes) -> Expr {
    let mut value = strip_expr(&written);
    while let Expr::Unary(syn::ExprUnary { op: syn::UnOp::Neg(_), expr, .. }) = value {
        value = strip_expr(expr);
    }
    if let Expr::Lit(syn::ExprLit { lit, .. }) = value
        && !matches!(lit, syn::Lit::Int(_))
    {
        let option = example.split(' ').next().unwrap_or(example);
        mistakes.add(&written, format!("`{option}` must be a whole number: write `{example}`"));
        return syn::parse_quote!(0);
    }
    written
}

/// Any expression that is a string at compile time.
pub(super) fn name(written: Expr, mistakes: &mut Mistakes) -> Expr {
    match strip_expr(&written) {
        Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => {
            if text.value().trim().is_empty() {
                mistakes.add(&written, "`name` is empty: write a name for messages to use, as in `name = \"watch\"`");
            }
            written
        }
        Expr::Lit(_) => {
            mistakes.add(&written, "`name` must be a string: write `name = \"watch\"`");
            syn::parse_quote!("")
        }
        _ => written,
    }
}
