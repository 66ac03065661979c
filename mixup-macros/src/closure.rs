//! `hook!(on_…, |…| …)`: a closure becomes a callback where it stands.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    ExprClosure, Ident, ReturnType,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    spanned::Spanned,
};

use crate::{
    check,
    expand::{Implementation, facade},
    mistakes::Mistakes,
    options::{Options, Place},
};

/// The closure in a type of its own, which is a callback.
///
/// With a mistake in it, a callback without hooks: what it is given to has nothing to complain of.
pub(crate) fn hook(tokens: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let mut options = Options::default();
    let parser = |input: ParseStream<'_>| parse(input, &mut options, &mut mistakes);
    let closure = match parser.parse2(tokens) {
        Ok(closure) => Some(closure),
        Err(error) => {
            mistakes.extend(error);
            None
        }
    };
    let facade = facade(&options);
    let callback = closure.as_ref().and_then(|closure| {
        let (served, types) = check::closure(closure, &options, &mut mistakes)?;
        Some(callback(closure, &options, &served, &types))
    });
    let callback = callback.unwrap_or_else(|| quote! { __mixup::NoHooks });
    let mistakes = mistakes.into_compile_errors();
    quote! {{
        use #facade::callback as __mixup;
        #mistakes
        #callback
    }}
}

/// Options, and then the closure.
fn parse(input: ParseStream<'_>, options: &mut Options, mistakes: &mut Mistakes) -> syn::Result<ExprClosure> {
    while input.peek(Ident::peek_any) && !input.peek(syn::Token![move]) && !input.peek(syn::Token![async]) {
        options.parse_next(input, Place::Closure, mistakes)?;
    }
    if !(input.peek(syn::Token![|]) || input.peek(syn::Token![move]) || input.peek(syn::Token![async])) {
        let message = "a closure is expected behind the hook: write `hook!(on_batch_end, |iteration: usize| …)`";
        return Err(input.error(message));
    }
    let closure: ExprClosure = input.parse()?;
    input.parse::<Option<syn::Token![,]>>()?;
    if !input.is_empty() {
        return Err(input.error("the closure is the last thing in `hook!`: write options before it"));
    }
    Ok(closure)
}

fn callback(
    closure: &ExprClosure,
    options: &Options,
    served: &[check::Served<'_>],
    types: &[&syn::Type],
) -> TokenStream {
    // What may not be returned is shown where it is returned.
    let at = match &closure.output {
        ReturnType::Default => closure.body.span(),
        ReturnType::Type(_, ty) => ty.span(),
    };
    let bounds = served.iter().map(|served| {
        let returns = Ident::new(&format!("{}Returns", served.hook.event), Span::call_site());
        quote! { __R: __mixup::#returns }
    });
    let bounds = quote! {
        where __F: ::core::ops::FnMut(#(#types),*) -> __R + ::core::marker::Send + 'static, __R: 'static, #(#bounds),*
    };
    let implementation = Implementation {
        options,
        cfgs: Vec::new(),
        head: quote! { <__F, __R> },
        ty: quote! { __Closure<__F, __R> },
        bounds: bounds.clone(),
        name: quote! { ::core::concat!("closure at ", ::core::file!(), ":", ::core::line!()) },
        served,
        spans: (closure.inputs_begin.span(), at),
    }
    .expand_bare();
    quote! {
        struct __Closure<__F, __R>(__F, ::core::marker::PhantomData<fn() -> __R>);
        #implementation
        fn __callback<__F, __R>(closure: __F) -> __Closure<__F, __R> #bounds {
            __Closure(closure, ::core::marker::PhantomData)
        }
        __callback(#closure)
    }
}
