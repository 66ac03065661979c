//! The hooks of an `impl` block.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{ImplItem, ImplItemFn, ItemImpl, Meta, Type, TypePath};

use super::{By, Candidate, Serves, changes, modifiers, receiver, typed};
use crate::{
    filters::Filters,
    hooks::Hook,
    mistakes::Mistakes,
    options::{Options, Place},
    parse::{cfgs, is_called, plain, strip_type},
    rivals::moment,
    suggest::{no_hook, no_hooks},
};

/// The trait's name, if the block implements one.
pub(crate) fn trait_of(block: &ItemImpl, mistakes: &mut Mistakes) -> Option<String> {
    let (path, _) = block.trait_.as_ref()?;
    let ty = block.self_ty.to_token_stream();
    mistakes
        .add(path, format!("`#[callback]` cannot be used on the `impl` block of a trait: put it on the type's own block, `impl {ty} {{ … }}`"));
    Some(path.segments.last().map(|segment| plain(&segment.ident)).unwrap_or_default())
}

/// The last part of the type's path: the callback's name, unless an option gives another.
pub(crate) fn type_name(block: &ItemImpl, mistakes: &mut Mistakes) -> Option<String> {
    if let Type::Path(TypePath { path, .. }) = strip_type(&block.self_ty) {
        return path.segments.last().map(|segment| plain(&segment.ident));
    }
    mistakes
        .add(&block.self_ty, "a callback must be a struct or an enum: write its name, as in `impl MyCallback { … }`");
    None
}

/// The methods of a block, hooks and others.
pub(crate) fn methods(block: &ItemImpl) -> impl Iterator<Item = &ImplItemFn> {
    block.items.iter().filter_map(|item| if let ImplItem::Fn(method) = item { Some(method) } else { None })
}

/// The hooks of a block that have no mistakes. The mistakes of the others are reported.
pub(crate) fn block<'a>(block: &'a ItemImpl, mistakes: &mut Mistakes) -> Vec<Serves<'a>> {
    for item in &block.items {
        let (attrs, what) = match item {
            ImplItem::Const(item) => (&item.attrs, "a constant"),
            ImplItem::Type(item) => (&item.attrs, "a type"),
            ImplItem::Macro(item) => (&item.attrs, "a macro"),
            _ => continue,
        };
        for attr in attrs.iter().filter(|attr| is_called(attr, "on")) {
            mistakes.add(attr, format!("`#[on]` cannot be used on {what}: put it on a method"));
        }
    }
    let meant: Vec<_> = methods(block).filter(|method| is_meant_as_hook(method)).collect();
    if meant.is_empty() {
        no_hook_at_all(block, mistakes);
    }
    let mut all: Vec<_> = meant.into_iter().flat_map(|method| serves(method, block, mistakes)).collect();
    // The compiler reports two methods of one name itself, and would report a call of them too, as ambiguous.
    let names: Vec<_> =
        methods(block).map(|method| (plain(&method.sig.ident), one_text(&cfgs(&method.attrs)))).collect();
    all.retain(|serves| {
        let By::Method { name, .. } = serves.by else { return true };
        let this = (plain(name), one_text(&serves.cfgs));
        names.iter().filter(|name| **name == this).count() == 1
    });
    all
}

/// Reports a block without hooks: on each method that is a hook in another library, or else on the block.
fn no_hook_at_all(block: &ItemImpl, mistakes: &mut Mistakes) {
    let names = || methods(block).map(|method| (&method.sig.ident, plain(&method.sig.ident)));
    let foreign: Vec<_> = names().filter(|(_, name)| moment(name).is_some()).collect();
    if foreign.is_empty() {
        mistakes.add(&block.self_ty, no_hooks(names().map(|(_, name)| name)));
    }
    for (ident, name) in foreign {
        mistakes.add(ident, no_hook(&name));
    }
}

/// Whether a method is meant as a hook: it has `#[on]`, or a name that begins with `on_` or is a hook's in another library.
pub(crate) fn is_meant_as_hook(method: &ImplItemFn) -> bool {
    let name = plain(&method.sig.ident);
    let foreign = moment(&name).is_some_and(|moment| moment.certain);
    name.starts_with("on_") || foreign || method.attrs.iter().any(|attr| is_called(attr, "on"))
}

fn one_text(tokens: &[TokenStream]) -> String {
    tokens.iter().map(ToString::to_string).collect()
}

/// The hooks that a method serves, each with the filters for it.
fn serves<'a>(method: &'a ImplItemFn, block: &'a ItemImpl, mistakes: &mut Mistakes) -> Vec<Serves<'a>> {
    let signature = &method.sig;
    // The compiler reports these itself.
    if signature.variadic.is_some() {
        return Vec::new();
    }
    let mut here = Mistakes::default();
    let hooks = hooks_of(method, &mut here);
    // Without a hook there is nothing to check the signature against.
    if !hooks.is_empty() {
        modifiers(signature, &|ident| format!("declare `{ident}` on the `impl`"), &mut here);
        receiver(signature, &mut here);
    }
    let candidate = Candidate {
        by: By::Method {
            name: &signature.ident,
            receiver: signature.receiver().is_some(),
            changes: changes(signature),
        },
        output: &signature.output,
        body: &method.block,
        cfgs: cfgs(&method.attrs),
        params: typed(signature),
        generics: Some(&signature.generics),
        me: Some(&block.self_ty),
    };
    let all = candidate.serve(&hooks, &mut here);
    mistakes.append(here);
    all
}

/// The hooks that `#[on(…)]` names, or that the method's name is.
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
                mistakes.add(attr, "`#[on]` takes its hook in parentheses: write `#[on(batch_end)]`");
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
                        "`{moment}` conflicts with the method's name, `{name}`: rename the method, or remove `{moment}`"
                    );
                    here.add(key, message);
                }
            }
            None if named.is_empty() && here.is_empty() => {
                here.add(attr.path(), "`#[on]` needs a hook in which the method runs: write `#[on(batch_end)]`");
            }
            None => {}
        }
        for (key, hook) in named {
            let hook = options.filters.hook(hook, &mut here);
            if hooks.iter().any(|(other, _)| other.name == hook.name) {
                here.add(key, format!("`{}` is given twice: keep one", hook.moment()));
            } else {
                hooks.push((hook, options.filters.clone()));
            }
        }
        options.filters.check_alone(true, &mut here);
        mistakes.append(here);
    }
    hooks
}
