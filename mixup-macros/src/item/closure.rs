//! `hook!(on_…, |…| …)`: a closure as a callback.

use proc_macro2::{Delimiter, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    ExprClosure, Ident, Pat, ReturnType,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    spanned::Spanned,
};

use super::allowing;
use crate::{
    check,
    expand::{Implementation, facade},
    mistakes::Mistakes,
    options::{Options, Place},
    params::is_choice,
    returns::with_reasons,
    tokens::{ends, grouped},
};

/// An expression whose type is a callback with the closure in it.
///
/// With mistakes, it is a callback without hooks, so that the code around it has no errors of its own.
pub(crate) fn hook(tokens: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let mut options = Options::default();
    let parser = |input: ParseStream<'_>| parse(input, &mut options, &mut mistakes);
    let closure = match parser.parse2(tokens) {
        Ok(closure) => Some(closure),
        // A word that is not an option may have been meant as the closure. It is reported already.
        Err(error) => {
            if mistakes.is_empty() {
                mistakes.extend(error);
            }
            None
        }
    };
    let facade = facade(&options);
    let callback = closure.as_ref().and_then(|closure| {
        let (serves, types) = check::closure(closure, &options, &mut mistakes)?;
        Some(callback(closure, &options, &serves, &types, &allowing(&mistakes)))
    });
    let callback = callback.unwrap_or_else(|| without_hooks(closure.as_ref()));
    let mistakes = mistakes.into_compile_errors();
    quote! {{
        use #facade::callback as __mixup;
        #mistakes
        #callback
    }}
}

/// A callback without hooks. The closure stays, unused, so that the compiler does not warn that what it captures is unused.
fn without_hooks(closure: Option<&ExprClosure>) -> TokenStream {
    let unused = closure.map(|closure| {
        let closure = with_reasons(without_choices(closure).into_token_stream(), &mut |_| ());
        quote! {
            #[allow(unused)]
            let _ = #closure;
        }
    });
    quote! { #unused __mixup::NoHooks }
}

/// The closure without `#[name = …]` on its parameters, which the compiler does not know.
fn without_choices(closure: &ExprClosure) -> ExprClosure {
    let mut closure = closure.clone();
    for input in &mut closure.inputs {
        if let Pat::Type(param) = input {
            param.attrs.retain(|attr| !is_choice(attr));
        }
    }
    closure
}

/// Parses the options, and then the closure.
fn parse(input: ParseStream<'_>, options: &mut Options, mistakes: &mut Mistakes) -> syn::Result<ExprClosure> {
    while input.peek(Ident::peek_any) && !input.peek(syn::Token![move]) && !input.peek(syn::Token![async]) {
        options.parse_next(input, Place::Closure, mistakes)?;
    }
    if !(input.peek(syn::Token![|]) || input.peek(syn::Token![move]) || input.peek(syn::Token![async])) {
        let message = "expected a closure after the hook, as in `hook!(on_batch_end, |iteration: usize| …)`";
        return Err(syn::Error::new(input.span(), message));
    }
    let closure: ExprClosure = input.parse()?;
    input.parse::<Option<syn::Token![,]>>()?;
    if !input.is_empty() {
        return Err(input.error("expected nothing after the closure in `hook!`: write options before it"));
    }
    Ok(closure)
}

/// A closure around the user's turns what that returns into requests, so that a wrong type is shown where it is returned.
fn callback(
    closure: &ExprClosure,
    options: &Options,
    serves: &check::Serves<'_>,
    types: &[&syn::Type],
    allow: &TokenStream,
) -> TokenStream {
    let (first, last) = match &closure.output {
        ReturnType::Default => ends(&closure.body),
        ReturnType::Type(_, ty) => ends(ty),
    };
    let bounds = quote! {
        where __F: ::core::ops::FnMut(#(#types),*) -> __mixup::HookResult + ::core::marker::Send + 'static
    };
    let implementation = Implementation {
        options,
        attrs: Vec::new(),
        head: quote! { <__F> },
        ty: quote! { __Closure<__F> },
        bounds: bounds.clone(),
        name: quote! { ::core::concat!("closure at ", ::core::file!(), ":", ::core::line!()) },
        serves: std::slice::from_ref(serves),
        spans: (closure.inputs_begin.span(), closure.inputs_end.span()),
    }
    .expand_bare();
    let args: Vec<_> = (0..types.len()).map(|index| format_ident!("__arg{index}")).collect();
    let returns = format_ident!("{}Returns", serves.hook.event);
    let into_requests = Ident::new("into_requests", last);
    let call = grouped(Delimiter::Parenthesis, last, quote_spanned! { first=> __closure(#(#args),*) });
    let flow = quote_spanned! { first=> __mixup::#returns::#into_requests #call };
    let closure = without_choices(closure);
    quote! {
        struct __Closure<__F>(__F);
        #implementation
        fn __callback<__F>(closure: __F) -> __Closure<__F> #bounds { __Closure(closure) }
        #allow
        let mut __closure = #closure;
        __callback(move |#(#args),*| { #flow })
    }
}
