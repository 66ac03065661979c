//! What the compiler gets: the user's `impl` block as it is, and the trait's, which calls the user's methods.

use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{GenericParam, Generics, ItemImpl, ReturnType, Type, WhereClause, spanned::Spanned};

use crate::{
    check::{self, Ask, Hooked},
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
    let mut users = item.clone();
    let implementation = match parse::block(item.clone()) {
        Ok(block) if check::is_there_twice(&block, &mut mistakes) => TokenStream::new(),
        Ok(mut block) => {
            if let Some(trait_) = check::of_a_trait(&block, &mut mistakes) {
                // What was meant is the type's own block; the trait's would lack all that the trait asks for.
                if trait_ != "Callback" {
                    return with(&users, &TokenStream::new(), mistakes);
                }
                block.trait_ = None;
                block.modifiers.polarity = None;
                users = block.to_token_stream();
            }
            let hooks = check::hooks(&block, &mut mistakes);
            check::named(&block, &mut mistakes)
                .map(|name| implementation(&options, &block, &name, &hooks))
                .unwrap_or_default()
        }
        Err(error) => {
            mistakes.extend(error);
            TokenStream::new()
        }
    };
    with(&users, &implementation, mistakes)
}

fn with(users: &TokenStream, implementation: &TokenStream, mistakes: Mistakes) -> TokenStream {
    let mistakes = mistakes.into_compile_errors();
    quote! { #users #implementation #mistakes }
}

/// The first and the last place of some tokens: an expression between the two is shown on all of them.
fn ends(tokens: impl ToTokens) -> (Span, Span) {
    let mut tokens = tokens.into_token_stream().into_iter().map(|token: TokenTree| token.span());
    let first = tokens.next().unwrap_or_else(Span::call_site);
    (first, tokens.last().unwrap_or(first))
}

/// Where the compiler shows what is generated, without taking it for the user's own.
fn generated(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// In brackets that are shown at this place.
fn grouped(delimiter: Delimiter, span: Span, tokens: TokenStream) -> Group {
    let mut group = Group::new(delimiter, tokens);
    group.set_span(span);
    group
}

fn implementation(options: &Options, block: &ItemImpl, name: &str, hooks: &[Hooked<'_>]) -> TokenStream {
    let facade = options.krate.as_ref().map_or_else(|| quote! { ::mixup }, ToTokens::to_token_stream);
    let ty = &block.self_ty;
    let cfgs = parse::cfgs(&block.attrs);
    let (generics, _, _) = block.generics.split_for_impl();
    let bounds = bounds(&block.generics, ty);
    let name = options.name.as_ref().map_or_else(|| quote! { #name }, ToTokens::to_token_stream);
    let order = options.order.as_ref().map(|order| quote! { const ORDER: ::core::primitive::i32 = #order; });
    let asked = hooks.iter().map(asked);
    let methods = hooks.iter().map(method);
    let items = quote! {
        const NAME: &'static ::core::primitive::str = #name;
        #order
        const HOOKS: &'static [__mixup::Asked] = &[#(#asked),*];
        #(#methods)*
    };
    // What is wrong with the whole is shown on the user's block, but lints know that it is not the user's.
    let impl_token = syn::Token![impl](generated(block.impl_token.span));
    let items = grouped(Delimiter::Brace, generated(block.brace_token.span.join()), items);
    quote! {
        #(#cfgs)*
        const _: () = {
            // In one place, so that a wrong path is told once.
            use #facade::callback as __mixup;

            #[automatically_derived]
            #impl_token #generics __mixup::Callback for #ty #bounds #items
        };
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
    let every_callback = quote_spanned! { generated(ty.span())=> Self: ::core::marker::Send + 'static };
    quote! { where #(#predicates,)* #every_callback }
}

/// The hook and its names, as a constant.
fn asked(Hooked { hook, cfgs, asks, .. }: &Hooked<'_>) -> TokenStream {
    let hook = format_ident!("{}", hook.event);
    let names = asks.iter().map(|Ask { name, cfgs, .. }| {
        let name = name.name;
        quote! { #(#cfgs)* #name }
    });
    quote! { #(#cfgs)* __mixup::Asked { hook: __mixup::Hook::#hook, names: &[#(#names),*] } }
}

/// The trait's method: takes out of the event what the user's asks for, and understands what it returns.
fn method(Hooked { hook, signature, cfgs, asks }: &Hooked<'_>) -> TokenStream {
    let [name, event, returns] =
        [hook.name, hook.event, &format!("{}Returns", hook.event)].map(|name| format_ident!("{name}"));
    let args = asks.iter().map(arg);
    let call = quote! { Self::#name(self #(, #args)*) };
    let flow = match &signature.output {
        ReturnType::Default => quote! { __mixup::#returns::into_flow(#call) },
        // What may not be returned is shown where the return type stands, from its first token to its last.
        ReturnType::Type(_, ty) => {
            let (first, last) = ends(ty);
            let mut inner = Literal::usize_unsuffixed(0);
            inner.set_span(last);
            let answer = grouped(Delimiter::Parenthesis, last, quote_spanned! { first=> answer.#inner });
            let [answer_of, into_flow] =
                [("answer", first), ("into_flow", last)].map(|(name, at)| Ident::new(name, at));
            let flow = quote_spanned! { first=> __mixup::#returns::#into_flow #answer };
            quote! { let #answer_of = (#call,); #flow }
        }
    };
    quote! {
        #(#cfgs)*
        fn #name(&mut self, event: &mut __mixup::#event<'_>) -> __mixup::HookResult { #flow }
    }
}

/// A value out of the event. If it is not of the parameter's type, that is shown where the type stands.
fn arg(Ask { name, ty, cfgs, .. }: &Ask<'_>) -> TokenStream {
    let (first, last) = ends(ty);
    let field = format_ident!("{}", name.name);
    let borrow = (name.lent == Lent::Copied).then(|| quote! { & });
    let value = grouped(Delimiter::Parenthesis, last, quote! { #borrow event.#field });
    let of = Ident::new("Value", last);
    let lend = quote_spanned! { first=> <__mixup::lent::#of as __mixup::lent::#field<'_, _>>::lend #value };
    quote! { #(#cfgs)* #lend }
}
