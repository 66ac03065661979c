//! The hooks of a function.

use syn::ItemFn;

use super::{By, Candidate, Serves, modifiers, typed, with_filters};
use crate::{
    hooks::{Hook, first_with},
    mistakes::Mistakes,
    options::Options,
    parse::plain,
};

/// The hooks of a function with `#[callback(on_…)]`.
pub(crate) fn function<'a>(function: &'a ItemFn, options: &Options, mistakes: &mut Mistakes) -> Vec<Serves<'a>> {
    let signature = &function.sig;
    if signature.variadic.is_some() {
        return Vec::new();
    }
    let mut here = Mistakes::default();
    modifiers(signature, &|_| "write a concrete type".to_owned(), &mut here);
    let name = plain(&signature.ident);
    if first_with(&name).is_some() {
        let message = format!(
            "a function with `#[callback]` cannot be named `{name}`: rename it, since parameters named `{name}` would refer to it"
        );
        here.add(&signature.ident, message);
    }
    if options.hooks.is_empty() && mistakes.is_empty() {
        let name = Hook::find(&name).map_or("on_epoch_end", |hook| hook.name);
        let message = format!("`#[callback]` on a function needs a hook in which it runs: write `#[callback({name})]`");
        here.add(&signature.ident, message);
    }
    let candidate = Candidate {
        by: By::Method { name: &signature.ident, receiver: false, changes: false },
        output: &signature.output,
        body: &function.block,
        cfgs: Vec::new(),
        params: typed(signature),
        generics: Some(&signature.generics),
        me: None,
    };
    let all = candidate.serve(&with_filters(options, &mut here), &mut here);
    mistakes.append(here);
    all
}
