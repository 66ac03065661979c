//! The implementation of `Callback` for the user's type, which calls the user's methods.
//!
//! Names that begin with two underscores are ours: the user's names stay free. `snapshots` shows what is made, case by case.

mod args;
mod condition;
mod fields;

use proc_macro2::{Delimiter, Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ReturnType;

use self::args::{arg, makes};
use crate::{
    check::{By, Serves},
    hooks::Hook,
    options::Options,
    params::{Param, What},
    parse::plain,
    tokens::{ends, generated, grouped},
};

/// The trait's implementation for a type.
pub(crate) struct Implementation<'a> {
    pub options: &'a Options,
    /// Its `#[cfg(…)]` and `#[allow(…)]`.
    pub attrs: Vec<TokenStream>,
    /// `<'a, W: Write>`
    pub head: TokenStream,
    pub ty: TokenStream,
    /// `where …`
    pub bounds: TokenStream,
    /// The callback's name, unless an option gives another.
    pub name: TokenStream,
    pub serves: &'a [Serves<'a>],
    /// Where errors of the whole implementation are shown: on `impl`, and on the block.
    pub spans: (Span, Span),
}

/// The path of the facade.
pub(crate) fn facade(options: &Options) -> TokenStream {
    options.krate.as_ref().map_or_else(|| quote! { ::mixup }, ToTokens::to_token_stream)
}

