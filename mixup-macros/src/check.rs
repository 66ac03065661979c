//! What is wrong with a callback, held against the table: everything at once, each on its own token.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Attribute, ExprClosure, FnArg, GenericParam, Ident, ImplItem, ImplItemFn, ItemFn, ItemImpl, Meta, Pat, PatType,
    Receiver, ReceiverKind, ReturnType, Safety, Signature, Type, TypePath, spanned::Spanned,
};

use crate::{
    filters::Filters,
    hooks::{Hook, first_with},
    meant::{in_fastai_2, no_hook, no_hooks},
    mistakes::Mistakes,
    options::{Options, Place},
    params::{Around, Ask, asks},
    parse::{cfgs, is_called, plain, strip_type},
};

/// One hook that a method, a function or a closure serves, without mistakes.
pub(crate) struct Served<'a> {
    pub hook: &'static Hook,
    pub by: By<'a>,
    pub output: &'a ReturnType,
    pub cfgs: Vec<TokenStream>,
    pub asks: Vec<Ask<'a>>,
    pub filters: Filters,
}

/// What is called.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    Method {
        name: &'a Ident,
        /// Whether it takes the callback.
        receiver: bool,
    },
    Closure,
}

/// The trait's name, where the block is one of a trait.
pub(crate) fn of_a_trait(block: &ItemImpl, mistakes: &mut Mistakes) -> Option<String> {
    let (path, _) = block.trait_.as_ref()?;
    let ty = block.self_ty.to_token_stream();
    mistakes.add(
        path,
        format!(
            "`#[callback]` stands on an `impl` block of the type itself, not of a trait: write `impl {ty} {{ … }}`"
        ),
    );
    Some(path.segments.last().map(|segment| plain(&segment.ident)).unwrap_or_default())
}

/// Whether a second `#[callback]` stands below this one, which then is the one to do the work.
pub(crate) fn is_there_twice(attrs: &[Attribute], mistakes: &mut Mistakes) -> bool {
    let second = attrs.iter().find(|attr| is_called(attr, "callback"));
    if let Some(attr) = second {
        mistakes.add(attr, "`#[callback]` is there twice: keep one of the two");
    }
    second.is_some()
}

/// What the callback is called if no option says it: the last part of its type's path.
pub(crate) fn named(block: &ItemImpl, mistakes: &mut Mistakes) -> Option<String> {
    if let Type::Path(TypePath { path, .. }) = strip_type(&block.self_ty) {
        return path.segments.last().map(|segment| plain(&segment.ident));
    }
    mistakes.add(&block.self_ty, "a callback is a struct or an enum, by its name: write `impl MyCallback { … }`");
    None
}

/// A callback that asks to stand beside itself.
pub(crate) fn places(options: &Options, me: &Type, mistakes: &mut Mistakes) {
    for (option, others) in [("before", &options.before), ("after", &options.after)] {
        for other in others {
            let text = other.to_token_stream().to_string();
            if text == "Self" || text == me.to_token_stream().to_string() {
                mistakes
                    .add(other, format!("a callback cannot run {option} itself: name another one, or leave it out"));
            }
        }
    }
}

/// The methods of a block, hooks and others.
pub(crate) fn methods(block: &ItemImpl) -> impl Iterator<Item = &ImplItemFn> {
    block.items.iter().filter_map(|item| if let ImplItem::Fn(method) = item { Some(method) } else { None })
}

/// The hooks of a block without mistakes; the mistakes in the others are told.
pub(crate) fn block<'a>(block: &'a ItemImpl, mistakes: &mut Mistakes) -> Vec<Served<'a>> {
    for item in &block.items {
        let (attrs, what) = match item {
            ImplItem::Const(item) => (&item.attrs, "a constant"),
            ImplItem::Type(item) => (&item.attrs, "a type"),
            ImplItem::Macro(item) => (&item.attrs, "a macro"),
            _ => continue,
        };
        for attr in attrs.iter().filter(|attr| is_called(attr, "on")) {
            mistakes.add(attr, format!("`#[on]` stands on a method, not on {what}"));
        }
    }
    let meant: Vec<_> = methods(block).filter(|method| is_meant_for_a_hook(method)).collect();
    if meant.is_empty() {
        mistakes.add(&block.self_ty, no_hooks(methods(block).map(|method| plain(&method.sig.ident))));
    }
    let mut all: Vec<_> = meant.into_iter().flat_map(|method| served(method, block, mistakes)).collect();
    // A method that is there twice is the compiler's to tell. A call of it would be told as well, for not knowing which.
    let names: Vec<_> =
        methods(block).map(|method| (plain(&method.sig.ident), one_text(&cfgs(&method.attrs)))).collect();
    all.retain(|served| {
        let By::Method { name, .. } = served.by else { return true };
        let this = (plain(name), one_text(&served.cfgs));
        names.iter().filter(|name| **name == this).count() == 1
    });
    all
}

pub(crate) fn is_meant_for_a_hook(method: &ImplItemFn) -> bool {
    let name = plain(&method.sig.ident);
    name.starts_with("on_") || in_fastai_2(&name).is_some() || method.attrs.iter().any(|attr| is_called(attr, "on"))
}

