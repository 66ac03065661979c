//! A parameter asks for a value by name, for the event, or for another callback by type. Its type must fit what is passed.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident};
use syn::{Attribute, Expr, GenericArgument, Generics, Ident, Meta, Pat, PatType, PathArguments, Type, TypeReference};

use crate::{
    hooks::{Access, HOOKS, Hook, Name},
    mistakes::Mistakes,
    parse::{cfgs, is_called, is_named, plain, strip_type},
    rivals::{LEARNERS, VALUES, word},
    suggest::{find, no_value},
    tokens::idents,
};

/// A parameter.
pub(crate) struct Param<'a> {
    pub what: What<'a>,
    pub ty: &'a Type,
    pub cfgs: Vec<TokenStream>,
    pub written: Ident,
}

/// What a parameter asks for.
pub(crate) enum What<'a> {
    /// A value of the hook, by its name.
    Value(&'static Name),
    /// All of the hook's values.
    Event,
    /// A published value or another callback, by its type.
    Other(Other<'a>),
    /// The model, its output or the optimizer, as its own type.
    Own(Own<'a>),
    /// Nothing, since it has a mistake, which is reported.
    Rejected,
}

/// A published value or another callback, as the parameter asks for it.
pub(crate) struct Other<'a> {
    pub ty: &'a Type,
    pub mutable: bool,
    pub optional: bool,
    pub choice: Option<Choice>,
    reference: &'a TypeReference,
}

/// Which one an instance chooses, instead of the parameter's name.
pub(crate) enum Choice {
    /// `#[name = self.monitor]`
    Name(Box<Expr>),
    /// `#[names = self.layers()]`
    Names(Box<Expr>),
}

/// The model, its output or the optimizer, as the user's own type.
pub(crate) struct Own<'a> {
    pub name: &'static Name,
    pub ty: &'a Type,
    pub mutable: bool,
}

/// How a parameter takes a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// `epoch: usize`
    Value,
    /// `last_input: &Input`
    Ref,
    /// `last_input: &mut Input`
    Mut,
}

/// The name of a parameter that asks for all of a hook's values.
const EVENT: &str = "event";

/// What a parameter is checked against.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub hook: &'static Hook,
    /// Whether the method also serves other hooks.
    pub several: bool,
    /// Its lifetimes are chosen anew for each call.
    pub generics: Option<&'a Generics>,
    /// The callback's own type, if it has a name.
    pub me: Option<&'a Type>,
}

/// Checks the parameters. Returns `None` for two of one name, which the compiler reports itself.
///
/// `rejected` has the indices of those with a mistake, so that a method of several hooks reports each of them once.
pub(crate) fn params<'a>(
    context: Context<'a>,
    written: impl Iterator<Item = &'a PatType>,
    rejected: &mut BTreeSet<usize>,
    mistakes: &mut Mistakes,
) -> Option<Vec<Param<'a>>> {
    let mut report = |index, here: Mistakes| {
        if !here.is_empty() && rejected.insert(index) {
            mistakes.append(here);
        }
    };
    let (mut params, mut twins): (Vec<Param<'_>>, bool) = (Vec::new(), false);
    for (index, written) in written.enumerate() {
        let mut here = Mistakes::default();
        let mut new = param(context, written, &mut here).unwrap_or_else(|| Param::rejected(written));
        match params.iter().find(|before| before.is_same(&new)) {
            Some(before) if before.written == new.written => twins = true,
            Some(before) => {
                let twice = match (&new.what, &before.what) {
                    (What::Other(other), _) => text(other.ty),
                    _ => plain(&before.written).trim_start_matches('_').to_owned(),
                };
                here.add(&new.written, format!("`{twice}` is asked for twice: keep one"));
                new.what = What::Rejected;
            }
            None => {}
        }
        report(index, here);
        params.push(new);
    }
    if params.iter().any(|param| matches!(param.what, What::Event)) {
        for (index, param) in params.iter_mut().enumerate() {
            let (written, at) = (plain(&param.written), context.hook.name);
            let instead = match &param.what {
                // Of the event, the user's own type takes more than one expression.
                What::Event | What::Own(_) | What::Rejected => continue,
                What::Value(name) => format!("event.{}", name.name),
                What::Other(Other { ty, mutable: true, .. }) => format!("event.callback_mut::<{}>()", text(ty)),
                What::Other(Other { ty, .. }) => format!("event.callback::<{}>()", text(ty)),
            };
            let message =
                format!("`event` already provides `{written}` in `{at}`: remove the parameter and write `{instead}`");
            let mut here = Mistakes::default();
            here.add(&param.written, message);
            report(index, here);
            param.what = What::Rejected;
        }
    }
    (!twins).then_some(params)
}

