//! What the user's method is called with: for each parameter a value of the event, the event itself, or another callback.

use proc_macro2::{Delimiter, Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use crate::{
    hooks::{Hook, Lent, Name},
    params::{Param, What},
    tokens::{ends, generated, grouped},
};

/// Computes what the parameter takes, where that is put off until somebody asks.
pub(super) fn makes(hook: &Hook, Param { what, cfgs, .. }: &Param<'_>) -> TokenStream {
    let names = match what {
        What::Value(name) => vec![*name],
        What::Event => hook.names(),
        What::Other(_) => Vec::new(),
    };
    names.into_iter().filter_map(make).map(|make| quote! { #(#cfgs)* #make }).collect()
}

/// Computes a deferred value; nothing for the others, which are there anyway.
pub(super) fn make(name: &Name) -> Option<TokenStream> {
    name.unmade?;
    let make = format_ident!("make_{}", name.name);
    Some(quote! { __event.#make()?; })
}

/// The argument for a parameter. If its type does not fit, the error is shown on the parameter's type.
pub(super) fn arg(Param { what, ty, cfgs, .. }: &Param<'_>) -> TokenStream {
    let value = match what {
        What::Event => {
            let event = Ident::new("__event", generated(ends(ty).0));
            quote! { #event }
        }
        What::Value(name) => {
            let (first, last) = ends(ty);
            let field = format_ident!("{}", name.name);
            let borrow = (name.lent == Lent::Copied).then(|| quote! { & });
            let value = grouped(Delimiter::Parenthesis, last, quote! { #borrow __event.#field });
            let of = Ident::new("Value", last);
            quote_spanned! { first=> <__mixup::lent::#of as __mixup::lent::#field<'_, _>>::lend #value }
        }
        What::Other(other) => {
            let (ty, how) = (other.ty, if other.optional { "optional" } else { "required" });
            let how = format_ident!("{how}");
            let borrowed = quote! { __mixup::others::#how::<#ty>(&mut __others) };
            match (other.optional, other.mutable) {
                (true, true) => borrowed,
                (true, false) => quote! { #borrowed.map(|__other| &*__other) },
                (false, true) => quote! { #borrowed? },
                (false, false) => quote! { &*#borrowed? },
            }
        }
    };
    quote! { #(#cfgs)* #value }
}
