//! A macro's call as it is written in a file: `#[callback(…)]` with its item, `#[on(…)]` with its item, or `hook!(…)`.
//!
//! The snapshots, the fuzz target's corpus and its inputs have this form.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::quote;

use crate::item;

/// A call with its input.
#[derive(Debug)]
pub(crate) enum Call {
    Callback { options: TokenStream, item: TokenStream },
    On { item: TokenStream },
    Hook { tokens: TokenStream },
}

impl Call {
    /// `None` if the text cannot be tokenized or does not begin with a call.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut trees = text.parse::<TokenStream>().ok()?.into_iter();
        match (trees.next()?, trees.next()?) {
            (TokenTree::Punct(hash), TokenTree::Group(attribute))
                if hash.as_char() == '#' && attribute.delimiter() == Delimiter::Bracket =>
            {
                let mut inside = attribute.stream().into_iter();
                let name = inside.next()?.to_string();
                let options = match (inside.next(), inside.next()) {
                    (None, _) => TokenStream::new(),
                    (Some(TokenTree::Group(options)), None) => options.stream(),
                    _ => return None,
                };
                let item = trees.collect();
                match &name[..] {
                    "callback" => Some(Self::Callback { options, item }),
                    "on" => Some(Self::On { item }),
                    _ => None,
                }
            }
            (TokenTree::Ident(hook), TokenTree::Punct(_)) if hook == "hook" => match trees.next()? {
                TokenTree::Group(tokens) => Some(Self::Hook { tokens: tokens.stream() }),
                _ => None,
            },
            _ => None,
        }
    }

    /// The macro's output.
    pub(crate) fn expand(self) -> TokenStream {
        match self {
            Self::Callback { options, item } => item::callback(options, &item),
            Self::On { item } => item::on_without_callback(&item),
            Self::Hook { tokens } => item::hook(tokens),
        }
    }

    /// Expands it, and checks what must hold for every output: Rust becomes Rust, and anything else becomes an error.
    ///
    /// # Panics
    /// If it does not hold.
    pub(crate) fn check(self) {
        let (item, is_rust) = match &self {
            Self::Callback { item, .. } | Self::On { item } => {
                (item.clone(), syn::parse2::<syn::Item>(item.clone()).is_ok())
            }
            Self::Hook { .. } => (TokenStream::new(), true),
        };
        let made = match self {
            Self::Hook { .. } => {
                let made = self.expand();
                quote! { fn hook() #made }
            }
            _ => self.expand(),
        };
        if is_rust {
            syn::parse2::<syn::File>(made)
                .unwrap_or_else(|error| panic!("{error}: the output is not Rust for\n{item}"));
        } else {
            assert!(made.to_string().contains("compile_error"), "no error for\n{item}");
        }
    }
}

/// Passes a text to the macros. A text that is not a call is used as each part of one.
pub(crate) fn feed(text: &str) {
    if let Some(call) = Call::read(text) {
        return call.check();
    }
    let Ok(tokens) = text.parse::<TokenStream>() else { return };
    let block = quote! {
        impl<T: Send> Watch<T> {
            #[on(batch_end, epoch_end, first, if = self.on)]
            fn log(&mut self, epoch: usize) {}
        }
    };
    let method = quote! { impl Watch { #[on(#tokens)] fn on_batch_end(&self, epoch: usize) {} } };
    let params = quote! { impl Watch { fn on_batch_end(&self, #tokens) {} } };
    for item in [tokens.clone(), method, params] {
        Call::Callback { options: TokenStream::new(), item }.check();
    }
    for item in [block, quote! { fn shout(epoch: usize) {} }] {
        Call::Callback { options: tokens.clone(), item }.check();
    }
    Call::Hook { tokens: quote! { on_batch_end, #tokens, |epoch: usize| {} } }.check();
    Call::Hook { tokens }.check();
}
