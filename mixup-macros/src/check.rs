//! What is wrong with a callback, held against the table: everything at once, each on its own token.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    FnArg, GenericParam, Ident, ImplItem, ImplItemFn, ItemImpl, Pat, PatType, Receiver, ReceiverKind, Safety,
    Signature, Type, TypeReference, ext::IdentExt,
};

use crate::{
    hooks::{HOOKS, Hook, Lent, Name, first_with},
    mistakes::{Mistakes, listed, nearest},
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
    pub taken: Taken,
    pub ty: &'a Type,
    pub cfgs: Vec<TokenStream>,
    written: Ident,
}

/// How a parameter takes what it is lent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// `epoch: usize`
    Value,
    /// `last_input: &Input`
    Ref,
    /// `last_input: &mut Input`
    Mut,
}

/// The hooks without mistakes; the mistakes in the others are told.
pub(crate) fn hooks<'a>(block: &'a ItemImpl, mistakes: &mut Mistakes) -> Vec<Hooked<'a>> {
    let methods =
        || block.items.iter().filter_map(|item| if let ImplItem::Fn(method) = item { Some(method) } else { None });
    let named_like_hooks: Vec<_> = methods().filter(|method| plain(&method.sig.ident).starts_with("on_")).collect();
    if named_like_hooks.is_empty() {
        let hooks = listed(HOOKS.iter().map(|hook| hook.name));
        mistakes.add(&block.self_ty, format!("no hook in this `impl` block: a callback has at least one of {hooks}"));
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

/// What hooks are called elsewhere, so that who comes from there finds the hook here.
const ELSEWHERE: [(&str, &str); 6] = [
    ("_start", "_begin"),
    ("_finish", "_end"),
    ("validation", "validate"),
    ("train_batch", "batch"),
    ("train_epoch", "epoch"),
    ("_fit_", "_train_"),
];

fn no_hook(written: &str) -> String {
    let here = ELSEWHERE.iter().fold(written.to_lowercase(), |name, (there, here)| name.replace(there, here));
    let hooks = || HOOKS.iter().map(|hook| hook.name);
    nearest(&here, hooks()).map_or_else(
        || {
            let hooks = listed(hooks());
            format!("no hook `{written}`: there are {hooks}; a helper with such a name belongs in an `impl` block without `#[callback]`")
        },
        |meant| format!("no hook `{written}`; did you mean `{meant}`?"),
    )
}

fn modifiers(hook: &Hook, signature: &Signature, mistakes: &mut Mistakes) {
    let name = hook.name;
    if let Some(token) = &signature.asyncness {
        mistakes.add(
            token,
            format!("`{name}` is called by the training loop, which waits for nobody: write it without `async`"),
        );
    }
    if let Safety::Unsafe(token) = &signature.safety {
        mistakes.add(token, format!("`{name}` is called by safe code: write it without `unsafe`"));
    }
    if let Some(abi) = &signature.abi {
        mistakes.add(abi, format!("`{name}` is called from Rust: write it without `extern`"));
    }
    if let Some(variadic) = &signature.variadic {
        mistakes
            .add(variadic, format!("`{name}` asks for its values by name: write each of them, as in `epochs: usize`"));
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
                "a parameter of `{}` is a plain name, for it says what is asked for: write `epochs: usize`",
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
    Some(Ask { name, taken, ty: &param.ty, cfgs: cfgs(&param.attrs), written: written.clone() })
}

/// The value of this name in a hook; `_epoch` asks for `epoch` and leaves it unused.
fn find(hook: &Hook, written: &str) -> Option<&'static Name> {
    let name = written.strip_prefix('_').unwrap_or(written);
    hook.names().into_iter().find(|known| known.name == name)
}

/// Why there is no such value in this hook.
fn no_value(hook: &Hook, written: &str) -> String {
    let (name, at) = (written.strip_prefix('_').unwrap_or(written), hook.name);
    if first_with(name).is_some() {
        return not_here(hook, name);
    }
    let here: Vec<_> = hook.names().into_iter().map(|known| known.name).collect();
    let everywhere = HOOKS.iter().flat_map(|hook| hook.adds).map(|known| known.name);
    // `loss` is no slip for `last_loss`, but means it.
    let part = || here.iter().copied().find(|known| known.ends_with(&format!("_{name}")));
    if let Some(meant) = nearest(name, here.iter().copied()).or_else(part) {
        format!("no value `{written}` in `{at}`; did you mean `{meant}`?")
    } else if let Some(meant) = nearest(name, everywhere) {
        format!("no value `{written}` in `{at}`; {}", not_here(hook, meant))
    } else {
        format!("no value `{written}` in `{at}`: there are {}", listed(here))
    }
}

/// Where a value is that is not in this hook.
fn not_here(hook: &Hook, name: &str) -> String {
    let place = |name: &str| HOOKS.iter().position(|hook| hook.name == name);
    let having: Vec<_> = HOOKS.iter().filter(|hook| find(hook, name).is_some()).map(|hook| hook.name).collect();
    let places: Vec<_> = having.iter().filter_map(|name| place(name)).collect();
    let (Some(first), Some(last)) = (having.first(), having.last()) else { return String::new() };
    if places.first() > place(hook.name).as_ref() {
        return format!("`{name}` does not exist yet in `{}`: it is first there in `{first}`", hook.name);
    }
    let in_a_row = places.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let there = if in_a_row && having.len() > 2 {
        format!("from `{first}` to `{last}`")
    } else {
        format!("in {}", listed(having.iter().copied()))
    };
    format!("`{name}` does not exist any more in `{}`: it is there {there}", hook.name)
}

/// What to write instead of a type that takes a value in a way in which it is not lent.
fn wrongly_taken(name: &Name, taken: Taken, ty: &Type) -> Option<String> {
    let (value, lent) = (name.name, name.ty);
    let behind = if let Type::Reference(TypeReference { elem, .. }) = ty { strip_type(elem) } else { ty };
    if matches!(behind, Type::ImplTrait(_)) {
        return Some(format!("nothing says which type that would be: write `{}`", spelt(name)));
    }
    match (name.lent, taken) {
        (Lent::Copied, Taken::Mut) => Some(format!("`{value}` is a copy: write `{}`", spelt(name))),
        (Lent::Read, Taken::Mut) => Some(format!("`{value}` can only be read: write `{}`", spelt(name))),
        (Lent::Read, Taken::Value) => Some(format!("`{value}` is lent: write `{}`", spelt(name))),
        (Lent::Changed, Taken::Value) => {
            Some(format!("`{value}` is lent: write `{}`, or `{value}: &{lent}` if it stays as it is", spelt(name)))
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

/// A parameter as it is written in full.
fn spelt(Name { name, ty, lent, .. }: &Name) -> String {
    match lent {
        Lent::Copied => format!("{name}: {ty}"),
        Lent::Read => format!("{name}: &{ty}"),
        Lent::Changed => format!("{name}: &mut {ty}"),
    }
}
