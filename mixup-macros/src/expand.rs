//! What the compiler gets: the user's code as it is, and beside it the trait's implementation, which calls the user's.
//!
//! Names that begin with two underscores are ours, so that no name of the user's is in their way.

use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{GenericParam, Generics, ItemImpl, ReturnType, Type, WhereClause, spanned::Spanned};

use crate::{
    check::{self, By, Served},
    hooks::{Hook, Lent, Name},
    mistakes::Mistakes,
    options::{Fields, Options, Place},
    params::{Ask, What},
    parse::{self, Subject},
    users::without_on,
};

/// `#[callback(options)]` on `item`.
///
/// Whatever is wrong, the user's code is still there, and so is the trait with the hooks that are right: what uses the
/// callback elsewhere has nothing to complain of.
pub(crate) fn callback(options: TokenStream, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    match parse::subject(item.clone()) {
        Ok(Subject::Block(block)) => {
            let options = Options::parse(options, Place::Block, &mut mistakes);
            let (users, implementation) = on_block(&options, block, item, &mut mistakes);
            with(&users, &implementation, mistakes)
        }
        Ok(Subject::Function(function)) => crate::function::callback(options, &function, item),
        Err(error) => {
            Options::parse(options, Place::Block, &mut mistakes);
            mistakes.extend(error);
            with(item, &TokenStream::new(), mistakes)
        }
    }
}

/// `#[on(…)]` that no `#[callback]` has taken away.
pub(crate) fn on_alone(item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    mistakes.extend(syn::Error::new(
        Span::call_site(),
        "`#[on]` says when a method of a callback runs: put `#[callback]` on the `impl` block around it",
    ));
    with(item, &TokenStream::new(), mistakes)
}

/// The user's code, what is made of it, and what is wrong with it.
pub(crate) fn with(users: &TokenStream, implementation: &TokenStream, mistakes: Mistakes) -> TokenStream {
    let mistakes = mistakes.into_compile_errors();
    quote! { #users #implementation #mistakes }
}

/// The user's block without what only `#[callback]` understands, and the trait's.
fn on_block(
    options: &Options,
    mut block: ItemImpl,
    item: &TokenStream,
    mistakes: &mut Mistakes,
) -> (TokenStream, TokenStream) {
    if check::is_there_twice(&block.attrs, mistakes) {
        return (item.clone(), TokenStream::new());
    }
    let mut users = item.clone();
    if let Some(trait_) = check::of_a_trait(&block, mistakes) {
        // What was meant is the type's own block; the trait's would lack all that the trait asks for.
        if trait_ != "Callback" {
            return (item.clone(), TokenStream::new());
        }
        block.trait_ = None;
        block.modifiers.polarity = None;
        users = block.to_token_stream();
    }
    let served = check::block(&block, mistakes);
    check::places(options, &block.self_ty, mistakes);
    let hooks = check::methods(&block).filter(|method| check::is_meant_for_a_hook(method));
    let of_hooks = hooks.flat_map(|method| parse::allows(&method.attrs));
    let of_block = parse::cfgs(&block.attrs).into_iter().chain(parse::allows(&block.attrs));
    let attrs = of_block.chain(of_hooks).collect();
    let implementation = check::named(&block, mistakes).map(|name| {
        let (generics, _, _) = block.generics.split_for_impl();
        let ty = &block.self_ty;
        Implementation {
            options,
            attrs,
            head: quote! { #generics },
            ty: quote! { #ty },
            bounds: bounds(&block.generics, ty),
            name: quote! { #name },
            served: &served,
            spans: (block.impl_token.span, block.brace_token.span.join()),
        }
        .expand()
    });
    (without_on(&users), implementation.unwrap_or_default())
}

/// The trait's implementation for a type.
pub(crate) struct Implementation<'a> {
    pub options: &'a Options,
    /// What decides whether it is there, and which lints it need not hear.
    pub attrs: Vec<TokenStream>,
    /// `<'a, W: Write>`
    pub head: TokenStream,
    pub ty: TokenStream,
    /// `where …`
    pub bounds: TokenStream,
    /// What it is called if no option says it.
    pub name: TokenStream,
    pub served: &'a [Served<'a>],
    /// Where what is wrong with the whole is shown: on `impl`, and on the block.
    pub spans: (Span, Span),
}

/// The path of the facade.
pub(crate) fn facade(options: &Options) -> TokenStream {
    options.krate.as_ref().map_or_else(|| quote! { ::mixup }, ToTokens::to_token_stream)
}

impl Implementation<'_> {
    /// In a scope of its own, and the facade in one place, so that a wrong path is told once.
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
        let asked = self.served.iter().map(asked);
        let (state, describe) = (options.state.as_ref().map(state), options.describe.as_ref().map(describe));
        let methods = self.methods();
        let items = quote! {
            const NAME: &'static ::core::primitive::str = #name;
            #order
            #(#places)*
            const HOOKS: &'static [__mixup::Asked] = &[#(#asked),*];
            #(#methods)*
            #describe
            #state
        };
        // What is wrong with the whole is shown on the user's block, but lints know that it is not the user's.
        let impl_token = syn::Token![impl](generated(self.spans.0));
        let items = grouped(Delimiter::Brace, generated(self.spans.1), items);
        quote! {
            #[automatically_derived]
            #impl_token #head __mixup::Callback for #ty #bounds #items
        }
    }

    /// The trait's methods, in the order in which their hooks are written first.
    fn methods(&self) -> Vec<TokenStream> {
        let mut hooks: Vec<&'static Hook> = Vec::new();
        for served in self.served {
            if !hooks.iter().any(|hook| hook.name == served.hook.name) {
                hooks.push(served.hook);
            }
        }
        let of =
            |hook: &Hook| -> Vec<_> { self.served.iter().filter(|served| served.hook.name == hook.name).collect() };
        hooks.into_iter().map(|hook| method(hook, &of(hook))).collect()
    }
}

