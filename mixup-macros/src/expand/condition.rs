//! The filters as a condition: whether a method runs now.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Expr, Ident, ext::IdentExt};

use super::args::read;
use crate::{
    filters::Filters,
    hooks::{Access, Hook, Name, Once},
    tokens::{generated, respan_words, words},
};

/// A value of the hook in an `every = …` or an `if = …`.
struct Used {
    written: Ident,
    name: &'static Name,
}

/// The names of the values that the filters use.
pub(super) fn uses(filters: &Filters, hook: &Hook) -> Vec<&'static str> {
    filters.expressions().flat_map(|expr| used(hook, expr)).map(|used| used.name.name).collect()
}

/// Whether the method runs now; `None` if it always does. The expression may return early with `?`.
pub(super) fn condition(filters: &Filters, hook: &Hook) -> Option<TokenStream> {
    let mut all = Vec::new();
    match (hook.once, &filters.train, &filters.valid) {
        (Once::Batch, Some(_), _) => all.push(quote! { __event.train }),
        (Once::Batch, _, Some(_)) => all.push(quote! { !__event.train }),
        _ => {}
    }
    let (at, of) = if hook.once == Once::Epoch {
        (quote! { __event.epoch }, quote! { __event.epochs })
    } else {
        (quote! { __event.num_batch }, quote! { __event.batches })
    };
    let mut moments = Vec::new();
    moments.extend(filters.first.iter().map(|_| quote! { #at == 0 }));
    moments.extend(filters.every.iter().map(|(_, period)| {
        let counted = match hook.once {
            Once::Batch => quote! { if __event.train { __event.iteration } else { __event.num_batch } },
            Once::TrainingBatch => quote! { __event.iteration },
            _ => at.clone(),
        };
        let period = with_values(hook, period);
        let every = if hook.is_end() {
            quote! { after_every }
        } else {
            quote! { before_every }
        };
        quote! { __mixup::filter::#every(#period, #counted)? }
    }));
    moments.extend(filters.last.iter().map(|_| quote! { #at + 1 == #of }));
    match moments.as_slice() {
        [] => {}
        [moment] => all.push(moment.clone()),
        _ => all.push(quote! { (#(#moments)||*) }),
    }
    all.extend(filters.when.iter().map(|(_, when)| with_values(hook, when)));
    (!all.is_empty()).then(|| quote! { #(#all)&&* })
}

/// The expression in a scope with the values of the hook that it uses.
fn with_values(hook: &Hook, expr: &Expr) -> TokenStream {
    let used = used(hook, expr);
    let reads: TokenStream = used.iter().filter_map(|Used { name, .. }| read(name)).collect();
    let lets = used.iter().map(|Used { written, name }| {
        let field = format_ident!("{}", name.name);
        match name.access {
            Access::Copied | Access::Shared => quote! { let #written = __event.#field; },
            Access::Mutable => quote! { let #written = &*__event.#field; },
        }
    });
    let lets: TokenStream = lets.collect();
    // In the output of another macro, two identical words may come from two places, and the compiler then treats them as two
    // names. Here they get the same span.
    let of_the_hook = |word: &Ident| {
        let plain = word.unraw().to_string();
        plain == "self" || hook.names().iter().any(|known| known.name == plain)
    };
    let expr = respan_words(expr.to_token_stream(), &mut |word| of_the_hook(word).then(|| generated(word.span())));
    if lets.is_empty() {
        quote! { (#expr) }
    } else {
        quote! { { #reads #lets (#expr) } }
    }
}

fn used(hook: &Hook, expr: &Expr) -> Vec<Used> {
    let mut used: Vec<Used> = Vec::new();
    for mut written in words(expr.to_token_stream()) {
        let plain = written.unraw().to_string();
        if let Some(name) = hook.names().into_iter().find(|known| known.name == plain)
            && !used.iter().any(|other| other.name.name == name.name)
        {
            written.set_span(generated(written.span()));
            used.push(Used { written, name });
        }
    }
    used
}
