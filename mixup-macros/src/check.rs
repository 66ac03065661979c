//! What is wrong with a callback, held against the table: everything at once, each on its own token.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Attribute, FnArg, GenericParam, Ident, ImplItem, ImplItemFn, ItemImpl, Pat, PatType, Receiver, ReceiverKind,
    Safety, Signature, Type, TypePath, TypeReference, ext::IdentExt,
};

use crate::{
    hooks::{Hook, Lent, Name},
    meant::{find, no_hook, no_hooks, no_value},
    mistakes::Mistakes,
    parse::{cfgs, strip_type},
};

/// A hook's method without mistakes.
pub(crate) struct Hooked<'a> {
    pub hook: &'static Hook,
    pub signature: &'a Signature,
    pub cfgs: Vec<TokenStream>,
    pub asks: Vec<Ask<'a>>,
}

/// A parameter: what it asks for, and how it takes it.
pub(crate) struct Ask<'a> {
    pub name: &'static Name,
    pub ty: &'a Type,
    pub cfgs: Vec<TokenStream>,
    written: Ident,
}

/// How a parameter takes what it is lent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// `epoch: usize`
    Value,
    /// `last_input: &Input`
    Ref,
    /// `last_input: &mut Input`
    Mut,
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
pub(crate) fn is_there_twice(block: &ItemImpl, mistakes: &mut Mistakes) -> bool {
    let is_callback =
        |attr: &&Attribute| attr.path().segments.last().is_some_and(|segment| segment.ident == "callback");
    let second = block.attrs.iter().find(is_callback);
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

/// The hooks without mistakes; the mistakes in the others are told.
pub(crate) fn hooks<'a>(block: &'a ItemImpl, mistakes: &mut Mistakes) -> Vec<Hooked<'a>> {
    let methods =
        || block.items.iter().filter_map(|item| if let ImplItem::Fn(method) = item { Some(method) } else { None });
    let named_like_hooks: Vec<_> = methods().filter(|method| plain(&method.sig.ident).starts_with("on_")).collect();
    if named_like_hooks.is_empty() {
        let names = methods().map(|method| plain(&method.sig.ident));
        mistakes.add(&block.self_ty, no_hooks(names));
    }
    let mut hooks: Vec<_> = named_like_hooks.into_iter().filter_map(|method| hooked(method, mistakes)).collect();
    // A method that is there twice is the compiler's to tell. A call of it would be told as well, for not knowing which.
    let names: Vec<_> = hooks.iter().map(|hooked| (hooked.hook.name, one_text(&hooked.cfgs))).collect();
    hooks.retain(|hooked| {
        let this = (hooked.hook.name, one_text(&hooked.cfgs));
        names.iter().filter(|name| **name == this).count() == 1
    });
    hooks
}

fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

fn one_text(tokens: &[TokenStream]) -> String {
    tokens.iter().map(ToString::to_string).collect()
}

fn hooked<'a>(method: &'a ImplItemFn, mistakes: &mut Mistakes) -> Option<Hooked<'a>> {
    let signature = &method.sig;
    let written = plain(&signature.ident);
    let Some(hook) = Hook::find(&written) else {
        mistakes.add(&signature.ident, no_hook(&written));
        return None;
    };
    // The compiler has enough to say of these.
    if signature.variadic.is_some() {
        return None;
    }
    let mut here = Mistakes::default();
    modifiers(hook, signature, &mut here);
    receiver(hook, signature, &mut here);
    let mut asks: Vec<Ask<'_>> = Vec::new();
    for param in &signature.inputs {
        let FnArg::Typed(param) = param else { continue };
        let Some(ask) = ask(hook, signature, param, &mut here) else { continue };
        let before = asks
            .iter()
            .find(|before| before.name.name == ask.name.name && one_text(&before.cfgs) == one_text(&ask.cfgs));
        match before {
            // The compiler tells it of two parameters of one name.
            Some(before) if before.written == ask.written => return None,
            Some(_) => here.add(&ask.written, format!("`{}` is asked for twice: keep one of the two", ask.name.name)),
            None => asks.push(ask),
        }
    }
    let right = here.is_empty();
    mistakes.append(here);
    right.then(|| Hooked { hook, signature, cfgs: cfgs(&method.attrs), asks })
}