impl<'a> Param<'a> {
    fn rejected(param: &'a PatType) -> Self {
        Self { what: What::Rejected, ty: &param.ty, cfgs: cfgs(&param.attrs), written: format_ident!("_") }
    }
}

impl Param<'_> {
    fn is_same(&self, other: &Self) -> bool {
        let one_text = |cfgs: &[TokenStream]| cfgs.iter().map(ToString::to_string).collect::<String>();
        one_text(&self.cfgs) == one_text(&other.cfgs)
            && match (&self.what, &other.what) {
                (What::Value(name), What::Value(other)) => name.name == other.name,
                (What::Event, What::Event) => true,
                // Names distinguish values of one type, and callbacks of one type if an instance chooses them.
                (What::Other(callback), What::Other(other)) => {
                    let is_value = |ty| ["Value", "Values"].contains(&text(ty).rsplit("::").next().unwrap_or_default());
                    let chosen = callback.choice.is_some() || other.choice.is_some();
                    text(callback.ty) == text(other.ty) && !chosen && !is_value(callback.ty)
                }
                (What::Own(own), What::Own(other)) => own.name.name == other.name.name,
                (What::Own(own), What::Value(name)) | (What::Value(name), What::Own(own)) => own.name.name == name.name,
                _ => false,
            }
    }

    /// The name in the table; `None` for a parameter that asks by its type.
    pub(crate) fn name(&self) -> Option<&'static str> {
        match &self.what {
            What::Value(name) => Some(name.name),
            What::Own(own) => Some(own.name.name),
            What::Event => Some(EVENT),
            What::Other(_) | What::Rejected => None,
        }
    }

    /// Whether the compiler can check the hook around it: if it is rejected, a placeholder can be passed to it.
    pub(crate) fn can_be_passed(&self) -> bool {
        let is_open = |word: &Ident| word == "impl" || word == "_";
        !matches!(self.what, What::Rejected)
            || matches!(strip_type(self.ty), Type::Path(_) | Type::Reference(_))
                && !idents(self.ty.to_token_stream()).iter().any(is_open)
    }

    /// Whether it may change what it asks for.
    pub(crate) fn changes(&self) -> bool {
        match &self.what {
            What::Value(_) => {
                matches!(strip_type(self.ty), Type::Reference(reference) if reference.mutability.is_some())
            }
            What::Own(own) => own.mutable,
            What::Event | What::Other(_) | What::Rejected => false,
        }
    }

    /// The parameter's name, without the underscore of an unused one.
    pub(crate) fn written(&self) -> String {
        let plain = plain(&self.written);
        plain.strip_prefix('_').map_or(plain.clone(), ToOwned::to_owned)
    }
}

fn text(ty: &Type) -> String {
    ty.to_token_stream().to_string().replace(' ', "")
}

fn param<'a>(context: Context<'a>, param: &'a PatType, mistakes: &mut Mistakes) -> Option<Param<'a>> {
    let hook = context.hook;
    let written = match &*param.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => &pat.ident,
        pattern => {
            let message = format!(
                "a parameter of `{}` must be a plain name, as in `epochs: usize`: the name says which value to pass",
                hook.name
            );
            mistakes.add(pattern, message);
            return None;
        }
    };
    let choice = choice(param, mistakes);
    let what = if plain(written).trim_start_matches('_') == EVENT {
        event(context, param, mistakes)?
    } else if let Some(name) = find(hook, &plain(written)) {
        own(name, &param.ty).map_or_else(|| value(context, name, param, mistakes), |own| Some(What::Own(own)))?
    } else if is_learner(&plain(written), &param.ty) {
        if word(VALUES, &plain(written)).is_some() {
            mistakes.add(written, no_value(hook, &plain(written), ""));
        } else {
            mistakes.add(&param.ty, NO_LEARNER);
        }
        return None;
    } else if let Some(other) = other(&param.ty) {
        let what = callback(context, Other { choice, ..other }, mistakes)?;
        return Some(Param { what, ty: &param.ty, cfgs: cfgs(&param.attrs), written: written.clone() });
    } else {
        let hint = callback_type(&param.ty)
            .map(|ty| {
                format!("; to read a published value or ask for another callback, write `{written}: &{}`", text(ty))
            })
            .or_else(|| {
                is_number(&param.ty).then(|| format!("; to read a metric or another value, write `{written}: &Value`"))
            })
            .unwrap_or_default();
        let message = no_value(hook, &plain(written), &hint);
        mistakes.add(written, message);
        return None;
    };
    if choice.is_some() {
        let name = plain(written);
        let message = format!("`{name}` is a value of `{}` and has its name: remove the attribute", hook.name);
        mistakes.add(written, message);
        return None;
    }
    Some(Param { what, ty: &param.ty, cfgs: cfgs(&param.attrs), written: written.clone() })
}

