//! The hook of a closure.

use syn::{ExprClosure, Pat, Type, spanned::Spanned};

use super::{By, Candidate, Serves, with_filters};
use crate::{hooks::first_with, mistakes::Mistakes, options::Options, parse::plain};

/// The hook of `hook!(on_…, |…| …)`, and the types of its parameters, which must be written.
pub(crate) fn closure<'a>(
    closure: &'a ExprClosure,
    options: &Options,
    mistakes: &mut Mistakes,
) -> Option<(Serves<'a>, Vec<&'a Type>)> {
    let mut here = Mistakes::default();
    if let Some(token) = &closure.asyncness {
        here.add(token, "a hook is called by the training loop, which awaits nothing: write it without `async`");
    }
    let mut params = Vec::new();
    for param in &closure.inputs {
        match param {
            Pat::Type(param) => params.push(param),
            Pat::Ident(param) => {
                let name = plain(&param.ident);
                let known = first_with(name.trim_start_matches('_')).map(|(_, known)| known.spelt());
                let example = known.unwrap_or_else(|| "epoch: usize".to_owned());
                here.add(param, format!("a closure's parameter says its type: write `{example}`"));
            }
            other => here.add(
                other,
                "a parameter of a hook is a plain name, for it says what is asked for, as in `epoch: usize`",
            ),
        }
    }
    if options.hooks.is_empty() && here.is_empty() && mistakes.is_empty() {
        let message = "`hook!` says in which hook the closure runs: write `hook!(on_batch_end, |iteration: usize| …)`";
        here.extend(syn::Error::new(closure.inputs_begin.span(), message));
    }
    for (key, _) in options.hooks.iter().skip(1) {
        here.add(
            key,
            format!("a closure serves one hook: leave out `{key}`, or write a function with `#[callback(…)]`"),
        );
    }
    let hooks = with_filters(options, &mut here);
    let types = params.iter().map(|param| &*param.ty).collect();
    let candidate = Candidate {
        by: By::Closure,
        output: &closure.output,
        cfgs: Vec::new(),
        params: params.into_iter(),
        generics: None,
        me: None,
    };
    let mut all = candidate.serve(&hooks, &mut here);
    let right = here.is_empty() && mistakes.is_empty();
    mistakes.append(here);
    all.pop().filter(|_| right).map(|serves| (serves, types))
}
