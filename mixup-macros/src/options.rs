//! What may stand in the parentheses of `#[callback(…)]`, `#[on(…)]` and `hook!(…)`: one grammar, each place with its share.

use quote::ToTokens;
use syn::{
    Expr, Ident, Path, Token, Type,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::{
    filters::Filters,
    hooks::{HOOKS, Hook},
    meant::nearest,
    mistakes::{Mistakes, listed},
    parse::{strip_expr, strip_type},
};

/// Where options stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `#[callback(…)]` on an `impl` block.
    Block,
    /// `#[callback(…)]` on a function.
    Function,
    /// `#[on(…)]` on a method.
    Method,
    /// `hook!(…, |…| …)`.
    Closure,
}

/// Whose affair an option is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// The whole callback, wherever it is written.
    Callback,
    /// A callback with fields.
    Fields,
    /// One hook.
    Hook,
}

/// Whether an option has a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    /// Fields in parentheses, or nothing.
    Fields,
}

/// Every option: its name, an example, whose affair it is, what it takes.
const OPTIONS: &[(&str, &str, Of, Takes)] = &[
    ("order", "order = 10", Of::Callback, Takes::Value),
    ("before", "before = Other", Of::Callback, Takes::Value),
    ("after", "after = Other", Of::Callback, Takes::Value),
    ("name", "name = \"watch\"", Of::Callback, Takes::Value),
    ("state", "state", Of::Fields, Takes::Fields),
    ("describe", "describe", Of::Fields, Takes::Fields),
    ("crate", "crate = my::mixup", Of::Callback, Takes::Value),
    ("train", "train", Of::Hook, Takes::Nothing),
    ("valid", "valid", Of::Hook, Takes::Nothing),
    ("every", "every = 50", Of::Hook, Takes::Value),
    ("first", "first", Of::Hook, Takes::Nothing),
    ("last", "last", Of::Hook, Takes::Nothing),
    ("if", "if = epoch > 0", Of::Hook, Takes::Value),
];

impl Place {
    fn takes(self, of: Of) -> bool {
        match self {
            Self::Block => of != Of::Hook,
            Self::Function | Self::Closure => of != Of::Fields,
            Self::Method => of == Of::Hook,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Block => "`#[callback]`",
            Self::Function => "`#[callback]` on a function",
            Self::Method => "`#[on]`",
            Self::Closure => "`hook!`",
        }
    }

    /// The examples of all that may stand here.
    fn all(self) -> String {
        let hook = match self {
            Self::Block => None,
            Self::Function | Self::Closure => Some("on_batch_end"),
            Self::Method => Some("batch_end"),
        };
        let options = OPTIONS.iter().filter(|(.., of, _)| self.takes(*of)).map(|(_, example, ..)| *example);
        listed(hook.into_iter().chain(options))
    }

    /// What to write instead of an option that belongs elsewhere.
    fn belongs_elsewhere(self, option: &str, example: &str) -> String {
        match self {
            Self::Block => {
                let hook =
                    if example == option { format!("batch_end, {option}") } else { format!("batch_end, {example}") };
                format!("`{option}` chooses when a hook runs: write it on the method, as `#[on({hook})]`")
            }
            Self::Method => {
                format!(
                    "`{option}` is about the whole callback: write it on the `impl` block, as `#[callback({example})]`"
                )
            }
            Self::Function => format!("a function has no fields: leave out `{option}`, or write an `impl` block"),
            Self::Closure => format!("a closure has no fields: leave out `{option}`, or write an `impl` block"),
        }
    }
}

/// Fields of the callback: those that are named, or all.
pub(crate) struct Fields {
    pub key: Ident,
    /// Empty where it is all of them.
    pub named: Vec<Ident>,
}

/// The options that are right, as written.
#[derive(Default)]
pub(crate) struct Options {
    pub hooks: Vec<(Ident, &'static Hook)>,
    pub filters: Filters,
    pub order: Option<Expr>,
    pub before: Vec<Type>,
    pub after: Vec<Type>,
    pub name: Option<Expr>,
    pub state: Option<Fields>,
    pub describe: Option<Fields>,
    /// The path of the facade, where it is not `::mixup`.
    pub krate: Option<Path>,
}

impl Options {
    /// The options that are right; the others are mistakes.
    pub(crate) fn parse(tokens: proc_macro2::TokenStream, place: Place, mistakes: &mut Mistakes) -> Self {
        let mut options = Self::default();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                options.parse_next(input, place, mistakes)?;
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            mistakes.extend(error);
        }
        options
    }

