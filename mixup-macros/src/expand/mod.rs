//! The implementation of `Callback` for the user's type, which calls the user's methods.
//!
//! Generated names begin with two underscores, so that they do not clash with the user's. `snapshots` shows the output, case by
//! case.

mod args;
mod condition;
mod fields;

use proc_macro2::{Delimiter, Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ReturnType;

use self::args::{arg, reads};
use crate::{
    check::{By, Serves},
    hooks::Hook,
    options::Options,
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
        let (facade, attrs, implementation, state) =
            (facade(self.options), &self.attrs, self.expand_bare(), self.state());
        // The methods of a trait determine how a field is saved.
        let import = if self.options.state.as_ref().is_some_and(|state| !state.named.is_empty()) {
            quote! { ::{self as __mixup, state::field::Field as _} }
        } else {
            quote! { as __mixup }
        };
        quote! {
            #(#attrs)*
            const _: () = {
                use #facade::callback #import;
                #implementation
                #state
            };
        }
    }

    /// The implementation of `Stateful`, with the option `state`.
    fn state(&self) -> Option<TokenStream> {
        let Self { options, head, ty, bounds, .. } = self;
        let version = options.version.as_ref().map(|(_, version)| {
            quote! { fn version(&self) -> ::core::primitive::u32 { #version } }
        });
        options.state.as_ref().map(fields::state).map(|methods| {
            quote! {
                #[automatically_derived]
                impl #head __mixup::state::Stateful for #ty #bounds {
                    #version
                    #methods
                }
            }
        })
    }

    /// For a scope that has the facade as `__mixup`.
    pub(crate) fn expand_bare(&self) -> TokenStream {
        let Self { options, head, ty, bounds, .. } = self;
        let name = options.name.as_ref().map_or_else(|| self.name.clone(), ToTokens::to_token_stream);
        let order = options.order.as_ref().map(|order| quote! { const ORDER: ::core::primitive::i32 = #order; });
        let places = [("before", &options.before), ("after", &options.after)]
            .into_iter()
            .filter(|(_, others)| !others.is_empty())
            .map(|(place, others)| {
                let place = format_ident!("{place}");
                quote! {
                    fn #place(&self) -> ::std::vec::Vec<__mixup::Peer> {
                        __mixup::list([#(__mixup::Peer::of::<#others>()),*])
                    }
                }
            });
        let handlers = self.serves.iter().map(handler);
        let stateful = match (&options.state, &options.stateful) {
            (Some(_), _) => Some(fields::generated_stateful()),
            (None, by_hand) => by_hand.as_ref().map(fields::stateful_by_hand),
        };
        // One that has a state is not asked.
        let stateless = (stateful.is_none() && (options.stateless.is_some() || self.never_changes())).then(|| {
            quote! { fn is_stateless(&self) -> ::core::primitive::bool { true } }
        });
        let describe = options.describe.as_ref().map(fields::describe);
        let methods = self.methods();
        let items = quote! {
            const NAME: &'static ::core::primitive::str = #name;
            #order
            fn handlers(&self) -> ::std::vec::Vec<__mixup::Handler> { __mixup::list([#(#handlers),*]) }
            #(#places)*
            #(#methods)*
            #describe
            #stateful
            #stateless
        };
        let impl_token = syn::Token![impl](generated(self.spans.0));
        let items = grouped(Delimiter::Brace, generated(self.spans.1), items);
        quote! {
            #[automatically_derived]
            #impl_token #head __mixup::Callback for #ty #bounds #items
        }
    }

    /// Whether it is written as an `impl` block in which no hook takes `&mut self`. The library can tell of a closure whether it
    /// has captured anything.
    fn never_changes(&self) -> bool {
        self.serves.iter().all(|serves| matches!(serves.by, By::Method { changes: false, .. }))
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

/// What the learner knows of a hook before the run: what the method takes, and when it runs.
fn handler(Serves { hook, by, cfgs, params, filters, .. }: &Serves<'_>) -> TokenStream {
    let event = format_ident!("{}", hook.event);
    let of_table: Vec<_> =
        params.iter().filter_map(|param| Some((param.name()?, &param.cfgs, param.changes()))).collect();
    let names = of_table.iter().map(|(name, cfgs, _)| quote! { #(#cfgs)* #name });
    let used = condition::uses(filters, hook);
    let used = used.into_iter().filter(|name| !of_table.iter().any(|(other, ..)| other == name));
    let names: Vec<_> = names.chain(used.map(|name| quote! { #name })).collect();
    let names = (!names.is_empty()).then(|| quote! { .names(&[#(#names),*]) });
    let changes: Vec<_> =
        of_table.iter().filter(|(.., changes)| *changes).map(|(name, cfgs, _)| quote! { #(#cfgs)* #name }).collect();
    let changes = (!changes.is_empty()).then(|| quote! { .changes(&[#(#changes),*]) });
    let method = (method_name(hook, by) != hook.name).then(|| {
        let name = method_name(hook, by);
        quote! { .method(#name) }
    });
    let when = (!filters.is_empty()).then(|| {
        let text = filters.text();
        quote! { .filters(#text) }
    });
    let requests: Vec<_> = params.iter().filter_map(args::request).collect();
    let requests = (!requests.is_empty()).then(|| quote! { .requests([#(#requests),*]) });
    quote! { #(#cfgs)* __mixup::Handler::new(__mixup::Hook::#event)#method #names #changes #when #requests }
}

/// The name of the user's method, by which its parameters are linked.
fn method_name(hook: &Hook, by: &By<'_>) -> String {
    match by {
        By::Method { name, .. } => plain(name),
        By::Closure => hook.name.to_owned(),
    }
}

/// The trait's method: calls each of the user's methods that serve the hook and are to run now.
fn method(hook: &Hook, serves: &[&Serves<'_>]) -> TokenStream {
    let [name, event] = [hook.name, hook.event].map(|name| format_ident!("{name}"));
    let (cfgs, body) = match serves {
        [only] => (only.cfgs.clone(), call(only)),
        several => {
            let all = several.iter().map(|serves| {
                let (cfgs, call) = (&serves.cfgs, call(serves));
                quote! { #(#cfgs)* let __requests = __mixup::Requests::and(__requests, { #call }?); }
            });
            let body = quote! {
                let __requests = __mixup::Requests::none();
                #(#all)*
                ::core::result::Result::Ok(__requests)
            };
            (Vec::new(), body)
        }
    };
    quote! {
        #(#cfgs)*
        fn #name(&mut self, __event: &mut __mixup::#event<'_>) -> __mixup::HookResult { #body }
    }
}

/// Calls the user's method, if it is to run now, and turns what it returns into requests.
fn call(serves: &Serves<'_>) -> TokenStream {
    let Serves { hook, by, output, params, filters, .. } = serves;
    let returns = format_ident!("{}Returns", hook.event);
    let args: Vec<_> = params.iter().map(arg).collect();
    let call = match by {
        By::Method { name, receiver: true, .. } => quote! { Self::#name(self #(, #args)*) },
        By::Method { name, receiver: false, .. } => quote! { Self::#name(#(#args),*) },
        By::Closure => quote! { (self.0)(#(#args),*) },
    };
    let method = method_name(hook, by);
    let links = params.iter().filter_map(|param| args::link(&method, param));
    let reads = params.iter().map(|param| reads(hook, param));
    let before = quote! { #(#reads)* #(#links)* };
    let flow = match output {
        _ if matches!(by, By::Closure) => quote! { #before #call },
        ReturnType::Default => quote! { #before __mixup::#returns::into_requests(#call) },
        // A type that may not be returned is underlined from its first token to its last.
        ReturnType::Type(_, ty) => {
            let (first, last) = ends(ty);
            let mut inner = Literal::usize_unsuffixed(0);
            inner.set_span(last);
            let answer = grouped(Delimiter::Parenthesis, last, quote_spanned! { first=> __answer.#inner });
            let [answer_of, into_requests] =
                [("__answer", first), ("into_requests", last)].map(|(name, at)| Ident::new(name, at));
            let flow = quote_spanned! { first=> __mixup::#returns::#into_requests #answer };
            quote! { #before let #answer_of = (#call,); #flow }
        }
    };
    match condition::condition(filters, hook) {
        None => flow,
        Some(condition) => quote! {
            if #condition { #flow } else { ::core::result::Result::Ok(__mixup::Requests::none()) }
        },
    }
}
