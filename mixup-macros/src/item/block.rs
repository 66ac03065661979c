//! `#[callback]` on an `impl` block: the block stays as it is, and its methods become hooks.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{GenericParam, Generics, ItemImpl, Type, WhereClause, spanned::Spanned};

use super::{allowing, output, without_on::without_on};
use crate::{
    check,
    expand::Implementation,
    mistakes::Mistakes,
    options::{Options, Place},
    parse::{allows, cfgs},
    tokens::generated,
};

/// The block without its `#[on(…)]`, and the trait's implementation.
pub(super) fn callback(options: TokenStream, mut block: ItemImpl, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let options = Options::parse(options, Place::Block, &mut mistakes);
    if check::callback_twice(&block.attrs, &mut mistakes) {
        return output(item, &TokenStream::new(), mistakes);
    }
    let mut users = item.clone();
    if let Some(trait_) = check::trait_of(&block, &mut mistakes) {
        // `impl Callback for X` was meant to be `impl X`. Another trait's block stays whole, since the trait needs it.
        if trait_ != "Callback" {
            return output(item, &TokenStream::new(), mistakes);
        }
        block.trait_ = None;
        block.modifiers.polarity = None;
        users = block.to_token_stream();
    }
    let serves = check::block(&block, &mut mistakes);
    check::places(&options, &block.self_ty, &mut mistakes);
    let hooks = check::methods(&block).filter(|method| check::is_meant_as_hook(method));
    let of_hooks = hooks.flat_map(|method| allows(&method.attrs));
    let of_block = cfgs(&block.attrs).into_iter().chain(allows(&block.attrs));
    let attrs = of_block.chain(of_hooks).collect();
    let implementation = check::type_name(&block, &mut mistakes).map(|name| {
        let (generics, _, _) = block.generics.split_for_impl();
        let ty = &block.self_ty;
        Implementation {
            options: &options,
            attrs,
            head: quote! { #generics },
            ty: quote! { #ty },
            bounds: bounds(&block.generics, ty),
            name: quote! { #name },
            serves: &serves,
            spans: (block.impl_token.span, block.brace_token.span.join()),
        }
        .expand()
    });
    let (allow, users) = (allowing(&mistakes), without_on(&users));
    output(&quote! { #allow #users }, &implementation.unwrap_or_default(), mistakes)
}

/// The user's bounds, and those of every callback if the type has parameters. Without parameters, the compiler reports a missing
/// bound on the type itself.
fn bounds(generics: &Generics, ty: &Type) -> TokenStream {
    let depends = generics.params.iter().any(|param| !matches!(param, GenericParam::Const(_)));
    let own = generics.where_clause.as_ref();
    if !depends {
        return own.to_token_stream();
    }
    let predicates = own.map(|WhereClause { predicates, .. }| predicates.iter()).into_iter().flatten();
    let every_callback = quote_spanned! { generated(ty.span())=> Self: ::core::marker::Send + 'static };
    quote! { where #(#predicates,)* #every_callback }
}
