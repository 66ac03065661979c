//! When a hook's method runs: `train`, `valid`, `every`, `first`, `last`, `if`, held against what the hook comes once for.
//!
//! `train`, `valid` and each `if` must be so; of `first`, `every` and `last` one is enough.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Expr, Ident, Lit, ext::IdentExt, parse::ParseStream};

use crate::{
    expand::{generated, make},
    hooks::{Hook, Lent, Name, Once, first_with},
    meant::no_value,
    mistakes::Mistakes,
    parse::strip_expr,
};

/// The filters, as written.
#[derive(Clone, Default)]
pub(crate) struct Filters {
    train: Option<Ident>,
    valid: Option<Ident>,
    first: Option<Ident>,
    last: Option<Ident>,
    every: Option<(Ident, Expr)>,
    when: Option<(Ident, Expr)>,
}

/// A name of the event in an `every = …` or an `if = …`.
pub(crate) struct Used {
    written: Ident,
    pub name: &'static Name,
}

impl Filters {
    /// Takes one of them; whether it was there already.
    pub(crate) fn take(
        &mut self,
        key: &Ident,
        option: &str,
        input: ParseStream<'_>,
        mistakes: &mut Mistakes,
    ) -> syn::Result<bool> {
        Ok(match option {
            "train" => self.train.replace(key.clone()).is_some(),
            "valid" => self.valid.replace(key.clone()).is_some(),
            "first" => self.first.replace(key.clone()).is_some(),
            "last" => self.last.replace(key.clone()).is_some(),
            "every" => self.every.replace((key.clone(), every(input.parse()?, mistakes))).is_some(),
            _ => self.when.replace((key.clone(), input.parse()?)).is_some(),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        let Self { train, valid, first, last, every, when } = self;
        [train, valid, first, last].iter().all(|flag| flag.is_none()) && every.is_none() && when.is_none()
    }

    fn expressions(&self) -> impl Iterator<Item = &Expr> {
        [&self.every, &self.when].into_iter().flatten().map(|(_, expr)| expr)
    }

    /// What is wrong with them whatever the hook: told once for a method of several hooks.
    pub(crate) fn check_alone(&self, has_self: bool, mistakes: &mut Mistakes) {
        if let (Some(_), Some(valid)) = (&self.train, &self.valid) {
            mistakes.add(valid, "a batch is one of `train` and `valid`, never both: leave out both to have all");
        }
        if !has_self {
            for word in self.expressions().flat_map(|expr| words(expr.to_token_stream())).filter(|word| word == "self")
            {
                mistakes.add(&word, "there is no `self` here: use values of the hook and constants");
            }
        }
    }

    /// What can't be in this hook.
    pub(crate) fn check(&self, hook: &Hook, mistakes: &mut Mistakes) {
        let name = hook.name;
        let of_batches = matches!(hook.once, Once::Batch | Once::TrainingBatch);
        for flag in [&self.train, &self.valid].into_iter().flatten() {
            if !of_batches {
                let comes = if hook.once == Once::Epoch { "an epoch" } else { "a training" };
                mistakes.add(
                    flag,
                    format!("`{flag}` chooses among batches, and `{name}` comes once in {comes}: leave it out"),
                );
            } else if hook.once == Once::TrainingBatch && flag == "valid" {
                mistakes
                    .add(flag, format!("`{name}` comes in training only, so `valid` would never be so: leave it out"));
            }
        }
        if hook.once == Once::Training {
            let moments = [&self.first, &self.last].into_iter().flatten().chain(self.every.iter().map(|(key, _)| key));
            for key in moments {
                mistakes.add(key, format!("`{name}` comes once in a training: leave out `{key}`"));
            }
        }
        for word in self.expressions().flat_map(|expr| words(expr.to_token_stream())) {
            let plain = word.unraw().to_string();
            if first_with(&plain).is_some() && !hook.names().iter().any(|known| known.name == plain) {
                mistakes.add(&word, no_value(hook, &plain));
            }
        }
    }

    /// The values of the hook that the expressions look at.
    pub(crate) fn uses(&self, hook: &Hook) -> Vec<Used> {
        self.expressions().flat_map(|expr| used(hook, expr)).collect()
    }

    /// Whether the method runs now; nothing where it always does. May leave the method by `?`.
    pub(crate) fn condition(&self, hook: &Hook) -> Option<TokenStream> {
        let mut all = Vec::new();
        match (hook.once, &self.train, &self.valid) {
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
        moments.extend(self.first.iter().map(|_| quote! { #at == 0 }));
        moments.extend(self.every.iter().map(|(_, period)| {
            let counted = match hook.once {
                Once::Batch => quote! { if __event.train { __event.iteration } else { __event.num_batch } },
                Once::TrainingBatch => quote! { __event.iteration },
                _ => at.clone(),
            };
            let period = seeing(hook, period);
            let every = if hook.is_end() {
                quote! { after_every }
            } else {
                quote! { before_every }
            };
            quote! { __mixup::filter::#every(#period, #counted)? }
        }));
        moments.extend(self.last.iter().map(|_| quote! { #at + 1 == #of }));
        match moments.as_slice() {
            [] => {}
            [moment] => all.push(moment.clone()),
            _ => all.push(quote! { (#(#moments)||*) }),
        }
        all.extend(self.when.iter().map(|(_, when)| seeing(hook, when)));
        (!all.is_empty()).then(|| quote! { #(#all)&&* })
    }

    /// As listings show them: `train, every 50, if self.on`.
    pub(crate) fn text(&self) -> String {
        let flags = [&self.train, &self.valid, &self.first].into_iter().flatten().map(ToString::to_string);
        let valued = |(key, expr): &(Ident, Expr)| format!("{key} {}", one_line(expr));
        let last = self.last.iter().map(ToString::to_string);
        let texts = flags.chain(self.every.iter().map(valued)).chain(last).chain(self.when.iter().map(valued));
        texts.collect::<Vec<_>>().join(", ")
    }
}

/// A period that is a literal is a whole number above 0; of another the compiler knows the type, and the run the value.
fn every(written: Expr, mistakes: &mut Mistakes) -> Expr {
    let wrong = match strip_expr(&written) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_digits() == "0",
            _ => true,
        },
        Expr::Unary(unary) => matches!(unary.op, syn::UnOp::Neg(_)),
        _ => false,
    };
    if wrong {
        mistakes.add(&written, "`every` is a whole number of at least 1: write `every = 50`");
        return syn::parse_quote!(1);
    }
    written
}

/// The expression, with the values of the hook that it looks at in sight.
fn seeing(hook: &Hook, expr: &Expr) -> TokenStream {
    let used = used(hook, expr);
    let makes: TokenStream = used.iter().filter_map(|Used { name, .. }| make(name)).collect();
    let lets = used.iter().map(|Used { written, name }| {
        let field = quote::format_ident!("{}", name.name);
        match name.lent {
            Lent::Copied | Lent::Read => quote! { let #written = __event.#field; },
            Lent::Changed => quote! { let #written = &*__event.#field; },
        }
    });
    let lets: TokenStream = lets.collect();
    // Out of a macro, what is one word to the eye may come from two places, and be two to the compiler.
    let of_the_hook = |word: &Ident| {
        let plain = word.unraw().to_string();
        plain == "self" || hook.names().iter().any(|known| known.name == plain)
    };
    let expr = each_word(expr.to_token_stream(), &mut |word| of_the_hook(word).then(|| generated(word.span())));
    if lets.is_empty() {
        quote! { (#expr) }
    } else {
        quote! { { #makes #lets (#expr) } }
    }
}

fn used(hook: &Hook, expr: &Expr) -> Vec<Used> {
    let mut used: Vec<Used> = Vec::new();
    for written in words(expr.to_token_stream()) {
        let plain = written.unraw().to_string();
        if let Some(name) = hook.names().into_iter().find(|known| known.name == plain)
            && !used.iter().any(|other| other.name.name == name.name)
        {
            let mut seen = written;
            seen.set_span(generated(seen.span()));
            used.push(Used { written: seen, name });
        }
    }
    used
}

/// The words of an expression that stand for themselves.
fn words(tokens: TokenStream) -> Vec<Ident> {
    let mut found = Vec::new();
    each_word(tokens, &mut |word| {
        found.push(word.clone());
        None
    });
    found
}

/// Asks for another span for each word that stands for itself: no fields and methods (`self.epoch`), no parts of paths, no
/// macros. The fields behind a word (`self.loader.size`) get one with it, so that an error underlines them too.
///
/// Methods keep theirs: it tells where a call panics, and by which edition's rules the method is found.
fn each_word(tokens: TokenStream, other: &mut dyn FnMut(&Ident) -> Option<Span>) -> TokenStream {
    let trees: Vec<_> = tokens.into_iter().collect();
    let mut owner_has_another = false;
    let is = |index: Option<usize>, wanted: char| {
        let tree = index.and_then(|index| trees.get(index));
        matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
    };
    let is_path = |index: usize| is(Some(index), ':') && is(Some(index + 1), ':');
    let is_called = |index: usize| matches!(trees.get(index), Some(TokenTree::Group(_))) || is_path(index);
    let one = |(index, tree): (usize, &TokenTree)| {
        let (before, two_before) = (index.checked_sub(1), index.checked_sub(2));
        let member = is(before, '.') && !is(two_before, '.');
        let with_owner = owner_has_another.then(|| generated(tree.span()));
        let mut tree = tree.clone();
        let span = match &tree {
            // From edition 2024 on, which is that of a span from here, `gen` is a keyword.
            TokenTree::Ident(name) if member => with_owner.filter(|_| !is_called(index + 1) && name != "gen"),
            TokenTree::Literal(_) if member => with_owner,
            TokenTree::Ident(word) => {
                let in_path = is(before, ':') && is(two_before, ':') || is_path(index + 1);
                let is_macro = is(Some(index + 1), '!') && !is(Some(index + 2), '=');
                if in_path || is_macro { None } else { other(word) }
            }
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), each_word(group.stream(), other));
                inside.set_span(group.span());
                tree = TokenTree::Group(inside);
                None
            }
            TokenTree::Punct(point) => with_owner.filter(|_| point.as_char() == '.'),
            TokenTree::Literal(_) => None,
        };
        owner_has_another = span.is_some();
        if let Some(span) = span {
            tree.set_span(span);
        }
        tree
    };
    trees.iter().enumerate().map(one).collect()
}

/// Tokens as a listing shows them, without the spaces that are printed around points and colons.
fn one_line(expr: &Expr) -> String {
    let text = expr.to_token_stream().to_string().replace('\n', " ");
    [(" . ", "."), (" :: ", "::"), ("( ", "("), (" )", ")")]
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}