fn one_text(tokens: &[TokenStream]) -> String {
    tokens.iter().map(ToString::to_string).collect()
}

/// The hooks that a method serves, each with the filters for it.
fn served<'a>(method: &'a ImplItemFn, block: &'a ItemImpl, mistakes: &mut Mistakes) -> Vec<Served<'a>> {
    let signature = &method.sig;
    // The compiler has enough to say of these.
    if signature.variadic.is_some() {
        return Vec::new();
    }
    let mut here = Mistakes::default();
    let hooks = hooks_of(method, &mut here);
    // A method whose hook is a slip is told of that alone: what its parameters should be follows from the hook.
    if !hooks.is_empty() {
        modifiers(signature, "put it on the `impl`", &mut here);
        receiver(signature, &mut here);
    }
    let by = By::Method { name: &signature.ident, receiver: signature.receiver().is_some() };
    let params = Params { typed: typed(signature), generics: Some(&signature.generics), me: Some(&block.self_ty) };
    let all = serve(&hooks, by, &signature.output, &cfgs(&method.attrs), &params, &mut here);
    let right = here.is_empty();
    mistakes.append(here);
    if right { all } else { Vec::new() }
}

/// What `#[on(…)]` says, or the method's name where there is none.
fn hooks_of(method: &ImplItemFn, mistakes: &mut Mistakes) -> Vec<(&'static Hook, Filters)> {
    let ident = &method.sig.ident;
    let (written, by_name) = (plain(ident), Hook::find(&plain(ident)));
    let mut on = method.attrs.iter().filter(|attr| is_called(attr, "on")).peekable();
    if on.peek().is_none() {
        if by_name.is_none() {
            mistakes.add(ident, no_hook(&written));
        }
        return by_name.map(|hook| (hook, Filters::default())).into_iter().collect();
    }
    let mut hooks: Vec<(&'static Hook, Filters)> = Vec::new();
    for attr in on {
        let tokens = match &attr.meta {
            Meta::Path(_) => TokenStream::new(),
            Meta::List(list) => list.tokens.clone(),
            Meta::NameValue(_) => {
                mistakes.add(attr, "`#[on]` has its hook in parentheses: write `#[on(batch_end)]`");
                continue;
            }
        };
        let mut here = Mistakes::default();
        let options = Options::parse(tokens, Place::Method, &mut here);
        let mut named = options.hooks;
        match by_name {
            Some(hook) if named.is_empty() => named.push((ident.clone(), hook)),
            Some(hook) => {
                if let Some((key, other)) = named.iter().find(|(_, other)| other.name != hook.name) {
                    let (name, moment) = (hook.name, other.moment());
                    let message = format!(
                        "a method called `{name}` runs in `{name}`: give it another name, or leave out `{moment}`"
                    );
                    here.add(key, message);
                }
            }
            None if named.is_empty() && here.is_empty() => {
                here.add(attr.path(), "`#[on]` says in which hook the method runs: write `#[on(batch_end)]`");
            }
            None => {}
        }
        for (key, hook) in named {
            if hooks.iter().any(|(other, _)| other.name == hook.name) {
                here.add(key, format!("`{}` is there twice: keep one of the two", hook.moment()));
            } else {
                hooks.push((hook, options.filters.clone()));
            }
        }
        options.filters.check_alone(true, &mut here);
        mistakes.append(here);
    }
    hooks
}

/// The parameters, and what decides of them whatever the hook.
struct Params<'a, I> {
    typed: I,
    generics: Option<&'a syn::Generics>,
    me: Option<&'a Type>,
}

fn typed(signature: &Signature) -> impl Iterator<Item = &PatType> + Clone {
    signature.inputs.iter().filter_map(|param| if let FnArg::Typed(param) = param { Some(param) } else { None })
}

/// Holds the parameters and filters against each of the hooks; the first hook in which something is wrong has the word.
fn serve<'a>(
    hooks: &[(&'static Hook, Filters)],
    by: By<'a>,
    output: &'a ReturnType,
    cfgs: &[TokenStream],
    params: &Params<'a, impl Iterator<Item = &'a PatType> + Clone>,
    mistakes: &mut Mistakes,
) -> Vec<Served<'a>> {
    let mut all = Vec::new();
    for (hook, filters) in hooks {
        let around = Around { hook, several: hooks.len() > 1, generics: params.generics, me: params.me };
        let mut here = Mistakes::default();
        filters.check(hook, &mut here);
        let asks = asks(around, params.typed.clone(), &mut here);
        if !here.is_empty() {
            mistakes.append(here);
            return Vec::new();
        }
        let Some(asks) = asks else { return Vec::new() };
        all.push(Served { hook, by, output, cfgs: cfgs.to_vec(), asks, filters: filters.clone() });
    }
    all
}

