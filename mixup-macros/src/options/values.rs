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
    // A type has no modules in it.
    path.filter(|path| path.segments.iter().all(|segment| segment.ident != "Self"))
        .ok_or_else(|| syn::Error::new(start, "`crate` is a path: write `crate = my::mixup`"))
}

/// A callback's type; several are several options.
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
        None => Err(syn::Error::new(start, format!("`{option}` is a callback's type: write `{option} = Other`"))),
    }
}

pub(super) fn fields(key: &Ident, input: ParseStream<'_>) -> syn::Result<Fields> {
    let mut named = Vec::new();
    if input.peek(syn::token::Paren) {
        let content;
        let paren = syn::parenthesized!(content in input);
        let start = content.span();
        let list = Punctuated::<Ident, Token![,]>::parse_terminated(&content);
        content.parse::<proc_macro2::TokenStream>()?; // what is left of it is not told again
        let message = format!("`{key}` takes the names of fields: write `{key}(best, waited)`");
        let list = list.map_err(|_| syn::Error::new(start, message))?;
        if list.is_empty() {
            let message = format!("`{key}` names no field: write `{key}` for all of them, or `{key}(best)`");
            return Err(syn::Error::new(paren.span.join(), message));
        }
        for field in list {
            if named.contains(&field) {
                return Err(syn::Error::new(field.span(), format!("`{field}` is there twice: keep one of the two")));
            }
            named.push(field);
        }
    }
    Ok(Fields { key: key.clone(), named })
}

/// Whatever is an `i32` at compile time; what cannot be one is said here, in the user's words.
pub(super) fn order(written: Expr, mistakes: &mut Mistakes) -> Expr {
    let mut value = strip_expr(&written);
    while let Expr::Unary(syn::ExprUnary { op: syn::UnOp::Neg(_), expr, .. }) = value {
        value = strip_expr(expr);
    }
    if let Expr::Lit(syn::ExprLit { lit, .. }) = value
        && !matches!(lit, syn::Lit::Int(_))
    {
        mistakes.add(&written, "`order` is a whole number: write `order = 10`");
        return syn::parse_quote!(0);
    }
    written
}

/// Whatever is a text at compile time.
pub(super) fn name(written: Expr, mistakes: &mut Mistakes) -> Expr {
    match strip_expr(&written) {
        Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => {
            if text.value().trim().is_empty() {
                mistakes.add(&written, "an empty name says nothing in a message: write `name = \"watch\"`");
            }
            written
        }
        Expr::Lit(_) => {
            mistakes.add(&written, "`name` is a text: write `name = \"watch\"`");
            syn::parse_quote!("")
        }
        _ => written,
    }
}
