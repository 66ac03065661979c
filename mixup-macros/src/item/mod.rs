//! The kinds of item that become callbacks: an `impl` block, a function, a closure. The output is the user's code, followed by
//! the implementation of `Callback`.

mod block;
mod closure;
mod function;
mod without_on;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Ident, Item};

pub(crate) use self::closure::hook;
use crate::{
    mistakes::Mistakes,
    options::{Options, Place},
    returns::with_reasons,
};

/// `#[callback(options)]` on `item`.
///
/// Even with mistakes, the output contains the user's code and an implementation with the correct hooks, so that code that uses
/// the callback elsewhere has no errors of its own.
pub(crate) fn callback(options: TokenStream, item: &TokenStream) -> TokenStream {
    let error = match syn::parse2(item.clone()) {
        Ok(Item::Impl(block)) => return block::callback(options, block, item),
        Ok(Item::Fn(function)) => return function::callback(options, &function, item),
        Ok(other) => unsupported(&other),
        Err(error) => error,
    };
    let mut mistakes = Mistakes::default();
    Options::parse(options, Place::Block, &mut mistakes);
    mistakes.extend(error);
    output(item, &TokenStream::new(), mistakes)
}

/// `#[on(…)]` outside of a block with `#[callback]`, which would have removed it.
pub(crate) fn on_without_callback(item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    mistakes.extend(syn::Error::new(
        Span::call_site(),
        "`#[on]` is used outside of an `impl` block with `#[callback]`: put `#[callback]` on the block",
    ));
    output(item, &TokenStream::new(), mistakes)
}

/// The user's code, the implementation made from it, and the mistakes.
fn output(users: &TokenStream, implementation: &TokenStream, mistakes: Mistakes) -> TokenStream {
    // A stop without a reason is reported already, and the compiler's own error would be misleading.
    let users = if mistakes.is_empty() { users.clone() } else { with_reasons(users.clone(), &mut |_| ()) };
    let mistakes = mistakes.into_compile_errors();
    quote! { #users #implementation #mistakes }
}

/// With mistakes, the attribute against warnings about variables that are unused because of them.
fn allowing(mistakes: &Mistakes) -> TokenStream {
    if mistakes.is_empty() {
        TokenStream::new()
    } else {
        quote! { #[allow(unused_variables)] }
    }
}

/// `#[callback]` on an item that cannot be a callback.
fn unsupported(item: &Item) -> syn::Error {
    let on_its_block = |token: &dyn ToTokens, what: &str, name: &Ident| {
        let message = format!(
            "`#[callback]` cannot be used on {what}: put it on the block with the hooks, `impl {name} {{ … }}`"
        );
        syn::Error::new_spanned(token.to_token_stream(), message)
    };
    let elsewhere = |token: &dyn ToTokens, what: &str| {
        let message = format!("`#[callback]` cannot be used on {what}: put it on an `impl` block or on a function");
        syn::Error::new_spanned(token.to_token_stream(), message)
    };
    match item {
        Item::Struct(item) => on_its_block(&item.struct_token, "a struct", &item.ident),
        Item::Enum(item) => on_its_block(&item.enum_token, "an enum", &item.ident),
        Item::Union(item) => on_its_block(&item.union_token, "a union", &item.ident),
        Item::Mod(item) => elsewhere(&item.mod_token, "a module"),
        Item::Trait(item) => elsewhere(&item.trait_token, "a trait"),
        Item::Const(item) => elsewhere(&item.const_token, "a constant"),
        Item::Static(item) => elsewhere(&item.static_token, "a static"),
        Item::Type(item) => elsewhere(&item.type_token, "a type alias"),
        Item::Use(item) => elsewhere(&item.use_token, "a `use`"),
        Item::Macro(item) => elsewhere(&item.mac.path, "a macro"),
        other => elsewhere(other, "this item"),
    }
}
