//! `#[callback(on_…)]` on a function: a type of the function's name, whose one value is the callback.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, ItemFn, spanned::Spanned};

use crate::{
    check,
    expand::{Implementation, generated, with},
    hooks::first_with,
    mistakes::Mistakes,
    options::{Options, Place},
    parse::{allows, cfgs, plain},
};

/// The type, with the function as its own, and the trait's implementation.
pub(crate) fn callback(options: TokenStream, function: &ItemFn, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    if check::is_there_twice(&function.attrs, &mut mistakes) {
        return with(item, &TokenStream::new(), mistakes);
    }
    if let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() {
        let name = plain(&function.sig.ident);
        let message =
            format!("`#[callback]` stands on the `impl` block, not on its method `{name}`: put it above `impl`");
        mistakes.add(receiver, message);
        return with(item, &TokenStream::new(), mistakes);
    }
    let options = Options::parse(options, Place::Function, &mut mistakes);
    let served = check::function(function, &options, &mut mistakes);
    let ident = &function.sig.ident;
    check::places(&options, &syn::parse_quote! { #ident }, &mut mistakes);
    let name = plain(ident);
    // Its type would be in the way of its own parameters.
    if first_with(&name).is_some() {
        return with(item, &TokenStream::new(), mistakes);
    }
    let cfgs = cfgs(&function.attrs);
    let implementation = Implementation {
        options: &options,
        attrs: [cfgs.clone(), allows(&function.attrs)].concat(),
        head: TokenStream::new(),
        ty: quote! { #ident },
        bounds: TokenStream::new(),
        name: quote! { #name },
        served: &served,
        spans: (function.sig.fn_token.span, function.block.span()),
    }
    .expand();
    let vis = &function.vis;
    let mut docs = docs(&function.attrs);
    // What is missing is told once, of the function.
    if docs.is_empty() {
        let doc = format!(" The function `{name}` as a callback.");
        docs.push(quote! { #[doc = #doc] });
    }
    // Called as the function is, and no lint has to hear of it: it is located there, and not the user's.
    let mut ty = ident.clone();
    ty.set_span(generated(ident.span()));
    let users = quote! {
        #(#docs)*
        #(#cfgs)*
        #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::marker::Copy)]
        #vis struct #ty;

        #(#cfgs)*
        impl #ident { #function }
    };
    with(&users, &implementation, mistakes)
}

fn docs(attrs: &[Attribute]) -> Vec<TokenStream> {
    attrs.iter().filter(|attr| attr.path().is_ident("doc")).map(ToTokens::to_token_stream).collect()
}