fn modifiers(hook: &Hook, signature: &Signature, mistakes: &mut Mistakes) {
    let name = hook.name;
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
        let message = match param {
            GenericParam::Lifetime(_) => continue,
            GenericParam::Type(param) => {
                format!("nothing says what `{}` would be when `{name}` is called: put it on the `impl`", param.ident)
            }
            GenericParam::Const(param) => {
                format!("nothing says what `{}` would be when `{name}` is called: put it on the `impl`", param.ident)
            }
        };
        mistakes.add(param, message);
    }
}

fn receiver(hook: &Hook, signature: &Signature, mistakes: &mut Mistakes) {
    let Some(receiver) = signature.receiver() else {
        return mistakes
            .add(&signature.ident, format!("`{}` needs `&mut self` or `&self` as its first parameter", hook.name));
    };
    let lent = match &receiver.kind {
        ReceiverKind::Reference(..) => true,
        ReceiverKind::Typed(_, ty) => matches!(strip_type(ty), Type::Reference(_)),
        _ => false,
    };
    if !lent {
        let receiver = Receiver { attrs: Vec::new(), ..receiver.clone() };
        mistakes.add(
            receiver,
            format!(
                "`{}` may be called again, so it cannot take the callback away: write `&mut self` or `&self`",
                hook.name
            ),
        );
    }
}

/// What a parameter asks for.
fn ask<'a>(hook: &'static Hook, signature: &Signature, param: &'a PatType, mistakes: &mut Mistakes) -> Option<Ask<'a>> {
    let written = match &*param.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => &pat.ident,
        pattern => {
            let message = format!(
                "a parameter of `{}` is a plain name, for it says what is asked for, as in `epochs: usize`",
                hook.name
            );
            mistakes.add(pattern, message);
            return None;
        }
    };
    let Some(name) = find(hook, &plain(written)) else {
        mistakes.add(written, no_value(hook, &plain(written)));
        return None;
    };
    let (taken, reference) = match strip_type(&param.ty) {
        Type::Reference(reference) if reference.mutability.is_some() => (Taken::Mut, Some(reference)),
        Type::Reference(reference) => (Taken::Ref, Some(reference)),
        _ => (Taken::Value, None),
    };
    if let Some(message) = wrongly_taken(name, taken, strip_type(&param.ty)) {
        mistakes.add(&param.ty, message);
        return None;
    }
    if let Some(message) = reference.and_then(|reference| kept_too_long(name, signature, reference)) {
        mistakes.add(&param.ty, message);
        return None;
    }
    Some(Ask { name, ty: &param.ty, cfgs: cfgs(&param.attrs), written: written.clone() })
}

/// What to write instead of a type that takes a value in a way in which it is not lent.
fn wrongly_taken(name: &Name, taken: Taken, ty: &Type) -> Option<String> {
    let (value, lent) = (name.name, name.ty);
    let behind = if let Type::Reference(TypeReference { elem, .. }) = ty { strip_type(elem) } else { ty };
    if matches!(behind, Type::ImplTrait(_)) {
        return Some(format!("nothing says which type that would be: write `{}`", name.spelt()));
    }
    match (name.lent, taken) {
        (Lent::Copied, Taken::Mut) => Some(format!("`{value}` is a copy: write `{}`", name.spelt())),
        (Lent::Read, Taken::Mut) => Some(format!("`{value}` can only be read: write `{}`", name.spelt())),
        (Lent::Read, Taken::Value) => Some(format!("`{value}` is lent: write `{}`", name.spelt())),
        (Lent::Changed, Taken::Value) => {
            Some(format!("`{value}` is lent: write `{}`, or `{value}: &{lent}` if it stays as it is", name.spelt()))
        }
        _ => None,
    }
}

fn kept_too_long(name: &Name, signature: &Signature, reference: &TypeReference) -> Option<String> {
    let lifetime = reference.lifetime.as_ref().filter(|lifetime| lifetime.ident != "_")?;
    let of_this_call = signature.generics.lifetimes().any(|param| param.lifetime == *lifetime);
    (!of_this_call).then(|| {
        let mutable = reference.mutability.to_token_stream();
        let mutable = if mutable.is_empty() { "" } else { "mut " };
        format!("`{}` is lent for the hook only: write `{}: &{mutable}{}`", name.name, name.name, name.ty)
    })
}