/// `#[name = …]` and `#[names = …]` on a parameter.
fn choice(param: &PatType, mistakes: &mut Mistakes) -> Option<Choice> {
    let mut chosen = None;
    for attr in param.attrs.iter().filter(|attr| is_choice(attr)) {
        let name = if is_called(attr, "name") { "name" } else { "names" };
        let Meta::NameValue(value) = &attr.meta else {
            mistakes.add(attr, format!("`#[{name}]` needs a value: write `#[{name} = self.{name}]`"));
            continue;
        };
        let choice = if name == "name" { Choice::Name } else { Choice::Names };
        let choice = choice(Box::new(value.value.clone()));
        if chosen.replace(choice).is_some() {
            mistakes.add(attr, "the name of a parameter is given twice: keep one");
        }
    }
    chosen
}

/// Whether an attribute says which value or callback a parameter asks for. The output does not have it.
pub(crate) fn is_choice(attr: &Attribute) -> bool {
    attr.path().is_ident("name") || attr.path().is_ident("names")
}

/// `model: &mut Gpt`, `opt: &AdamW`, `last_output: &Tensor`, `last_output: &(Tensor, Tensor)`
fn own<'a>(name: &'static Name, ty: &'a Type) -> Option<Own<'a>> {
    let Type::Reference(reference) = strip_type(ty) else { return None };
    let elem = strip_type(&reference.elem);
    let is_own = match elem {
        Type::Path(_) => ["model", "opt", "last_output"].contains(&name.name),
        Type::Tuple(_) => name.name == "last_output",
        _ => false,
    };
    is_own.then(|| Own { name, ty: elem, mutable: reference.mutability.is_some() })
}

/// `event`: all of the hook's values.
fn event<'a>(context: Context<'_>, param: &PatType, mistakes: &mut Mistakes) -> Option<What<'a>> {
    let Hook { name, event, .. } = context.hook;
    if context.several {
        let message = "a method of several hooks cannot take `event`, which has another type in each: ask for values by name, or \
                       write a method for each hook";
        mistakes.add(&param.pat, message);
        return None;
    }
    let right = match strip_type(&param.ty) {
        Type::Reference(reference) => match strip_type(&reference.elem) {
            Type::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == event),
            _ => false,
        },
        _ => false,
    };
    if !right {
        let ty = shown(&param.ty);
        let message =
            format!("`event` has type `&mut {event}<'_>` in `{name}`, not `{ty}`: write `event: &mut {event}<'_>`");
        mistakes.add(&param.ty, message);
        return None;
    }
    Some(What::Event)
}

/// A value of the hook, by its name.
fn value<'a>(context: Context<'_>, name: &'static Name, param: &PatType, mistakes: &mut Mistakes) -> Option<What<'a>> {
    let (taken, reference) = match strip_type(&param.ty) {
        Type::Reference(reference) if reference.mutability.is_some() => (Taken::Mut, Some(reference)),
        Type::Reference(reference) => (Taken::Ref, Some(reference)),
        _ => (Taken::Value, None),
    };
    if let Some(message) = wrongly_taken(name, taken, strip_type(&param.ty)) {
        mistakes.add(&param.ty, message);
        return None;
    }
    if reference.is_some_and(|reference| is_kept(context, reference)) {
        let mutable = if taken == Taken::Mut { "mut " } else { "" };
        let message = format!(
            "`{}` is borrowed only while the hook runs: write `{}: &{mutable}{}`",
            name.name, name.name, name.ty
        );
        mistakes.add(&param.ty, message);
        return None;
    }
    Some(What::Value(name))
}

/// The message for a type that does not fit the way in which the value is passed.
fn wrongly_taken(name: &Name, taken: Taken, ty: &Type) -> Option<String> {
    let (value, ty_of) = (name.name, name.written.unwrap_or(name.ty));
    let behind = if let Type::Reference(TypeReference { elem, .. }) = ty { strip_type(elem) } else { ty };
    if matches!(behind, Type::ImplTrait(_)) {
        return Some(format!("`{value}` has a fixed type, not an `impl Trait`: write `{}`", name.spelt()));
    }
    if let Some(message) = tensor_or_not(name, behind) {
        return Some(message);
    }
    match (name.access, taken) {
        (Access::Copied, Taken::Mut) => {
            Some(format!("`{value}` is a copy, so a change has no effect: write `{}`", name.spelt()))
        }
        (Access::Shared, Taken::Mut) => Some(format!("`{value}` is read-only: write `{}`", name.spelt())),
        (Access::Shared, Taken::Value) => Some(format!("`{value}` is borrowed: write `{}`", name.spelt())),
        (Access::Mutable, Taken::Value) if name.written.is_some() => {
            let ty = shown(ty);
            Some(format!("`{value}` is borrowed: write `{value}: &mut {ty}`, or `{value}: &{ty}` to only read it"))
        }
        (Access::Mutable, Taken::Value) => {
            Some(format!("`{value}` is borrowed: write `{}`, or `{value}: &{ty_of}` to only read it", name.spelt()))
        }
        _ => None,
    }
}

