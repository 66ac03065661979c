//! `state` and `describe`: the callback's fields, all of them or those that are named.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Index;

use crate::{options::Fields, parse::plain, tokens::generated};

/// `describe`: what a learner's summary says of the callback.
pub(super) fn describe(Fields { key, named }: &Fields) -> TokenStream {
    let description = if named.is_empty() {
        let this = Ident::new("self", generated(key.span()));
        quote! { __mixup::describe::whole(#this) }
    } else {
        let names = named.iter().map(plain);
        quote! {
            __mixup::describe::fields(<Self as __mixup::Callback>::NAME, &[#((#names, &(*self).#named)),*])
        }
    };
    quote! { fn describe(&self) -> ::std::string::String { #description } }
}

/// `state`: the implementation of `Stateful`, by `serde` for the whole callback, field by field if fields are named.
pub(super) fn state(Fields { key, named }: &Fields) -> TokenStream {
    if named.is_empty() {
        // The same tokens with the same spans in both: a type without `serde` is one error, not two.
        let state = quote_spanned! { generated(key.span())=> __mixup::state::field::Whole };
        let this = Ident::new("self", generated(key.span()));
        return methods(&quote! { #state::save(#this) }, &quote! { #state::load(#this, __state) });
    }
    let fields = named.iter().enumerate().map(|(index, field)| {
        // Errors of the field's type are shown on its name.
        let at = generated(field.span());
        let of = quote! { (&&&__mixup::state::field::Of(&(*self).#field)) };
        let (name, index) = (plain(field), Index { index: index as u32, span: at });
        let save = quote! { let __state = #of.save(#name, __state)?; };
        let read = quote! { #of.read(#name, __state)? };
        let put = quote_spanned! { at=> __mixup::state::field::put(&mut (*self).#field, __read.#index)?; };
        (save, read, put)
    });
    let (save, (read, put)): (Vec<_>, (Vec<_>, Vec<_>)) = fields.map(|(save, read, put)| (save, (read, put))).unzip();
    methods(
        &quote! {
            let __state = __mixup::state::State::new();
            #(#save)*
            ::core::result::Result::Ok(__state)
        },
        // All are read before the first is changed.
        &quote! {
            let __read = (#(#read,)*);
            #(#put)*
            ::core::result::Result::Ok(())
        },
    )
}

fn methods(save: &TokenStream, load: &TokenStream) -> TokenStream {
    quote! {
        fn save(&self) -> ::core::result::Result<__mixup::state::State, __mixup::state::StateError> { #save }
        fn load(&mut self, __state: &__mixup::state::State) -> ::core::result::Result<(), __mixup::state::StateError> { #load }
    }
}

/// The method of a callback whose `Stateful` is generated.
pub(super) fn generated_stateful() -> TokenStream {
    stateful(&quote! { self })
}

/// The method of a callback that implements `Stateful` by hand. If it doesn't, the error is shown on the option.
pub(super) fn stateful_by_hand(key: &Ident) -> TokenStream {
    let by_hand = quote_spanned! { generated(key.span())=> __mixup::state::field::ByHand::stateful };
    let this = Ident::new("self", generated(key.span()));
    stateful(&quote! { #by_hand(#this) })
}

fn stateful(it: &TokenStream) -> TokenStream {
    quote! {
        fn stateful(&mut self) -> ::core::option::Option<&mut dyn __mixup::state::Stateful> {
            ::core::option::Option::Some(#it)
        }
    }
}