fn modifiers(signature: &Signature, instead: &str, mistakes: &mut Mistakes) {
    let name = plain(&signature.ident);
    if let Some(token) = &signature.asyncness {
        mistakes.add(
            token,
            format!("`{name}` is called by the training loop, which awaits nothing: write it without `async`"),
        );
    }
    if let Safety::Unsafe(token) = &signature.safety {
        mistakes.add(token, format!("`{name}` is called by safe code: write it without `unsafe`"));
    }
    if let Some(abi) = &signature.abi {
        mistakes.add(abi, format!("`{name}` is called from Rust: write it without `extern`"));
    }
    for param in &signature.generics.params {
        let ident = match param {
            GenericParam::Lifetime(_) => continue,
            GenericParam::Type(param) => &param.ident,
            GenericParam::Const(param) => &param.ident,
        };
        mistakes.add(param, format!("nothing says what `{ident}` would be when `{name}` is called: {instead}"));
    }
}

/// A hook borrows the callback, or leaves it alone.
fn receiver(signature: &Signature, mistakes: &mut Mistakes) {
    let Some(receiver) = signature.receiver() else { return };
    let lent = match &receiver.kind {
        ReceiverKind::Reference(..) => true,
        ReceiverKind::Typed(_, ty) => matches!(strip_type(ty), Type::Reference(_)),
        _ => false,
    };
    if !lent {
        let name = plain(&signature.ident);
        let receiver = Receiver { attrs: Vec::new(), ..receiver.clone() };
        let message =
            format!("`{name}` may be called again, so it cannot take the callback away: write `&mut self` or `&self`");
        mistakes.add(receiver, message);
    }
}

/// The hooks of a function with `#[callback(on_…)]`.
pub(crate) fn function<'a>(function: &'a ItemFn, options: &Options, mistakes: &mut Mistakes) -> Vec<Served<'a>> {
    let signature = &function.sig;
    if signature.variadic.is_some() {
        return Vec::new();
    }
    let mut here = Mistakes::default();
    modifiers(signature, "write the type itself", &mut here);
    let name = plain(&signature.ident);
    if first_with(&name).is_some() {
        let message = format!(
            "a function with `#[callback]` is a value by its name too, so nothing near it could have a parameter `{name}`: \
             call it something else"
        );
        here.add(&signature.ident, message);
    }
    if options.hooks.is_empty() && mistakes.is_empty() {
        let name = Hook::find(&name).map_or("on_epoch_end", |hook| hook.name);
        let message = format!("`#[callback]` on a function says in which hook it runs: write `#[callback({name})]`");
        here.add(&signature.ident, message);
    }
    let by = By::Method { name: &signature.ident, receiver: false };
    let params = Params { typed: typed(signature), generics: Some(&signature.generics), me: None };
    let all = serve(&with_filters(options, &mut here), by, &signature.output, &[], &params, &mut here);
    let right = here.is_empty();
    mistakes.append(here);
    if right { all } else { Vec::new() }
}

/// The hooks of `hook!(on_…, |…| …)`; its parameters have types, since nothing else says them.
pub(crate) fn closure<'a>(
    closure: &'a ExprClosure,
    options: &Options,
    mistakes: &mut Mistakes,
) -> Option<(Served<'a>, Vec<&'a Type>)> {
    let mut here = Mistakes::default();
    if let Some(token) = &closure.asyncness {
        here.add(token, "a hook is called by the training loop, which awaits nothing: write it without `async`");
    }
    let mut params = Vec::new();
    for param in &closure.inputs {
        match param {
            Pat::Type(param) => params.push(param),
            Pat::Ident(param) => {
                let name = plain(&param.ident);
                let known = first_with(name.trim_start_matches('_')).map(|(_, known)| known.spelt());
                let example = known.unwrap_or_else(|| "epoch: usize".to_owned());
                here.add(param, format!("a closure's parameter says its type: write `{example}`"));
            }
            other => here.add(
                other,
                "a parameter of a hook is a plain name, for it says what is asked for, as in `epoch: usize`",
            ),
        }
    }
    if options.hooks.is_empty() && here.is_empty() && mistakes.is_empty() {
        let message = "`hook!` says in which hook the closure runs: write `hook!(on_batch_end, |iteration: usize| …)`";
        here.extend(syn::Error::new(closure.inputs_begin.span(), message));
    }
    for (key, _) in options.hooks.iter().skip(1) {
        here.add(
            key,
            format!("a closure serves one hook: leave out `{key}`, or write a function with `#[callback(…)]`"),
        );
    }
    let hooks = with_filters(options, &mut here);
    let taken = params.iter().map(|param| &*param.ty).collect();
    let params = Params { typed: params.into_iter(), generics: None, me: None };
    let mut all = serve(&hooks, By::Closure, &closure.output, &[], &params, &mut here);
    let right = here.is_empty() && mistakes.is_empty();
    mistakes.append(here);
    all.pop().filter(|_| right).map(|served| (served, taken))
}

fn with_filters(options: &Options, mistakes: &mut Mistakes) -> Vec<(&'static Hook, Filters)> {
    options.filters.check_alone(false, mistakes);
    options.hooks.iter().map(|(_, hook)| (*hook, options.filters.clone())).collect()
}
