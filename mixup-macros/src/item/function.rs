//! `#[callback(on_…)]` on a function: a unit struct of the function's name is the callback.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, ItemFn, spanned::Spanned};

use super::{allowing, output};
use crate::{
    check,
    expand::Implementation,
    hooks::first_with,
    mistakes::Mistakes,
    options::{Options, Place},
    params::is_choice,
    parse::{allows, cfgs, plain},
    tokens::generated,
};

/// The unit struct, with the function as its associated function, and the trait's implementation.
pub(super) fn callback(options: TokenStream, function: &ItemFn, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    if check::callback_twice(&function.attrs, &mut mistakes) {
        return output(item, &TokenStream::new(), mistakes);
    }
    if let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() {
        let name = plain(&function.sig.ident);
        let message =
            format!("`#[callback]` cannot be used on a method: put it on the `impl` block that contains `{name}`");
        mistakes.add(receiver, message);
        return output(item, &TokenStream::new(), mistakes);
    }
    let options = Options::parse(options, Place::Function, &mut mistakes);
    let serves = check::function(function, &options, &mut mistakes);
    let ident = &function.sig.ident;
    check::places(&options, &syn::parse_quote! { #ident }, &mut mistakes);
    let name = plain(ident);
    // A type of this name would shadow the function's own parameters.
    if first_with(&name).is_some() {
        return output(item, &TokenStream::new(), mistakes);
    }
    let cfgs = cfgs(&function.attrs);
    let implementation = Implementation {
        options: &options,
        attrs: [cfgs.clone(), allows(&function.attrs)].concat(),
        head: TokenStream::new(),
        ty: quote! { #ident },
        bounds: TokenStream::new(),
        name: quote! { #name },
        serves: &serves,
        spans: (function.sig.fn_token.span, function.block.span()),
    }
    .expand();
    let vis = &function.vis;
    let mut docs = docs(&function.attrs);
    // `missing_docs` is reported once, for the function.
    if docs.is_empty() {
        let doc = format!(" The function `{name}` as a callback.");
        docs.push(quote! { #[doc = #doc] });
    }
    // The type has the function's name, which no lint should check as a type's name, so its span is that of generated code.
    let mut ty = ident.clone();
    ty.set_span(generated(ident.span()));
    let mut method = function.clone();
    for input in &mut method.sig.inputs {
        if let FnArg::Typed(param) = input {
            param.attrs.retain(|attr| !is_choice(attr));
        }
    }
    let allow = allowing(&mistakes);
    let users = quote! {
        #(#docs)*
        #(#cfgs)*
        #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::marker::Copy)]
        #vis struct #ty;

        #(#cfgs)*
        #allow
        impl #ident { #method }
    };
    output(&users, &implementation, mistakes)
}

fn docs(attrs: &[Attribute]) -> Vec<TokenStream> {
    attrs.iter().filter(|attr| attr.path().is_ident("doc")).map(ToTokens::to_token_stream).collect()
}
