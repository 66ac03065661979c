//! What may stand in the parentheses of `#[callback(…)]`, `#[on(…)]` and `hook!(…)`: one grammar, each place with its share.

mod table;
mod values;

use syn::{
    Expr, Ident, Path, Token, Type,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

pub(crate) use self::table::Place;
use self::{
    table::{OPTIONS, Takes, no_option},
    values::{fields, krate, name, order, other},
};
use crate::{
    filters::Filters,
    hooks::{HOOKS, Hook},
    mistakes::Mistakes,
};

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
            mistakes.add(&key, no_option(written, place));
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