impl Implementation<'_> {
    /// In a scope of its own. It names the facade once, so that a wrong path is one error.
    pub(crate) fn expand(&self) -> TokenStream {
        let (facade, attrs, implementation) = (facade(self.options), &self.attrs, self.expand_bare());
        quote! {
            #(#attrs)*
            const _: () = {
                use #facade::callback as __mixup;
                #implementation
            };
        }
    }

    /// For a scope that has the facade as `__mixup`.
    pub(crate) fn expand_bare(&self) -> TokenStream {
        let Self { options, head, ty, bounds, .. } = self;
        let name = options.name.as_ref().map_or_else(|| self.name.clone(), ToTokens::to_token_stream);
        let order = options.order.as_ref().map(|order| quote! { const ORDER: ::core::primitive::i32 = #order; });
        let places = [("BEFORE", &options.before), ("AFTER", &options.after)]
            .into_iter()
            .filter(|(_, others)| !others.is_empty())
            .map(|(place, others)| {
                let place = format_ident!("{place}");
                quote! { const #place: &'static [__mixup::Peer] = &[#(__mixup::Peer::of::<#others>()),*]; }
            });
        let handlers = self.serves.iter().map(handler);
        let state = options.state.as_ref().map(fields::state);
        let describe = options.describe.as_ref().map(fields::describe);
        let methods = self.methods();
        let items = quote! {
            const NAME: &'static ::core::primitive::str = #name;
            #order
            #(#places)*
            const HOOKS: &'static [__mixup::Asked] = &[#(#handlers),*];
            #(#methods)*
            #describe
            #state
        };
        let impl_token = syn::Token![impl](generated(self.spans.0));
        let items = grouped(Delimiter::Brace, generated(self.spans.1), items);
        quote! {
            #[automatically_derived]
            #impl_token #head __mixup::Callback for #ty #bounds #items
        }
    }

    /// The trait's methods, in the order in which their hooks first appear.
    fn methods(&self) -> Vec<TokenStream> {
        let mut hooks: Vec<&'static Hook> = Vec::new();
        for serves in self.serves {
            if !hooks.iter().any(|hook| hook.name == serves.hook.name) {
                hooks.push(serves.hook);
            }
        }
        let of =
            |hook: &Hook| -> Vec<_> { self.serves.iter().filter(|serves| serves.hook.name == hook.name).collect() };
        hooks.into_iter().map(|hook| method(hook, &of(hook))).collect()
    }
}

/// What the learner knows of a hook before the run: the values and callbacks that it takes, and when it runs.
fn handler(Serves { hook, by, cfgs, params, filters, .. }: &Serves<'_>) -> TokenStream {
    let event = format_ident!("{}", hook.event);
    let names = params.iter().map(|param @ Param { cfgs, .. }| {
        let name = param.name();
        quote! { #(#cfgs)* #name }
    });
    let used = condition::uses(filters, hook);
    let used = used.into_iter().filter(|name| !params.iter().any(|param| param.name() == *name));
    let names = names.chain(used.map(|name| quote! { #name }));
    let by = match by {
        By::Method { name, .. } if plain(name) != hook.name => {
            let name = plain(name);
            Some(quote! { .by(#name) })
        }
        _ => None,
    };
    let when = (!filters.is_empty()).then(|| {
        let text = filters.text();
        quote! { .when(#text) }
    });
    let others: Vec<_> = params
        .iter()
        .filter_map(|param| {
            let (What::Other(other), cfgs) = (&param.what, &param.cfgs) else { return None };
            let ty = other.ty;
            let optional = other.optional.then(|| quote! { .optional() });
            Some(quote! { #(#cfgs)* __mixup::Peer::asked::<#ty>()#optional })
        })
        .collect();
    let others = (!others.is_empty()).then(|| quote! { .with(&[#(#others),*]) });
    quote! { #(#cfgs)* __mixup::Asked::new(__mixup::Hook::#event, &[#(#names),*])#by #when #others }
}

/// The trait's method: calls each of the user's methods that serve the hook and are to run now.
fn method(hook: &Hook, serves: &[&Serves<'_>]) -> TokenStream {
    let [name, event] = [hook.name, hook.event].map(|name| format_ident!("{name}"));
    let (cfgs, body) = match serves {
        [only] => (only.cfgs.clone(), call(only)),
        several => {
            let all = several.iter().map(|serves| {
                let (cfgs, call) = (&serves.cfgs, call(serves));
                quote! { #(#cfgs)* let __flow = __mixup::Flow::or(__flow, { #call }?); }
            });
            let body = quote! {
                let __flow = __mixup::Flow::Continue;
                #(#all)*
                ::core::result::Result::Ok(__flow)
            };
            (Vec::new(), body)
        }
    };
    quote! {
        #(#cfgs)*
        fn #name(&mut self, __event: &mut __mixup::#event<'_>) -> __mixup::HookResult { #body }
    }
}

/// Calls the user's method, if it is to run now, and turns what it returns into a flow.
fn call(serves: &Serves<'_>) -> TokenStream {
    let Serves { hook, by, output, params, filters, .. } = serves;
    let returns = format_ident!("{}Returns", hook.event);
    let args: Vec<_> = params.iter().map(arg).collect();
    let call = match by {
        By::Method { name, receiver: true } => quote! { Self::#name(self #(, #args)*) },
        By::Method { name, receiver: false } => quote! { Self::#name(#(#args),*) },
        By::Closure => quote! { (self.0)(#(#args),*) },
    };
    let others = params.iter().any(|param| matches!(param.what, What::Other(_)));
    let others = others.then(|| quote! { let mut __others = __event.__others.all(); });
    let makes = params.iter().map(|param| makes(hook, param));
    let before = quote! { #(#makes)* #others };
    let flow = match output {
        _ if matches!(by, By::Closure) => quote! { #before #call },
        ReturnType::Default => quote! { #before __mixup::#returns::into_flow(#call) },
        // A type that may not be returned is underlined from its first token to its last.
        ReturnType::Type(_, ty) => {
            let (first, last) = ends(ty);
            let mut inner = Literal::usize_unsuffixed(0);
            inner.set_span(last);
            let answer = grouped(Delimiter::Parenthesis, last, quote_spanned! { first=> __answer.#inner });
            let [answer_of, into_flow] =
                [("__answer", first), ("into_flow", last)].map(|(name, at)| Ident::new(name, at));
            let flow = quote_spanned! { first=> __mixup::#returns::#into_flow #answer };
            quote! { #before let #answer_of = (#call,); #flow }
        }
    };
    match condition::condition(filters, hook) {
        None => flow,
        Some(condition) => quote! {
            if #condition { #flow } else { ::core::result::Result::Ok(__mixup::Flow::Continue) }
        },
    }
}
