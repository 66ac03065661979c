//! What the user's method is called with: for each parameter a value of the event, the event itself, or what its request finds.

use proc_macro2::{Delimiter, Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Expr, Type};

use crate::{
    hooks::{Access, Hook, Name},
    params::{Choice, Other, Own, Param, What},
    parse::plain,
    tokens::{ends, generated, grouped, respan_words},
};

/// Reads what the parameter takes, if that waits for the device.
pub(super) fn reads(hook: &Hook, Param { what, cfgs, .. }: &Param<'_>) -> TokenStream {
    let names = match what {
        What::Value(name) => vec![*name],
        What::Event => hook.names(),
        What::Other(_) | What::Own(_) | What::Rejected => Vec::new(),
    };
    names.into_iter().filter_map(read).map(|read| quote! { #(#cfgs)* #read }).collect()
}

/// Reads a deferred value; `None` for the others, which need no reading.
pub(super) fn read(name: &Name) -> Option<TokenStream> {
    name.deferred?;
    let read = format_ident!("read_{}", name.name);
    Some(quote! { __event.#read()?; })
}

/// The request that the learner gets before the run, of a parameter that asks by its type.
pub(super) fn request(param: &Param<'_>) -> Option<TokenStream> {
    let (Param { what, cfgs, .. }, name) = (param, param.written());
    let request = match what {
        What::Other(Other { ty, mutable, optional, choice, .. }) => {
            let request = requested(ty, &quote! { what(#name) });
            let choice = choice.as_ref().map(|choice| match choice {
                Choice::Name(expr) => {
                    // The compiler shows a wrong type on the expression.
                    let (first, last) = ends(expr);
                    let name = grouped(Delimiter::Parenthesis, generated(last), of_instance(expr));
                    quote_spanned! { generated(first)=> .named(&#name) }
                }
                Choice::Names(expr) => {
                    let expr = of_instance(expr);
                    quote! { .of_names::<#ty>(#expr) }
                }
            });
            let optional = optional.then(|| quote! { .optional() });
            quote! { __mixup::Request::new(#name, #request, #mutable)#choice #optional }
        }
        What::Own(Own { name, ty, .. }) => {
            let how = format_ident!("{}", if name.name == "opt" { "optimizer" } else { name.name });
            let text = ty.to_token_stream().to_string().replace(' ', "");
            quote! { __mixup::Request::#how::<#ty>(#text) }
        }
        What::Value(_) | What::Event | What::Rejected => return None,
    };
    Some(quote! { #(#cfgs)* #request })
}

/// The expression, with the `self` of the generated `handlers`.
fn of_instance(expr: &Expr) -> TokenStream {
    respan_words(expr.to_token_stream(), &mut |word| (plain(word) == "self").then(|| generated(word.span())))
}

/// Borrows what the parameter asks for, until the method returns.
pub(super) fn link(method: &str, param: &Param<'_>) -> Option<TokenStream> {
    let What::Other(Other { ty, mutable, optional, .. }) = &param.what else { return None };
    let (name, cfgs, link) = (param.written(), &param.cfgs, link_name(param));
    let how = match (mutable, optional) {
        (false, false) => "shared",
        (true, false) => "exclusive",
        (false, true) => "shared_if_any",
        (true, true) => "exclusive_if_any",
    };
    let borrow = requested(
        ty,
        &if *mutable {
            quote! { exclusive }
        } else {
            quote! { shared }
        },
    );
    let (how, mutable) = (format_ident!("{how}"), mutable.then(|| quote! { mut }));
    Some(quote! { #(#cfgs)* let #mutable #link = __event.__links.#how(#method, #name, #borrow)?; })
}

/// An item of the trait of all types that can be asked for. For any other type, all its uses are the same error, which the compiler reports once.
fn requested(ty: &Type, item: &TokenStream) -> TokenStream {
    let span = generated(ends(ty).0);
    quote_spanned! { span=> <#ty as __mixup::Requested>::#item }
}

fn link_name(param: &Param<'_>) -> Ident {
    format_ident!("__link_{}", param.written())
}

/// The argument for a parameter. If its type does not fit, the error is shown on the parameter's type.
pub(super) fn arg(param: &Param<'_>) -> TokenStream {
    let Param { what, ty, cfgs, .. } = param;
    let value = match what {
        What::Event => {
            let event = Ident::new("__event", generated(ends(ty).0));
            quote! { #event }
        }
        What::Value(name) => {
            let (first, last) = ends(ty);
            let field = format_ident!("{}", name.name);
            let borrow = (name.access == Access::Copied).then(|| quote! { & });
            let value = grouped(Delimiter::Parenthesis, last, quote! { #borrow __event.#field });
            let of = Ident::new("Passed", last);
            quote_spanned! { first=> <__mixup::pass::#of as __mixup::pass::#field<'_, _>>::pass #value }
        }
        What::Other(Other { mutable, optional, .. }) => {
            let link = link_name(param);
            match (optional, mutable) {
                (true, true) => quote! { #link.as_deref_mut() },
                (true, false) => quote! { #link.as_deref() },
                (false, true) => quote! { &mut *#link },
                (false, false) => quote! { &*#link },
            }
        }
        What::Own(Own { name, ty, mutable }) => {
            let field = format_ident!("{}", name.name);
            let how = if *mutable { format_ident!("{field}_mut") } else { field.clone() };
            let mutable = mutable.then(|| quote! { mut });
            quote! { __mixup::own::#how::<#ty>(&#mutable *__event.#field)? }
        }
        // Never runs, since the mistake is an error. It lets the compiler check the other parameters.
        What::Rejected => quote! { ::core::option::Option::unwrap(::core::option::Option::None) },
    };
    quote! { #(#cfgs)* #value }
}
