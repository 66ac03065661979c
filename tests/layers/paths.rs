//! Collects the paths in a source file, each from the crate's root, with its line.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, File, ItemMod, ItemUse, Macro, Meta, UseTree, Visibility,
    visit::{self, Visit},
};

/// Walks through a file and collects the paths that begin with the crate, `self` or `super`, and the names of the macros called.
pub struct Paths<'a> {
    /// The first words of paths to this crate, besides `self` and `super`.
    roots: &'a [&'a str],
    /// The current module, from the crate's root.
    module: Vec<String>,
    /// The line and the path.
    pub found: Vec<(usize, Vec<String>)>,
    /// The line and the name.
    pub macros: Vec<(usize, String)>,
}

impl<'a> Paths<'a> {
    pub fn of(file: &File, module: Vec<String>, roots: &'a [&'a str]) -> Self {
        let mut paths = Self { roots, module, found: Vec::new(), macros: Vec::new() };
        paths.visit_file(file);
        paths
    }

    /// Keeps a path as seen from the root. A path that begins with another name continues one that a `use` brought into scope.
    fn keep(&mut self, line: usize, segments: &[String]) {
        let Some((first, mut rest)) = segments.split_first().filter(|(_, rest)| !rest.is_empty()) else { return };
        let mut path = match first.as_str() {
            root if self.roots.contains(&root) => Vec::new(),
            "self" => self.module.clone(),
            "super" => parent(&self.module),
            _ => return,
        };
        while let Some(("super", later)) = rest.split_first().map(|(first, later)| (first.as_str(), later)) {
            path = parent(&path);
            rest = later;
        }
        path.extend_from_slice(rest);
        self.found.push((line, path));
    }

    fn keep_use(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.keep_use(&path.tree, &with(&path.ident)),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.keep_use(item, before)),
            UseTree::Name(name) => self.keep(name.ident.span().start().line, &with(&name.ident)),
            UseTree::Rename(name) => self.keep(name.ident.span().start().line, &with(&name.ident)),
            UseTree::Glob(glob) => {
                self.keep(glob.star_token.spans[0].start().line, &[before, &["*".to_owned()]].concat());
            }
        }
    }

    /// The paths in the tokens of a macro or an attribute.
    fn keep_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        for at in 0..tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.keep_tokens(group.stream()),
                TokenTree::Ident(first) if !goes_on(&tokens[..at]) => {
                    for path in chains(&tokens[at..]) {
                        self.keep(first.span().start().line, &path);
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.keep_use(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let Some(first) = path.segments.first() {
            self.keep(first.ident.span().start().line, &segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        if let Some(name) = call.path.segments.last() {
            self.macros.push((name.ident.span().start().line, name.ident.to_string()));
            // Quoted tokens are code of another crate.
            if name.ident.to_string().contains("quote") {
                return;
            }
        }
        self.keep_tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Some(name) = attribute.path().segments.last() {
            self.macros.push((name.ident.span().start().line, name.ident.to_string()));
        }
        match &attribute.meta {
            Meta::List(list) => self.keep_tokens(list.tokens.clone()),
            _ => visit::visit_attribute(self, attribute),
        }
    }

    // `pub(super)` is about visibility and uses nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

fn parent(module: &[String]) -> Vec<String> {
    module.split_last().map_or_else(Vec::new, |(_, parent)| parent.to_vec())
}

/// Whether tokens end with a path that the next token continues: `callbacks::`, not `::` alone.
fn goes_on(tokens: &[TokenTree]) -> bool {
    let is_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(it) if it.as_char() == ':');
    matches!(tokens, [.., TokenTree::Ident(_), one, two] if is_colon(one) && is_colon(two))
}

/// The path at the beginning of some tokens; several paths if it ends in braces.
fn chains(tokens: &[TokenTree]) -> Vec<Vec<String>> {
    match tokens {
        [TokenTree::Ident(name), TokenTree::Punct(one), TokenTree::Punct(two), rest @ ..]
            if one.as_char() == ':' && two.as_char() == ':' =>
        {
            let rest = match rest.first() {
                Some(TokenTree::Group(group)) => {
                    let inside: Vec<_> = group.stream().into_iter().collect();
                    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(it) if it.as_char() == ',');
                    inside.split(is_comma).flat_map(chains).collect()
                }
                _ => chains(rest),
            };
            rest.into_iter().map(|rest| [vec![name.to_string()], rest].concat()).collect()
        }
        [TokenTree::Ident(name), ..] => vec![vec![name.to_string()]],
        _ => Vec::new(),
    }
}

/// The line of the first occurrence of a word.
pub fn line_of(word: &str, tokens: TokenStream) -> Option<usize> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Group(group) => line_of(word, group.stream()),
        TokenTree::Ident(ident) => (ident == word).then(|| ident.span().start().line),
        _ => None,
    })
}

/// The word after each occurrence of a text.
pub fn next_words(before: [&str; 4], tokens: TokenStream) -> Vec<String> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let inside =
        tokens.iter().filter_map(|token| if let TokenTree::Group(it) = token { Some(it.stream()) } else { None });
    let mut words: Vec<_> = inside.flat_map(|tokens| next_words(before, tokens)).collect();
    let texts: Vec<_> = tokens.iter().map(ToString::to_string).collect();
    words.extend(texts.windows(5).filter(|window| window[..4] == before).map(|window| window[4].clone()));
    words
}
