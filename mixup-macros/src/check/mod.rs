//! What is wrong with a callback according to the table: all mistakes at once, each on its own token.

mod block;
mod closure;
mod function;

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Attribute, FnArg, GenericParam, Generics, Ident, PatType, Receiver, ReceiverKind, ReturnType, Safety, Signature,
    Type,
};

pub(crate) use self::{
    block::{block, is_meant_as_hook, methods, trait_of, type_name},
    closure::closure,
    function::function,
};
use crate::{
    filters::Filters,
    hooks::Hook,
    mistakes::Mistakes,
    options::Options,
    params::{Context, Param, What, params},
    parse::{is_called, plain, strip_type},
    returns,
    tokens::words,
};

/// One hook that a method, a function or a closure serves. It has no mistakes, except for rejected parameters.
pub(crate) struct Serves<'a> {
    pub hook: &'static Hook,
    pub by: By<'a>,
    pub output: &'a ReturnType,
    pub cfgs: Vec<TokenStream>,
    pub params: Vec<Param<'a>>,
    pub filters: Filters,
}

/// What the trait's method calls.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    Method {
        name: &'a Ident,
        /// Whether it takes `self`.
        receiver: bool,
        /// Whether it may change the callback.
        changes: bool,
    },
    Closure,
}

/// Whether a second `#[callback]` follows. The second one then generates the implementation.
pub(crate) fn callback_twice(attrs: &[Attribute], mistakes: &mut Mistakes) -> bool {
    let second = attrs.iter().find(|attr| is_called(attr, "callback"));
    if let Some(attr) = second {
        mistakes.add(attr, "`#[callback]` is given twice: keep one");
    }
    second.is_some()
}

/// Checks that the callback is not ordered before or after itself.
pub(crate) fn places(options: &Options, me: &Type, mistakes: &mut Mistakes) {
    for (option, others) in [("before", &options.before), ("after", &options.after)] {
        for other in others {
            let text = other.to_token_stream().to_string();
            if text == "Self" || text == me.to_token_stream().to_string() {
                let message =
                    format!("a callback cannot run {option} itself: name another callback, or remove `{option}`");
                mistakes.add(other, message);
            }
        }
    }
}

/// A method, a function or a closure that is to serve hooks.
struct Candidate<'a, P> {
    by: By<'a>,
    output: &'a ReturnType,
    body: &'a dyn ToTokens,
    cfgs: Vec<TokenStream>,
    /// The parameters without `self`.
    params: P,
    generics: Option<&'a Generics>,
    /// The callback's own type, if it has a name.
    me: Option<&'a Type>,
}

