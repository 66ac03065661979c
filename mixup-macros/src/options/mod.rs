//! What is written in the parentheses of `#[callback(…)]`, `#[on(…)]` and `hook!(…)`: one grammar, of which each accepts a part.

mod table;
mod values;

use syn::{
    Expr, Ident, Path, Token, Type,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

pub(crate) use self::table::Place;
use self::{
    table::{OPTIONS, Takes, unknown},
    values::{fields, krate, name, other, whole_number},
};
use crate::{
    filters::Filters,
    hooks::{HOOKS, Hook},
    mistakes::Mistakes,
};

/// The fields that `state` or `describe` names.
pub(crate) struct Fields {
    pub key: Ident,
    /// Empty for all fields.
    pub named: Vec<Ident>,
}

/// The options, as written.
#[derive(Default)]
pub(crate) struct Options {
    pub hooks: Vec<(Ident, &'static Hook)>,
    pub filters: Filters,
    pub order: Option<Expr>,
    pub before: Vec<Type>,
    pub after: Vec<Type>,
    pub name: Option<Expr>,
    pub state: Option<Fields>,
    /// Given if the callback implements `Stateful` by hand.
    pub stateful: Option<Ident>,
    /// Given if nothing that the callback remembers is to be saved.
    pub stateless: Option<Ident>,
    /// The version of the state.
    pub version: Option<(Ident, Expr)>,
    pub describe: Option<Fields>,
    /// The path of the facade, if it is not `::mixup`.
    pub krate: Option<Path>,
}

impl Options {
    /// Parses the options, and reports mistakes in them.
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
        options.check_state(mistakes);
        options
    }

    /// A state is either generated or written by hand. Only a generated one takes `version`.
    fn check_state(&mut self, mistakes: &mut Mistakes) {
        if let (Some(_), Some(stateful)) = (&self.state, &self.stateful) {
            mistakes.add(
                stateful,
                "`state` generates what `stateful` says is written by hand: keep `state`, or implement `Stateful` and keep `stateful`",
            );
            self.stateful = None;
        }
        if let Some(stateless) = self.stateless.take_if(|_| self.state.is_some() || self.stateful.is_some()) {
            mistakes.add(
                stateless,
                "`stateless` says that nothing is to be saved, and the other option saves a state: keep one of the two",
            );
        }
        match (&self.state, &self.stateful, &self.version) {
            (None, Some(_), Some((version, _))) => mistakes.add(
                version,
                "`version` belongs to a generated state: with `stateful`, return it from `Stateful::version`",
            ),
            (None, None, Some((version, _))) => mistakes.add(
                version,
                "`version` is the version of the callback's state: name the state too, as in `state(best), version = 2`",
            ),
            _ => {}
        }
    }

    /// Parses one option and the comma after it.
    pub(crate) fn parse_next(
        &mut self,
        input: ParseStream<'_>,
        place: Place,
        mistakes: &mut Mistakes,
    ) -> syn::Result<()> {
        if let Err(error) = self.parse_one(input, place, mistakes) {
            mistakes.extend(error);
        }
        // After a mistake, the next option begins after the next comma.
        while !input.is_empty() && input.parse::<Option<Token![,]>>()?.is_none() {
            input.parse::<proc_macro2::TokenTree>()?;
        }
        Ok(())
    }

    fn parse_one(&mut self, input: ParseStream<'_>, place: Place, mistakes: &mut Mistakes) -> syn::Result<()> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error(place.expected()));
        }
        let key = input.call(Ident::parse_any)?;
        let written = key.unraw().to_string();
        let known = OPTIONS.iter().find(|(option, ..)| *option == written);
        let Some((option, example, of, takes)) = known else {
            return self.parse_hook(key, &written, input, place, mistakes);
        };
        if !place.takes(*of) {
            mistakes.add(&key, place.belongs_elsewhere(option, example));
            return Ok(());
        }
        match takes {
            Takes::Nothing if input.peek(Token![=]) || input.peek(syn::token::Paren) => {
                mistakes.add(&key, format!("`{option}` takes no value: write `{option}`"));
                return Ok(());
            }
            Takes::Fields if input.peek(Token![=]) => {
                let message = format!(
                    "`{option}` takes names of fields in parentheses: write `{option}(best)`, or `{option}` for all fields"
                );
                mistakes.add(&key, message);
                return Ok(());
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
            mistakes.add(&key, format!("`{option}` is given twice: keep one"));
        }
        comma(input, example)
    }

    /// Parses the option's value. Returns whether the option was given before.
    fn take(
        &mut self,
        key: &Ident,
        option: &str,
        input: ParseStream<'_>,
        mistakes: &mut Mistakes,
    ) -> syn::Result<bool> {
        Ok(match option {
            "order" => self.order.replace(whole_number("order = 10", input.parse()?, mistakes)).is_some(),
            "version" => {
                let version = whole_number("version = 2", input.parse()?, mistakes);
                self.version.replace((key.clone(), version)).is_some()
            }
            "name" => self.name.replace(name(input.parse()?, mistakes)).is_some(),
            "crate" => self.krate.replace(krate(input)?).is_some(),
            "before" => other(option, input, &mut self.before)?,
            "after" => other(option, input, &mut self.after)?,
            "state" => self.state.replace(fields(key, input)?).is_some(),
            "stateful" => self.stateful.replace(key.clone()).is_some(),
            "stateless" => self.stateless.replace(key.clone()).is_some(),
            "describe" => self.describe.replace(fields(key, input)?).is_some(),
            _ => self.filters.take(key, option, input, mistakes)?,
        })
    }

    /// A word that is not an option: a hook, where one is allowed, or a mistake.
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
                    "`#[callback]` on an `impl` block takes no hooks: write `{name}` as a method, `fn {name}(&mut self)`"
                );
                mistakes.add(&key, message);
                return Ok(());
            }
            (Place::Method, Some(hook)) => {
                let message = format!("`#[on]` takes hooks without `on_`: write `{}`", hook.moment());
                mistakes.add(&key, message);
                return Ok(());
            }
            (Place::Method, None) => HOOKS.iter().find(|hook| hook.moment() == written),
            (Place::Function | Place::Closure, hook) => hook,
            (Place::Block, None) => None,
        };
        let Some(hook) = found else {
            let mut rest = proc_macro2::TokenStream::new();
            while !input.is_empty() && !input.peek(Token![,]) {
                rest.extend([input.parse::<proc_macro2::TokenTree>()?]);
            }
            mistakes.add(&key, unknown(written, &rest.to_string(), place));
            return Ok(());
        };
        if input.peek(Token![=]) || input.peek(syn::token::Paren) {
            mistakes.add(&key, format!("a hook takes no value: write `{written}`"));
            return Ok(());
        }
        if self.hooks.iter().any(|(_, other)| other.name == hook.name) {
            mistakes.add(&key, format!("`{written}` is given twice: keep one"));
        } else {
            self.hooks.push((key, hook));
        }
        comma(input, written)
    }
}

fn comma(input: ParseStream<'_>, example: &str) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(());
    }
    Err(input.error(format!("expected a comma between options, as in `{example}, …`")))
}
