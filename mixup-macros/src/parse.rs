//! Parts of an item, for every stage: plain names, attributes, types and expressions without parentheses.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Attribute, Expr, Ident, Meta, Path, Token, Type,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

/// A name without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// Whether an attribute has this name, by whatever path.
pub(crate) fn is_called(attr: &Attribute, name: &str) -> bool {
    is_named(attr.path(), name)
}

/// Whether a path ends in this name.
pub(crate) fn is_named(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == name)
}

/// The expression without the parentheses around it, visible or not.
pub(crate) fn strip_expr(mut expr: &Expr) -> &Expr {
    loop {
        expr = match expr {
            Expr::Group(group) => &group.expr,
            Expr::Paren(paren) => &paren.expr,
            other => return other,
        };
    }
}

/// The type without the parentheses around it, visible or not.
pub(crate) fn strip_type(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            other => return other,
        };
    }
}

/// The attributes that decide whether something is compiled: `cfg`, also within `cfg_attr`.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<TokenStream> {
    of_name("cfg", attrs)
}

/// The `allow` attributes, also within `cfg_attr`: they apply to the code that is generated from the user's filters and types too.
pub(crate) fn allows(attrs: &[Attribute]) -> Vec<TokenStream> {
    of_name("allow", attrs)
}

/// The attributes of this name, also within `cfg_attr`.
fn of_name(name: &str, attrs: &[Attribute]) -> Vec<TokenStream> {
    attrs.iter().filter_map(|attr| meta_of_name(name, &attr.meta).map(|meta| quote! { #[#meta] })).collect()
}

fn meta_of_name(name: &str, meta: &Meta) -> Option<TokenStream> {
    if meta.path().is_ident(name) {
        return Some(meta.to_token_stream());
    }
    let list = meta.require_list().ok().filter(|list| list.path.is_ident("cfg_attr"))?;
    let parser = |input: ParseStream<'_>| {
        let predicate: Meta = input.parse()?;
        input.parse::<Token![,]>()?;
        Ok((predicate, Punctuated::<Meta, Token![,]>::parse_terminated(input)?))
    };
    let (predicate, metas) = parser.parse2(list.tokens.clone()).ok()?;
    let metas: Vec<_> = metas.iter().filter_map(|meta| meta_of_name(name, meta)).collect();
    (!metas.is_empty()).then(|| quote! { cfg_attr(#predicate, #(#metas),*) })
}