impl<'a, P: Iterator<Item = &'a PatType> + Clone> Candidate<'a, P> {
    /// Checks the parameters and filters against each of the hooks. Of the filters, only the mistakes of the first hook that has
    /// any are reported.
    ///
    /// If only parameters have mistakes, the hooks are still served, so that the compiler reports what it alone can find.
    fn serve(&self, hooks: &[(&'static Hook, Filters)], mistakes: &mut Mistakes) -> Vec<Serves<'a>> {
        let Self { by, output, cfgs, generics, me, .. } = self;
        if !hooks.is_empty() {
            returns::check(output, self.body, matches!(by, By::Closure), mistakes);
        }
        let (mut of_filters, mut of_params) = (Mistakes::default(), Mistakes::default());
        let mut rejected = BTreeSet::new();
        let mut all = Vec::new();
        for (hook, filters) in hooks {
            let context = Context { hook, several: hooks.len() > 1, generics: *generics, me: *me };
            if of_filters.is_empty() {
                filters.check(hook, &mut of_filters);
            }
            let Some(params) = params(context, self.params.clone(), &mut rejected, &mut of_params) else { continue };
            if of_filters.is_empty() {
                others_in_filters(filters, &params, &mut of_filters);
            }
            if params.iter().all(Param::can_be_passed) {
                all.push(Serves { hook, by: *by, output, cfgs: cfgs.clone(), params, filters: filters.clone() });
            }
        }
        mistakes.append(of_filters);
        if !mistakes.is_empty() {
            all.clear();
        }
        mistakes.append(of_params);
        all
    }
}

/// Reports a published value or another callback in a filter, which is evaluated before the method borrows any.
fn others_in_filters(filters: &Filters, params: &[Param<'_>], mistakes: &mut Mistakes) {
    for word in filters.expressions().flat_map(|expr| words(expr.to_token_stream())) {
        if params.iter().any(|param| matches!(param.what, What::Other(_)) && param.written == word) {
            let message = format!(
                "a filter cannot use `{word}`, which is a published value or another callback: check it in the method"
            );
            mistakes.add(&word, message);
        }
    }
}

fn typed(signature: &Signature) -> impl Iterator<Item = &PatType> + Clone {
    signature.inputs.iter().filter_map(|param| if let FnArg::Typed(param) = param { Some(param) } else { None })
}

/// The hooks among the options, all with the same filters.
fn with_filters(options: &Options, mistakes: &mut Mistakes) -> Vec<(&'static Hook, Filters)> {
    options.filters.check_alone(false, mistakes);
    options.hooks.iter().map(|(_, hook)| (options.filters.hook(hook, mistakes), options.filters.clone())).collect()
}

/// The message for a hook that is `async`.
fn is_async(what: &str) -> String {
    format!("{what} cannot be `async`: remove `async`, since the training loop does not await hooks")
}

/// Checks that a hook is not `async`, `unsafe`, `extern` or generic over types or constants.
fn modifiers(signature: &Signature, instead: &dyn Fn(&Ident) -> String, mistakes: &mut Mistakes) {
    let name = plain(&signature.ident);
    if let Some(token) = &signature.asyncness {
        mistakes.add(token, is_async(&format!("`{name}`")));
    }
    if let Safety::Unsafe(token) = &signature.safety {
        mistakes.add(token, format!("`{name}` cannot be `unsafe`: remove `unsafe`, since safe code calls it"));
    }
    if let Some(abi) = &signature.abi {
        mistakes.add(abi, format!("`{name}` cannot be `extern`: remove `extern`, since Rust code calls it"));
    }
    for param in &signature.generics.params {
        let ident = match param {
            GenericParam::Lifetime(_) => continue,
            GenericParam::Type(param) => &param.ident,
            GenericParam::Const(param) => &param.ident,
        };
        let message = format!(
            "`{name}` cannot be generic over `{ident}`: {}, since nothing determines it when the hook is called",
            instead(ident)
        );
        mistakes.add(param, message);
    }
}

/// Whether a method takes `&mut self`, or a `self` of which that can't be told.
pub(super) fn changes(signature: &Signature) -> bool {
    let shared = |receiver: &Receiver| match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_none(),
        ReceiverKind::Typed(_, ty) => matches!(strip_type(ty), Type::Reference(it) if it.mutability.is_none()),
        _ => false,
    };
    signature.receiver().is_some_and(|receiver| !shared(receiver))
}

/// Checks that a hook borrows the callback, if it takes `self` at all.
fn receiver(signature: &Signature, mistakes: &mut Mistakes) {
    let Some(receiver) = signature.receiver() else { return };
    let borrows = match &receiver.kind {
        ReceiverKind::Reference(..) => true,
        ReceiverKind::Typed(_, ty) => matches!(strip_type(ty), Type::Reference(_)),
        _ => false,
    };
    if !borrows {
        let name = plain(&signature.ident);
        let receiver = Receiver { attrs: Vec::new(), ..receiver.clone() };
        let message = format!(
            "`{name}` must borrow the callback: write `&mut self` or `&self`, since the hook may be called again"
        );
        mistakes.add(receiver, message);
    }
}