/// The first and the last place of some tokens: an expression between the two is shown on all of them.
pub(crate) fn ends(tokens: impl ToTokens) -> (Span, Span) {
    let mut tokens = tokens.into_token_stream().into_iter().map(|token: TokenTree| token.span());
    let first = tokens.next().unwrap_or_else(Span::call_site);
    (first, tokens.last().unwrap_or(first))
}

/// Where the compiler shows what is generated, without taking it for the user's own.
pub(crate) fn generated(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// In brackets that are shown at this place.
pub(crate) fn grouped(delimiter: Delimiter, span: Span, tokens: TokenStream) -> Group {
    let mut group = Group::new(delimiter, tokens);
    group.set_span(span);
    group
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

/// A hook, the names and the callbacks that it asks for, and when it runs: as a constant.
fn asked(Served { hook, by, cfgs, asks, filters, .. }: &Served<'_>) -> TokenStream {
    let event = format_ident!("{}", hook.event);
    let used = filters.uses(hook).into_iter().map(|used| used.name.name.to_owned());
    let used = used.filter(|name| !asks.iter().any(|ask| ask.name() == *name));
    let used: Vec<_> = used.collect();
    let names = asks.iter().map(|ask @ Ask { cfgs, .. }| {
        let name = ask.name();
        quote! { #(#cfgs)* #name }
    });
    let names = names.chain(used.iter().map(|name| quote! { #name }));
    let by = match by {
        By::Method { name, .. } if parse::plain(name) != hook.name => {
            let name = parse::plain(name);
            Some(quote! { .by(#name) })
        }
        _ => None,
    };
    let when = (!filters.is_empty()).then(|| {
        let text = filters.text();
        quote! { .when(#text) }
    });
    let others: Vec<_> = asks
        .iter()
        .filter_map(|ask| {
            let (What::Other(other), cfgs) = (&ask.what, &ask.cfgs) else { return None };
            let ty = other.ty;
            let optional = other.optional.then(|| quote! { .optional() });
            Some(quote! { #(#cfgs)* __mixup::Peer::asked::<#ty>()#optional })
        })
        .collect();
    let others = (!others.is_empty()).then(|| quote! { .with(&[#(#others),*]) });
    quote! { #(#cfgs)* __mixup::Asked::new(__mixup::Hook::#event, &[#(#names),*])#by #when #others }
}

/// The trait's method: calls each of the user's that serves the hook, if it is to run now.
fn method(hook: &Hook, served: &[&Served<'_>]) -> TokenStream {
    let [name, event] = [hook.name, hook.event].map(|name| format_ident!("{name}"));
    let (cfgs, body) = match served {
        [only] => (only.cfgs.clone(), answer(only)),
        several => {
            let all = several.iter().map(|served| {
                let (cfgs, answer) = (&served.cfgs, answer(served));
                quote! { #(#cfgs)* let __flow = __mixup::Flow::or(__flow, { #answer }?); }
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

/// Takes out of the event what the user's method asks for, calls it, and understands what it returns.
fn answer(served: &Served<'_>) -> TokenStream {
    let Served { hook, by, output, asks, filters, .. } = served;
    let returns = format_ident!("{}Returns", hook.event);
    let args: Vec<_> = asks.iter().map(arg).collect();
    let call = match by {
        By::Method { name, receiver: true } => quote! { Self::#name(self #(, #args)*) },
        By::Method { name, receiver: false } => quote! { Self::#name(#(#args),*) },
        By::Closure => quote! { (self.0)(#(#args),*) },
    };
    let others = asks.iter().any(|ask| matches!(ask.what, What::Other(_)));
    let others = others.then(|| quote! { let mut __others = __event.__others.all(); });
    let makes = asks.iter().map(|ask| makes(hook, ask));
    let before = quote! { #(#makes)* #others };
    let flow = match output {
        _ if matches!(by, By::Closure) => quote! { #before #call },
        ReturnType::Default => quote! { #before __mixup::#returns::into_flow(#call) },
        // What may not be returned is shown where the return type stands, from its first token to its last.
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
    match filters.condition(hook) {
        None => flow,
        Some(condition) => quote! {
            if #condition { #flow } else { ::core::result::Result::Ok(__mixup::Flow::Continue) }
        },
    }
}

/// What a parameter asks for is made now, where making it costs something.
fn makes(hook: &Hook, Ask { what, cfgs, .. }: &Ask<'_>) -> TokenStream {
    let names = match what {
        What::Value(name) => vec![*name],
        What::Event => hook.names(),
        What::Other(_) => Vec::new(),
    };
    names.into_iter().filter_map(make).map(|make| quote! { #(#cfgs)* #make }).collect()
}

/// Makes a value that costs something; nothing for the others, which are there anyway.
pub(crate) fn make(name: &Name) -> Option<TokenStream> {
    name.unmade?;
    let make = format_ident!("make_{}", name.name);
    Some(quote! { __event.#make()?; })
}

/// What a parameter gets. If it is not of the parameter's type, that is shown where the type stands.
fn arg(Ask { what, ty, cfgs, .. }: &Ask<'_>) -> TokenStream {
    let value = match what {
        What::Event => {
            let event = Ident::new("__event", generated(ends(ty).0));
            quote! { #event }
        }
        What::Value(name) => {
            let (first, last) = ends(ty);
            let field = format_ident!("{}", name.name);
            let borrow = (name.lent == Lent::Copied).then(|| quote! { & });
            let value = grouped(Delimiter::Parenthesis, last, quote! { #borrow __event.#field });
            let of = Ident::new("Value", last);
            quote_spanned! { first=> <__mixup::lent::#of as __mixup::lent::#field<'_, _>>::lend #value }
        }
        What::Other(other) => {
            let (ty, how) = (other.ty, if other.optional { "optional" } else { "required" });
            let how = format_ident!("{how}");
            let lent = quote! { __mixup::others::#how::<#ty>(&mut __others) };
            match (other.optional, other.mutable) {
                (true, true) => lent,
                (true, false) => quote! { #lent.map(|__other| &*__other) },
                (false, true) => quote! { #lent? },
                (false, false) => quote! { &*#lent? },
            }
        }
    };
    quote! { #(#cfgs)* #value }
}

/// `#[callback(describe)]`: of the fields, all or those that are named.
fn describe(Fields { key, named }: &Fields) -> TokenStream {
    let description = if named.is_empty() {
        let this = Ident::new("self", generated(key.span()));
        quote! { __mixup::describe::whole(#this) }
    } else {
        let names = named.iter().map(parse::plain);
        quote! {
            __mixup::describe::fields(<Self as __mixup::Callback>::NAME, &[#((#names, &(*self).#named)),*])
        }
    };
    quote! { fn describe(&self) -> ::std::string::String { #description } }
}

/// `#[callback(state)]`: the same, for checkpoints.
fn state(Fields { key, named }: &Fields) -> TokenStream {
    let (save, load) = if named.is_empty() {
        // The same in both, down to the place, so that a type that is none is told once.
        let state = quote_spanned! { generated(key.span())=> __mixup::state::Whole };
        let this = Ident::new("self", generated(key.span()));
        (quote! { #state::save(#this) }, quote! { #state::load(#this, __state) })
    } else {
        let names: Vec<_> = named.iter().map(parse::plain).collect();
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
