//! `state` and `describe`: the callback's fields, all of them or those that are named.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};

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

/// `state`: what a checkpoint saves and restores.
pub(super) fn state(Fields { key, named }: &Fields) -> TokenStream {
    let (save, load) = if named.is_empty() {
        // The same tokens with the same spans in both: a type without `serde` is one error, not two.
        let state = quote_spanned! { generated(key.span())=> __mixup::state::Whole };
        let this = Ident::new("self", generated(key.span()));
        (quote! { #state::save(#this) }, quote! { #state::load(#this, __state) })
    } else {
        let names: Vec<_> = named.iter().map(plain).collect();
        (
            quote! { __mixup::state::fields([#((#names, __mixup::CallbackState::of(&(*self).#named))),*]) },
            // All are read before the first is changed.
            quote! {
                let __read = (#(__state.field(#names)?,)*);
                (#((*self).#named,)*) = __read;
                ::core::result::Result::Ok(())
            },
        )
    };
    quote! {
        fn save(&self) -> __mixup::state::Saved { #save }
        fn load(&mut self, __state: &__mixup::CallbackState) -> __mixup::state::Loaded { #load }
    }
}
