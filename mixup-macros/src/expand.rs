//! What the compiler gets: the user's `impl` block as it is, and the trait's, which calls the user's methods.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{GenericParam, Generics, ItemImpl, ReturnType, Type, WhereClause, spanned::Spanned};

use crate::{
    check::{self, Ask, Hooked, Taken},
    hooks::Lent,
    mistakes::Mistakes,
    parse::{self, Options},
};

/// `#[callback(options)]` on `item`.
///
/// Whatever is wrong, the user's code is still there, and so is the trait with the hooks that are right: what uses the
/// callback elsewhere has nothing to complain of.
pub(crate) fn callback(options: TokenStream, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let options = Options::parse(options, &mut mistakes);
    let implementation = match parse::block(item.clone()) {
        Ok(block) => {
            let hooks = check::hooks(&block, &mut mistakes);
            parse::type_name(&block.self_ty).map_or_else(
                || {
                    mistakes.add(
                        &block.self_ty,
                        "a callback is a struct or an enum, by its name: write `impl MyCallback { … }`",
                    );
                    TokenStream::new()
                },
                |name| implementation(&options, &block, &name, &hooks),
            )
        }
        Err(error) => {
            mistakes.extend(error);
            TokenStream::new()
        }
    };
    let mistakes = mistakes.into_compile_errors();
    quote! { #item #implementation #mistakes }
}

/// Where the compiler shows a generated token, without taking it for the user's own.
fn at(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// The first and the last place of some tokens: an expression between the two is shown on all of them.
fn ends(tokens: impl ToTokens) -> (Span, Span) {
    let mut tokens = tokens.into_token_stream().into_iter().map(|token: TokenTree| token.span());
    let first = tokens.next().unwrap_or_else(Span::call_site);
    (at(first), at(tokens.last().unwrap_or(first)))
}

fn implementation(options: &Options, block: &ItemImpl, name: &str, hooks: &[Hooked<'_>]) -> TokenStream {
    let callback =
        options.krate.as_ref().map_or_else(|| quote! { ::mixup::callback }, |path| quote! { #path::callback });
    let ty = &block.self_ty;
    let cfgs = parse::cfgs(&block.attrs);
    let (generics, _, _) = block.generics.split_for_impl();
    let bounds = bounds(&block.generics, ty);
    let name = options.name.as_ref().map_or_else(|| quote! { #name }, ToTokens::to_token_stream);
    let order = options.order.as_ref().map(|order| quote! { const ORDER: ::core::primitive::i32 = #order; });
    let asked = hooks.iter().map(|hooked| asked(hooked, &callback));
    let methods = hooks.iter().map(|hooked| method(hooked, &callback));
    let header = quote_spanned! { at(block.impl_token.span)=> impl #generics #callback::Callback for #ty #bounds };
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #header {
            const NAME: &'static ::core::primitive::str = #name;
            #order
            const HOOKS: &'static [#callback::Asked] = &[#(#asked),*];
            #(#methods)*
        }
    }
}

/// The user's bounds, and what every callback is: as a bound only where it depends on parameters, for else the compiler
/// says it of the type itself.
fn bounds(generics: &Generics, ty: &Type) -> TokenStream {
    let depends = generics.params.iter().any(|param| !matches!(param, GenericParam::Const(_)));
    let own = generics.where_clause.as_ref();
    if !depends {
        return own.to_token_stream();
    }
    let predicates = own.map(|WhereClause { predicates, .. }| predicates.iter()).into_iter().flatten();
    let every_callback = quote_spanned! { at(ty.span())=> #ty: ::core::marker::Send + 'static };
    quote! { where #(#predicates,)* #every_callback }
}

/// The hook and its names, as a constant.
fn asked(Hooked { hook, cfgs, asks, .. }: &Hooked<'_>, callback: &TokenStream) -> TokenStream {
    let hook = format_ident!("{}", hook.event);
    let names = asks.iter().map(|Ask { name, cfgs, .. }| {
        let name = name.name;
        quote! { #(#cfgs)* #name }
    });
    quote! { #(#cfgs)* #callback::Asked { hook: #callback::Hook::#hook, names: &[#(#names),*] } }
}

/// The trait's method: takes out of the event what the user's asks for, and understands what it returns.
fn method(Hooked { hook, signature, cfgs, asks }: &Hooked<'_>, callback: &TokenStream) -> TokenStream {
    let (name, event, returns) =
        (format_ident!("{}", hook.name), format_ident!("{}", hook.event), format_ident!("{}Returns", hook.event));
    let args = asks.iter().map(arg);
    // What may not be returned is shown where the return type stands.
    let (first, last) = match &signature.output {
        ReturnType::Default => ends(&signature.ident),
        ReturnType::Type(_, ty) => ends(ty),
    };
    let users = Ident::new(hook.name, at(signature.ident.span()));
    let mut args = Group::new(proc_macro2::Delimiter::Parenthesis, quote! { self #(, #args)* });
    args.set_span(last);
    let call = quote_spanned! { first=> Self::#users #args };
    quote! {
        #(#cfgs)*
        fn #name(&mut self, event: &mut #callback::#event<'_>) -> #callback::HookResult {
            #callback::#returns::into_flow(#call)
        }
    }
}

/// A value out of the event. If it is not of the parameter's type, that is shown where the type stands.
fn arg(Ask { name, taken, ty, cfgs, .. }: &Ask<'_>) -> TokenStream {
    let (first, last) = ends(ty);
    let (event, field) = (Ident::new("event", first), Ident::new(name.name, last));
    let value = quote_spanned! { last=> #event.#field };
    let value = match (name.lent, taken) {
        (Lent::Copied, Taken::Ref) => quote_spanned! { first=> &#value },
        (Lent::Changed, Taken::Ref) => quote_spanned! { first=> &*#value },
        (Lent::Changed, Taken::Mut) => quote_spanned! { first=> &mut *#value },
        _ => value,
    };
    quote! { #(#cfgs)* #value }
}
