//! The hook of a closure.

use syn::{ExprClosure, Pat, Type, spanned::Spanned};

use super::{By, Candidate, Serves, is_async, with_filters};
use crate::{hooks::first_with, mistakes::Mistakes, options::Options, parse::plain};

/// The hook of `hook!(on_…, |…| …)`, and the types of its parameters, which must be written.
pub(crate) fn closure<'a>(
    closure: &'a ExprClosure,
    options: &Options,
    mistakes: &mut Mistakes,
) -> Option<(Serves<'a>, Vec<&'a Type>)> {
    let mut here = Mistakes::default();
    if let Some(token) = &closure.asyncness {
        here.add(token, is_async("a hook"));
    }
    let mut params = Vec::new();
    for param in &closure.inputs {
        match param {
            Pat::Type(param) => params.push(param),
            Pat::Ident(param) => {
                let name = plain(&param.ident);
                let known = first_with(name.trim_start_matches('_')).map(|(_, known)| known.spelt());
                let write = known
                    .map_or_else(|| "write one, as in `epoch: usize`".to_owned(), |spelt| format!("write `{spelt}`"));
                here.add(param, format!("the parameter `{name}` needs a type: {write}"));
            }
            other => here.add(
                other,
                "a parameter of a hook must be a plain name, as in `epoch: usize`: the name says which value to pass",
            ),
        }
    }
    if options.hooks.is_empty() && here.is_empty() && mistakes.is_empty() {
        let message =
            "`hook!` needs a hook in which the closure runs: write `hook!(on_batch_end, |iteration: usize| …)`";
        here.extend(syn::Error::new(closure.inputs_begin.span(), message));
    }
    for (key, _) in options.hooks.iter().skip(1) {
        here.add(
            key,
            format!("a closure runs in one hook only: remove `{key}`, or write a function with `#[callback(…)]`"),
        );
    }
    let hooks = with_filters(options, &mut here);
    let types = params.iter().map(|param| &*param.ty).collect();
    let candidate = Candidate {
        by: By::Closure,
        output: &closure.output,
        body: &closure.body,
        cfgs: Vec::new(),
        params: params.into_iter(),
        generics: None,
        me: None,
    };
    let right = mistakes.is_empty();
    let mut all = candidate.serve(&hooks, &mut here);
    mistakes.append(here);
    all.pop().filter(|_| right).map(|serves| (serves, types))
}