    /// One option and the comma behind it.
    pub(crate) fn parse_next(
        &mut self,
        input: ParseStream<'_>,
        place: Place,
        mistakes: &mut Mistakes,
    ) -> syn::Result<()> {
        if let Err(error) = self.parse_one(input, place, mistakes) {
            mistakes.extend(error);
        }
        // Behind a mistake the next option begins after the next comma.
        while !input.is_empty() && input.parse::<Option<Token![,]>>()?.is_none() {
            input.parse::<proc_macro2::TokenTree>()?;
        }
        Ok(())
    }

    fn parse_one(&mut self, input: ParseStream<'_>, place: Place, mistakes: &mut Mistakes) -> syn::Result<()> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error(format!("an option is expected here: {}", place.all())));
        }
        let key = input.call(Ident::parse_any)?;
        let written = key.unraw().to_string();
        let known = OPTIONS.iter().find(|(option, ..)| *option == written);
        let Some((option, example, of, takes)) = known else {
            return self.parse_hook(key, &written, input, place, mistakes);
        };
        if !place.takes(*of) {
            mistakes.add(&key, place.belongs_elsewhere(option, example));
            return skip(input);
        }
        match takes {
            Takes::Nothing if input.peek(Token![=]) || input.peek(syn::token::Paren) => {
                mistakes.add(&key, format!("`{option}` takes no value: write `{option}`"));
                return skip(input);
            }
            Takes::Fields if input.peek(Token![=]) => {
                let message =
                    format!("`{option}` takes the names of fields: write `{option}` for all, or `{option}(best)`");
                mistakes.add(&key, message);
                return skip(input);
            }
            Takes::Value
                if input.parse::<Option<Token![=]>>()?.is_none() || input.is_empty() || input.peek(Token![,]) =>
            {
                mistakes.add(&key, format!("`{option}` needs a value: write `{example}`"));
                return Ok(());
            }
            _ => {}
        }
        if self.take(&key, option, input, mistakes)? {
            mistakes.add(&key, format!("`{option}` is there twice: keep one of the two"));
        }
        comma(input, example)
    }

    /// Whether it was there already.
    fn take(
        &mut self,
        key: &Ident,
        option: &str,
        input: ParseStream<'_>,
        mistakes: &mut Mistakes,
    ) -> syn::Result<bool> {
        Ok(match option {
            "order" => self.order.replace(order(input.parse()?, mistakes)).is_some(),
            "name" => self.name.replace(name(input.parse()?, mistakes)).is_some(),
            "crate" => self.krate.replace(krate(input)?).is_some(),
            "before" => other(option, input, &mut self.before)?,
            "after" => other(option, input, &mut self.after)?,
            "state" => self.state.replace(fields(key, input)?).is_some(),
            "describe" => self.describe.replace(fields(key, input)?).is_some(),
            _ => self.filters.take(key, option, input, mistakes)?,
        })
    }

    /// What is no option is a hook, where one may stand; or a slip.
    fn parse_hook(
        &mut self,
        key: Ident,
        written: &str,
        input: ParseStream<'_>,
        place: Place,
        mistakes: &mut Mistakes,
    ) -> syn::Result<()> {
        let hook = Hook::find(written);
        let found = match (place, hook) {
            (Place::Block, Some(hook)) => {
                let name = hook.name;
                let message = format!(
                    "an `impl` block has its hooks as methods: leave out `{name}` and write `fn {name}(&mut self)`"
                );
                mistakes.add(&key, message);
                return skip(input);
            }
            (Place::Method, Some(hook)) => {
                let message = format!("`#[on]` says `on` already: write `{}`", hook.moment());
                mistakes.add(&key, message);
                return skip(input);
            }
            (Place::Method, None) => HOOKS.iter().find(|hook| hook.moment() == written),
            (Place::Function | Place::Closure, hook) => hook,
            (Place::Block, None) => None,
        };
        let Some(hook) = found else {
            mistakes.add(&key, self::no_option(written, place));
            return skip(input);
        };
        if input.peek(Token![=]) || input.peek(syn::token::Paren) {
            mistakes.add(&key, format!("a hook takes no value: write `{written}`"));
            return skip(input);
        }
        if self.hooks.iter().any(|(_, other)| other.name == hook.name) {
            mistakes.add(&key, format!("`{written}` is there twice: keep one of the two"));
        } else {
            self.hooks.push((key, hook));
        }
        comma(input, written)
    }
}

