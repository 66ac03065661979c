//! What stands there: the options in the parentheses of `#[callback(…)]`, and the `impl` block below it.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Attribute, Expr, ExprLit, ExprUnary, Ident, Item, ItemImpl, Lit, Meta, Path, Token, Type, UnOp,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::{
    meant::nearest,
    mistakes::{Mistakes, listed},
};

/// What may stand in the parentheses.
const OPTIONS: [(&str, &str); 3] =
    [("order", "order = 10"), ("name", "name = \"watch\""), ("crate", "crate = my::mixup")];

/// The options, as written.
#[derive(Default)]
pub(crate) struct Options {
    pub order: Option<Expr>,
    pub name: Option<Expr>,
    /// The path of the facade, where it is not `::mixup`.
    pub krate: Option<Path>,
}

impl Options {
    /// The options that are right; the others are mistakes.
    pub(crate) fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut options = Self::default();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = options.parse_one(input, mistakes) {
                    mistakes.extend(error);
                }
                // Behind a mistake the next option begins after the next comma.
                while !input.is_empty() && input.parse::<Option<Token![,]>>()?.is_none() {
                    input.parse::<proc_macro2::TokenTree>()?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            mistakes.extend(error);
        }
        options
    }

    fn parse_one(&mut self, input: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<()> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error(format!("an option is expected here: {}", all_options())));
        }
        let key = input.call(Ident::parse_any)?;
        let written = key.unraw().to_string();
        let Some((option, example)) = OPTIONS.into_iter().find(|(option, _)| *option == written) else {
            mistakes.add(
                &key,
                match nearest(&written, OPTIONS.map(|(option, _)| option)) {
                    Some(meant) => format!("no option `{written}`; did you mean `{meant}`?"),
                    None => format!("no option `{written}` in `#[callback]`: there are {}", all_options()),
                },
            );
            return Ok(());
        };
        if input.parse::<Option<Token![=]>>()?.is_none() || input.is_empty() || input.peek(Token![,]) {
            mistakes.add(&key, format!("`{option}` needs a value: write `{example}`"));
            return Ok(());
        }
        let twice = match option {
            "order" => self.order.replace(order(input.parse()?, mistakes)).is_some(),
            "name" => self.name.replace(name(input.parse()?, mistakes)).is_some(),
            _ => self.krate.replace(krate(input)?).is_some(),
        };
        if twice {
            mistakes.add(&key, format!("`{option}` is there twice: keep one of the two"));
        }
        if !input.is_empty() && !input.peek(Token![,]) {
            return Err(input.error(format!("a comma is expected between the options, as in `{example}, …`")));
        }
        Ok(())
    }
}

fn all_options() -> String {
    listed(OPTIONS.map(|(_, example)| example))
}

fn krate(input: ParseStream<'_>) -> syn::Result<Path> {
    let start = input.span();
    input
        .call(Path::parse_mod_style)
        .map_err(|_| syn::Error::new(start, "`crate` is a path: write `crate = my::mixup`"))
}

/// Whatever is an `i32` at compile time; what cannot be one is said here, in the user's words.
fn order(written: Expr, mistakes: &mut Mistakes) -> Expr {
    let mut value = strip_groups(&written);
    while let Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) = value {
        value = strip_groups(expr);
    }
    if let Expr::Lit(ExprLit { lit, .. }) = value
        && !matches!(lit, Lit::Int(_))
    {
        mistakes.add(&written, "`order` is a whole number: write `order = 10`");
        return syn::parse_quote!(0);
    }
    written
}

/// Whatever is a text at compile time.
fn name(written: Expr, mistakes: &mut Mistakes) -> Expr {
    match strip_groups(&written) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
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

fn strip_groups(mut expr: &Expr) -> &Expr {
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

/// The `impl` block that `#[callback]` stands on.
///
/// # Errors
/// What stands there instead, and what to write.
pub(crate) fn block(tokens: TokenStream) -> syn::Result<ItemImpl> {
    match syn::parse2(tokens)? {
        Item::Impl(block) => Ok(block),
        item => Err(not_a_block(&item)),
    }
}

fn not_a_block(item: &Item) -> syn::Error {
    let on_its_block = |token: &dyn ToTokens, what: &str, name: &Ident| {
        let message = format!(
            "`#[callback]` stands on an `impl` block, not on {what}: put it on `impl {name} {{ … }}`, where the hooks are"
        );
        syn::Error::new_spanned(token.to_token_stream(), message)
    };
    let elsewhere = |token: &dyn ToTokens, what: &str| {
        let message = format!("`#[callback]` stands on an `impl` block with hooks, not on {what}");
        syn::Error::new_spanned(token.to_token_stream(), message)
    };
    match item {
        Item::Struct(item) => on_its_block(&item.struct_token, "a struct", &item.ident),
        Item::Enum(item) => on_its_block(&item.enum_token, "an enum", &item.ident),
        Item::Union(item) => on_its_block(&item.union_token, "a union", &item.ident),
        Item::Fn(item) => elsewhere(&item.sig.fn_token, "a function"),
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

/// Those of the attributes that decide whether something is there: `cfg`, and what of `cfg_attr` comes to it.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<TokenStream> {
    attrs.iter().filter_map(|attr| meta_cfg(&attr.meta).map(|meta| quote::quote! { #[#meta] })).collect()
}

fn meta_cfg(meta: &Meta) -> Option<TokenStream> {
    if meta.path().is_ident("cfg") {
        return Some(meta.to_token_stream());
    }
    let list = meta.require_list().ok().filter(|list| list.path.is_ident("cfg_attr"))?;
    let parser = |input: ParseStream<'_>| {
        let predicate: Meta = input.parse()?;
        input.parse::<Token![,]>()?;
        Ok((predicate, Punctuated::<Meta, Token![,]>::parse_terminated(input)?))
    };
    let (predicate, metas) = parser.parse2(list.tokens.clone()).ok()?;
    let cfgs: Vec<_> = metas.iter().filter_map(meta_cfg).collect();
    (!cfgs.is_empty()).then(|| quote::quote! { cfg_attr(#predicate, #(#cfgs),*) })
}
