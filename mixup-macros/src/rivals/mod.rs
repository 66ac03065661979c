//! What other libraries call a hook, a value, an option, and what to write here instead.
//!
//! The macro's messages, the tests and the tables in `docs/coming_from.md` are made from these rows, so that the three
//! agree. The names come from the libraries' own sources; `moments` has the hooks, `words` all other names.

mod moments;
mod words;

pub(crate) use self::{
    moments::MOMENTS,
    words::{FLOWS, LEARNERS, OPTIONS, VALUES},
};

/// A library whose names are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Library {
    /// fastai v1 (1.0.61).
    Fastai1,
    /// fastai v2 (2.8).
    Fastai2,
    /// PyTorch Lightning 2, and the hooks that were removed in 2.0.
    Lightning,
    /// Keras 3.
    Keras,
    /// `MosaicML` Composer.
    Composer,
    /// PyTorch Ignite.
    Ignite,
    /// Hugging Face's `Trainer`.
    Trainer,
    /// A loop written by hand in PyTorch or `tch`.
    Loop,
}

/// A hook or event of other libraries.
#[derive(Debug)]
pub(crate) struct Moment {
    #[cfg_attr(not(test), expect(dead_code, reason = "the tables of `docs/coming_from.md` are made of it"))]
    pub of: &'static [Library],
    pub name: &'static str,
    pub here: Here,
    /// Whether a method of this name is certainly meant as a hook. If not, it may be a helper, and is reported only in a block
    /// without hooks.
    pub certain: bool,
}

/// What this library has for a moment of another one.
#[derive(Debug)]
pub(crate) enum Here {
    /// A hook, with the filters that make it the same moment, and what to add to the advice.
    Hook { hook: &'static str, filters: &'static str, note: &'static str },
    /// No hook: what to do instead, as a clause.
    Otherwise(&'static str),
}

/// Where the name of a hook is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As a method's name.
    Method,
    /// In `#[on(…)]`.
    On,
    /// In `#[callback(…)]` on a function or in `hook!(…)`.
    Option,
}

/// What other libraries call a value of a hook, an option, or a word of the control flow.
#[derive(Debug)]
pub(crate) struct Word {
    #[cfg_attr(not(test), expect(dead_code, reason = "the tables of `docs/coming_from.md` are made of it"))]
    pub of: &'static [Library],
    pub name: &'static str,
    pub here: Instead,
}

/// What to write instead of a word.
#[derive(Debug)]
pub(crate) enum Instead {
    /// The name that it has here.
    Name(&'static str),
    /// What to do, as a clause.
    Advice(&'static str),
}

/// The moment that has this name in another library.
pub(crate) fn moment(name: &str) -> Option<&'static Moment> {
    MOMENTS.iter().find(|moment| moment.name == name)
}

/// The moment meant by a word in `#[on(…)]`, which may lack `on_` or be a constant such as `EPOCH_STARTED`.
pub(crate) fn moment_in_on(word: &str) -> Option<&'static Moment> {
    let word = word.to_lowercase();
    moment(&word).or_else(|| moment(&format!("on_{word}")))
}

/// What to write instead of a word of another library.
pub(crate) fn word(words: &'static [Word], name: &str) -> Option<&'static Instead> {
    words.iter().find(|word| word.name == name).map(|word| &word.here)
}

impl Moment {
    /// The clause that says what to do: "write `#[on(batch_end, train)]`, since `on_batch_end` also runs in validation".
    pub(crate) fn advice(&self, form: Form) -> String {
        match &self.here {
            Here::Otherwise(advice) => (*advice).to_owned(),
            Here::Hook { hook, filters, note } => {
                let written = written(hook, filters, form);
                if note.is_empty() && !filters.is_empty() {
                    let also = if filters.starts_with("train") { "validation" } else { "training" };
                    format!("write `{written}`, since `{hook}` also runs in {also}")
                } else {
                    format!("write `{written}`{note}")
                }
            }
        }
    }
}

/// A hook with its filters, as it is written in this place.
fn written(hook: &str, filters: &str, form: Form) -> String {
    let moment = hook.trim_start_matches("on_");
    let name = if form == Form::Method { hook } else { moment };
    match (form, filters) {
        (Form::Option, "") => hook.to_owned(),
        (Form::Option, filters) => format!("{hook}, {filters}"),
        (_, "") => name.to_owned(),
        (Form::On, filters) => format!("{moment}, {filters}"),
        (Form::Method, filters) => format!("#[on({moment}, {filters})]"),
    }
}
