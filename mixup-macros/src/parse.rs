//! What stands under `#[callback]`: an `impl` block or a function; and what of an item is looked at everywhere.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Attribute, Expr, Ident, Item, ItemFn, ItemImpl, Meta, Path, Token, Type,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

/// What `#[callback]` can stand on.
pub(crate) enum Subject {
    Block(ItemImpl),
    Function(ItemFn),
}

/// What `#[callback]` stands on.
///
/// # Errors
/// What stands there instead, and what to write.
pub(crate) fn subject(tokens: TokenStream) -> syn::Result<Subject> {
    match syn::parse2(tokens)? {
        Item::Impl(block) => Ok(Subject::Block(block)),
        Item::Fn(function) => Ok(Subject::Function(function)),
        item => Err(no_subject(&item)),
    }
}

fn no_subject(item: &Item) -> syn::Error {
    let on_its_block = |token: &dyn ToTokens, what: &str, name: &Ident| {
        let message = format!(
            "`#[callback]` stands on an `impl` block, not on {what}: put it on `impl {name} {{ … }}`, where the hooks are"
        );
        syn::Error::new_spanned(token.to_token_stream(), message)
    };
    let elsewhere = |token: &dyn ToTokens, what: &str| {
        let message = format!("`#[callback]` stands on an `impl` block with hooks or on a function, not on {what}");
        syn::Error::new_spanned(token.to_token_stream(), message)
    };
    match item {
        Item::Struct(item) => on_its_block(&item.struct_token, "a struct", &item.ident),
        Item::Enum(item) => on_its_block(&item.enum_token, "an enum", &item.ident),
        Item::Union(item) => on_its_block(&item.union_token, "a union", &item.ident),
        Item::Mod(item) => elsewhere(&item.mod_token, "a module"),
        Item::Trait(item) => elsewhere(&item.trait_token, "a trait"),
        Item::Const(item) => elsewhere(&item.const_token, "a constant"),
        Item::Static(item) => elsewhere(&item.static_token, "a static"),
        Item::Type(item) => elsewhere(&item.type_token, "a type alias"),
        Item::Use(item) => elsewhere(&item.use_token, "a `use`"),
        Item::Macro(item) => elsewhere(&item.mac.path, "a macro"),
        other => elsewhere(other, "this"),
    }
}

/// A name without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// Whether an attribute is called so, by whatever path.
pub(crate) fn is_called(attr: &Attribute, name: &str) -> bool {
    is_named(attr.path(), name)
}

/// Whether a path ends in this name.
pub(crate) fn is_named(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == name)
}

/// The expression without the parentheses, visible or not, that are around it.
pub(crate) fn strip_expr(mut expr: &Expr) -> &Expr {
    loop {
        expr = match expr {
            Expr::Group(group) => &group.expr,
            Expr::Paren(paren) => &paren.expr,
            other => return other,
        };
    }
}

/// The type without the parentheses, visible or not, that are around it.
pub(crate) fn strip_type(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            other => return other,
        };
    }
}

/// Those of the attributes that decide whether something is there: `cfg`, and what of `cfg_attr` comes to it.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<TokenStream> {
    of_name("cfg", attrs)
}

/// Those of the attributes that allow what a lint would refuse: what is made of the user's filters and types may have it too.
pub(crate) fn allows(attrs: &[Attribute]) -> Vec<TokenStream> {
    of_name("allow", attrs)
}

/// The attributes of this name, and what of `cfg_attr` comes to one.
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