/// The message for a number in place of a tensor, and for a tensor in place of what contains tensors.
fn tensor_or_not(name: &Name, ty: &Type) -> Option<String> {
    let Type::Path(path) = ty else { return None };
    let (value, is) = (name.name, |wanted| is_named(&path.path, wanted));
    match name.ty {
        "Tensor" if is("f64") || is("f32") => Some(format!(
            "`{value}` is a tensor: write `{value}: &Tensor`, and read its number with `f64::try_from({value})?`"
        )),
        "Input" if is("Tensor") => Some(format!(
            "`{value}` may contain several tensors: write `{value}: &Input`, and get the only one with `{value}.one()?`"
        )),
        "Target" if is("Tensor") => Some(format!(
            "`{value}` is typed by its kind of labels: write `{value}: &Target`, and get the tensor with `{value}.tensor()`"
        )),
        _ => None,
    }
}

/// Whether a reference has a lifetime that outlives the call.
fn is_kept(context: Context<'_>, reference: &TypeReference) -> bool {
    let Some(lifetime) = reference.lifetime.as_ref().filter(|lifetime| lifetime.ident != "_") else { return false };
    !context.generics.is_some_and(|generics| generics.lifetimes().any(|param| param.lifetime == *lifetime))
}

/// Another callback, by its type.
fn callback<'a>(context: Context<'a>, other: Other<'a>, mistakes: &mut Mistakes) -> Option<What<'a>> {
    let ty = text(other.ty);
    if ty == "Self" || context.me.is_some_and(|me| text(me) == ty) {
        mistakes.add(other.ty, "a callback cannot ask for itself: use `self`");
        return None;
    }
    if is_kept(context, other.reference) {
        mistakes.add(other.ty, format!("another callback is borrowed only while the hook runs: write `&{ty}`"));
        return None;
    }
    Some(What::Other(other))
}

const NO_LEARNER: &str =
    "a hook has no learner: ask for what you need by name, such as `epoch: usize` or `opt: &mut dyn Optimizer`";

/// Whether the type is a learner, of this library or of another, and not a callback.
fn is_learner(written: &str, ty: &Type) -> bool {
    let ty = other(ty).map_or_else(|| callback_type(ty), |other| Some(other.ty));
    let Some(Type::Path(path)) = ty else { return false };
    LEARNERS.iter().any(|(learner, under)| {
        is_named(&path.path, learner) && under.is_none_or(|name| name == written.trim_start_matches('_'))
    })
}

/// `&Recorder`, `&mut Recorder`, and an `Option` of either.
fn other(ty: &Type) -> Option<Other<'_>> {
    let (reference, optional) = match strip_type(ty) {
        Type::Reference(reference) => (reference, false),
        Type::Path(path) => {
            let last = path.path.segments.last().filter(|segment| segment.ident == "Option")?;
            let PathArguments::AngleBracketed(args) = &last.arguments else { return None };
            let Some(GenericArgument::Type(inner)) = args.args.first() else { return None };
            let Type::Reference(reference) = strip_type(inner) else { return None };
            (reference, true)
        }
        _ => return None,
    };
    let ty = callback_type(&reference.elem)?;
    Some(Other { ty, mutable: reference.mutability.is_some(), optional, choice: None, reference })
}

const PRIMITIVES: [&str; 17] = [
    "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "str", "u128", "u16", "u32", "u64", "u8",
    "usize",
];

/// The type, if it can be a callback's: neither a primitive, nor a common one of `std`, nor the type of a value.
fn callback_type(ty: &Type) -> Option<&Type> {
    let ty = strip_type(ty);
    let Type::Path(path) = ty else { return None };
    let last = plain(&path.path.segments.last()?.ident);
    let of_values = HOOKS.iter().flat_map(|hook| hook.adds).any(|name| name.ty == last && name.name != "values");
    let of_std = ["String", "Vec", "HashMap", "BTreeMap", "Box", "Option", "Result", "Rc", "Arc"].contains(&&last[..]);
    (!of_values && !of_std && !PRIMITIVES.contains(&&last[..])).then_some(ty)
}

/// `f64` and `f32`, also in an `Option`: how other libraries pass a metric.
fn is_number(ty: &Type) -> bool {
    ["f64", "f32", "Option<f64>", "Option<f32>"].contains(&text(strip_type(ty)).as_str())
}

/// The type as messages show it.
fn shown(ty: &Type) -> String {
    let text = ty.to_token_stream().to_string();
    [("& ", "&"), (" < ", "<"), (" <", "<"), ("< ", "<"), (" >", ">"), (" :: ", "::"), (" ,", ",")]
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}