/// What to say of a word that there is not.
fn no_option(written: &str, place: Place) -> String {
    let options = OPTIONS.iter().filter(|(.., of, _)| place.takes(*of)).map(|(option, ..)| *option);
    let hooks = HOOKS
        .iter()
        .filter(|_| place != Place::Block)
        .map(|hook| if place == Place::Method { hook.moment() } else { hook.name });
    let hook = place != Place::Block && (written.starts_with("on_") || nearest(written, hooks.clone()).is_some());
    let what = if hook { "hook" } else { "option" };
    match nearest(written, hooks.clone().chain(options)) {
        Some(meant) => format!("no {what} `{written}`; did you mean `{meant}`?"),
        None if hook => format!("no hook `{written}`: there are {}", listed(hooks)),
        None if place == Place::Method => {
            let filters = OPTIONS.iter().filter(|(.., of, _)| place.takes(*of)).map(|(_, example, ..)| *example);
            format!(
                "no hook and no filter `{written}`: the hooks are {}, the filters {}",
                listed(hooks),
                listed(filters)
            )
        }
        None => format!("no option `{written}` in {}: there are {}", place.name(), place.all()),
    }
}

/// Nothing more of this option: what is there up to the next comma has been spoken of.
fn skip(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

fn comma(input: ParseStream<'_>, example: &str) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(());
    }
    Err(input.error(format!("a comma is expected between the options, as in `{example}, …`")))
}

fn krate(input: ParseStream<'_>) -> syn::Result<Path> {
    let start = input.span();
    let path = input.call(Path::parse_mod_style).ok();
    // A type has no modules in it.
    path.filter(|path| path.segments.iter().all(|segment| segment.ident != "Self"))
        .ok_or_else(|| syn::Error::new(start, "`crate` is a path: write `crate = my::mixup`"))
}

/// A callback's type; several are several options.
fn other(option: &str, input: ParseStream<'_>, others: &mut Vec<Type>) -> syn::Result<bool> {
    let start = input.span();
    let ty: Option<Type> = input.parse().ok();
    match ty.filter(|ty| matches!(strip_type(ty), Type::Path(_))) {
        Some(ty) => {
            let written = ty.to_token_stream().to_string();
            let twice = others.iter().any(|other| other.to_token_stream().to_string() == written);
            others.push(ty);
            Ok(twice)
        }
        None => Err(syn::Error::new(start, format!("`{option}` is a callback's type: write `{option} = Other`"))),
    }
}

fn fields(key: &Ident, input: ParseStream<'_>) -> syn::Result<Fields> {
    let mut named = Vec::new();
    if input.peek(syn::token::Paren) {
        let content;
        let paren = syn::parenthesized!(content in input);
        let start = content.span();
        let list = Punctuated::<Ident, Token![,]>::parse_terminated(&content);
        content.parse::<proc_macro2::TokenStream>()?; // what is left of it is not told again
        let message = format!("`{key}` takes the names of fields: write `{key}(best, waited)`");
        let list = list.map_err(|_| syn::Error::new(start, message))?;
        if list.is_empty() {
            let message = format!("`{key}` names no field: write `{key}` for all of them, or `{key}(best)`");
            return Err(syn::Error::new(paren.span.join(), message));
        }
        for field in list {
            if named.contains(&field) {
                return Err(syn::Error::new(field.span(), format!("`{field}` is there twice: keep one of the two")));
            }
            named.push(field);
        }
    }
    Ok(Fields { key: key.clone(), named })
}

/// Whatever is an `i32` at compile time; what cannot be one is said here, in the user's words.
fn order(written: Expr, mistakes: &mut Mistakes) -> Expr {
    let mut value = strip_expr(&written);
    while let Expr::Unary(syn::ExprUnary { op: syn::UnOp::Neg(_), expr, .. }) = value {
        value = strip_expr(expr);
    }
    if let Expr::Lit(syn::ExprLit { lit, .. }) = value
        && !matches!(lit, syn::Lit::Int(_))
    {
        mistakes.add(&written, "`order` is a whole number: write `order = 10`");
        return syn::parse_quote!(0);
    }
    written
}

/// Whatever is a text at compile time.
fn name(written: Expr, mistakes: &mut Mistakes) -> Expr {
    match strip_expr(&written) {
        Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => {
            if text.value().trim().is_empty() {
                mistakes.add(&written, "an empty name says nothing in a message: write `name = \"watch\"`");
            }
            written
        }
        Expr::Lit(_) => {
            mistakes.add(&written, "`name` is a text: write `name = \"watch\"`");
            syn::parse_quote!("")
        }
        _ => written,
    }
}
