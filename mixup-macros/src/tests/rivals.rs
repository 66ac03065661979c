//! Runs each row of the tables of other libraries' names through the macro, and checks the message and that its advice is right.
//! The tables in `docs/coming_from.md` are made from the same rows.

use std::fmt::Write as _;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use super::messages;
use crate::{
    hooks::{HOOKS, Hook, first_with},
    rivals::{FLOWS, Form, Here, Instead, LEARNERS, Library, MOMENTS, Moment, OPTIONS, VALUES, Word, moment},
    suggest::find,
};

fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// The messages for a block that has this and a hook without mistakes.
fn messages_with(inside: &TokenStream) -> Vec<String> {
    messages(TokenStream::new(), &quote! { impl C { #inside fn on_train_begin(&self) {} } })
}

fn tokens(text: &str) -> TokenStream {
    text.parse().unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

#[test]
fn every_hook_name_of_another_library_is_rejected_with_what_to_write() {
    for row in MOMENTS {
        let (name, method) = (row.name, ident(row.name));
        let advice = row.advice(Form::Method);
        let beside_a_hook = messages_with(&quote! { fn #method(&self) {} });
        let alone = messages(TokenStream::new(), &quote! { impl C { fn #method(&self) {} } });
        assert_eq!(alone.len(), 1, "{name}: {alone:?}");
        assert!(alone[0].starts_with(&format!("no hook named `{name}`: {advice}")), "{alone:?}");
        if row.certain {
            assert_eq!(beside_a_hook, alone, "{name}");
        } else {
            assert_eq!(beside_a_hook, [""; 0], "{name} may be a helper");
        }
        assert!(row.certain || !name.starts_with("on_"), "{name} is no helper's name");
    }
}

#[test]
fn every_hook_name_of_another_library_is_rejected_among_options_too() {
    let of_options = |row: &&Moment| OPTIONS.iter().any(|option| option.name == row.name);
    for row in MOMENTS.iter().filter(|row| !is_moment(row.name) && !of_options(row)) {
        let name = row.name;
        let short = name.trim_start_matches("on_");
        for written in [name, &name.to_uppercase()] {
            let option = ident(written);
            let said = messages_with(&quote! { #[on(#option)] fn f(&self) {} });
            assert_eq!(said, [format!("no hook named `{written}`: {}", row.advice(Form::On))]);
        }
        // If one library's name is another's without `on_`, each gets its own advice.
        if moment(short).is_none_or(|other| other.name == name) && !is_moment(short) {
            let option = ident(short);
            let said = messages_with(&quote! { #[on(#option)] fn f(&self) {} });
            assert_eq!(said, [format!("no hook named `{short}`: {}", row.advice(Form::On))]);
        }
        let option = ident(name);
        let said = messages(quote! { #option }, &quote! { fn f() {} });
        assert_eq!(said, [format!("no hook named `{name}`: {}", row.advice(Form::Option))]);
    }
}

/// Whether `#[on(…)]` takes this word as a hook of ours.
fn is_moment(short: &str) -> bool {
    HOOKS.iter().any(|hook| hook.moment() == short)
}

#[test]
fn no_name_of_ours_is_taken_for_one_of_another_library() {
    for row in MOMENTS {
        assert!(Hook::find(row.name).is_none(), "`{}` is a hook", row.name);
    }
    for row in VALUES {
        assert!(first_with(row.name).is_none(), "`{}` is a value", row.name);
    }
    for words in [VALUES, OPTIONS, FLOWS] {
        assert!(words.iter().all(|row| words.iter().filter(|other| other.name == row.name).count() == 1));
    }
    for row in MOMENTS {
        assert_eq!(MOMENTS.iter().filter(|other| other.name == row.name).count(), 1, "`{}` is there once", row.name);
        assert!(!row.of.is_empty());
    }
}

#[test]
fn the_advice_for_a_hook_has_no_mistakes() {
    for row in MOMENTS {
        let Here::Hook { hook, filters, .. } = row.here else { continue };
        let moment = tokens(hook.trim_start_matches("on_"));
        let filters = tokens(filters);
        assert_eq!(messages_with(&quote! { #[on(#moment, #filters)] fn f(&self) {} }), [""; 0], "{}", row.name);
    }
}

/// Every advice, with the name that it is for.
fn advices() -> Vec<(&'static str, String)> {
    let of_moments = MOMENTS.iter().map(|row| (row.name, row.advice(Form::Method)));
    let of_words = [VALUES, FLOWS].into_iter().flatten().filter_map(|row| match row.here {
        Instead::Advice(advice) => Some((row.name, advice.to_owned())),
        Instead::Name(_) => None,
    });
    of_moments.chain(of_words).collect()
}

#[test]
fn every_hook_value_and_flow_in_an_advice_exists() {
    let mut seen = 0;
    for (name, advice) in advices() {
        let codes: Vec<_> = advice.split('`').skip(1).step_by(2).collect();
        for code in codes.iter().filter(|code| code.starts_with("on_")) {
            assert!(Hook::find(code).is_some(), "{name}: `{code}`");
            seen += 1;
        }
        for (index, code) in codes.iter().enumerate() {
            let first = code.split(['(', ':']).next().unwrap_or(code);
            let flow = HOOKS.iter().any(|hook| hook.flows.contains(&first));
            if let Some(hook) = codes.get(index + 1).and_then(|code| Hook::find(code)).filter(|_| flow) {
                // "return `SkipStep` from `on_backward_end`"
                assert!(hook.flows.contains(&first), "{name}: `{}` may not return `{first}`", hook.name);
            }
            if ["Skip", "Stop", "Keep", "Validate"].iter().any(|request| first.starts_with(request)) {
                assert!(flow, "{name}: `{first}` is no flow value");
            }
            // What is asked for by its type has the name that its publisher or the user gives it.
            let by_type = ["Recorder", "Value"]
                .iter()
                .any(|ty| code.ends_with(&format!(" {ty}")) || code.ends_with(&format!("&{ty}")));
            if by_type {
                let param = tokens(code);
                assert_eq!(messages_with(&quote! { fn on_batch_end(&self, #param) {} }), [""; 0], "{name}: `{code}`");
                seen += 1;
            } else if let Some((value, ty)) = code.split_once(": ")
                && !code.starts_with('#')
            {
                let (hook, _) = first_with(value).unwrap_or_else(|| panic!("{name}: no value `{value}`"));
                let (hook, value, ty) = (ident(hook.name), ident(value), tokens(ty));
                assert_eq!(messages(quote! {}, &quote! { impl C { fn #hook(&self, #value: #ty) {} } }), [""; 0]);
                seen += 1;
            }
            if let Some(options) = code.strip_prefix("#[on(") {
                let options = tokens(options.trim_end_matches(")]").replace('…', "train_end").as_str());
                assert_eq!(messages_with(&quote! { #[on(#options)] fn f(&self) {} }), [""; 0], "{name}: `{code}`");
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn every_value_of_another_library_is_rejected_in_every_hook_with_what_to_write() {
    for hook in HOOKS {
        let method = ident(hook.name);
        for row in VALUES {
            let param = ident(row.name);
            let said = messages(quote! {}, &quote! { impl C { fn #method(&self, #param: f64) {} } });
            let expected = match row.here {
                Instead::Advice(advice) => advice.to_owned(),
                Instead::Name(here) => match find(hook, here) {
                    Some(known) => format!("write `{}`", known.spelt()),
                    None => format!("it is named `{here}` here, and available "),
                },
            };
            assert_eq!(said.len(), 1, "{said:?}");
            let start = format!("no value named `{}` in `{}`: {expected}", row.name, hook.name);
            assert!(said[0].starts_with(&start), "{said:?}");
            if let Instead::Name(here) = row.here {
                assert!(first_with(here).is_some(), "`{here}` is no value");
            }
        }
    }
}

#[test]
fn no_hook_gets_the_learner_under_any_name() {
    for (ty, under) in LEARNERS {
        let ty = ident(ty);
        for taken in [quote! { &#ty }, quote! { &mut #ty }, quote! { Option<&mut #ty> }, quote! { #ty }] {
            if let Some(under) = under.map(ident) {
                let said = messages_with(&quote! { fn on_epoch_end(&self, #under: #taken) {} });
                assert_eq!(said.len(), 1, "{said:?}");
                assert!(said[0].contains("a hook has no learner, so ask for what you need by name"), "{said:?}");
            } else {
                let said = messages_with(&quote! { fn on_epoch_end(&self, l: #taken) {} });
                assert_eq!(said.len(), 1, "{said:?}");
                assert!(said[0].starts_with("a hook has no learner: ask for what you need by name"), "{said:?}");
            }
        }
    }
}

#[test]
fn another_callback_may_have_a_values_name_of_another_library() {
    assert_eq!(
        messages_with(&quote! { fn on_epoch_end(&self, lr: &Rate, logger: Option<&mut Log>, it: &Trainer) {} }),
        [""; 0]
    );
}

#[test]
fn every_option_of_another_library_is_rejected_with_ours() {
    for row in OPTIONS {
        let Instead::Name(example) = row.here else { panic!("{} has an example", row.name) };
        let (option, ours) = (ident(row.name), tokens(example));
        let hook = quote! { fn on_epoch_end(&self) {} };
        let of_callback = messages(quote! { #ours }, &quote! { impl C { #hook } }).is_empty();
        let of_block = messages(quote! { #option = 3 }, &quote! { impl C { #hook } });
        let of_method = messages_with(&quote! { #[on(batch_end, #option = 3)] fn f(&self) {} });
        let (here, there) = if of_callback { (of_block, of_method) } else { (of_method, of_block) };
        let place = if of_callback { "`#[callback]`" } else { "`#[on]`" };
        assert_eq!(here, [format!("no option named `{}` in {place}: write `{example}`", row.name)]);
        assert_eq!(there.len(), 1, "{there:?}");
        assert!(there[0].contains(": write it on "), "{there:?}");
        if !of_callback {
            assert_eq!(messages_with(&quote! { #[on(batch_end, #ours)] fn f(&self) {} }), [""; 0], "{example}");
        }
    }
}

#[test]
fn a_value_among_the_filters_is_rejected_with_the_condition_to_write() {
    for (written, condition) in [
        ("epoch = 3", "epoch == 3"),
        ("epoch == 3", "epoch == 3"),
        ("epoch", "epoch > 0"),
        ("iteration % 2 == 0", "iteration % 2 == 0"),
        ("num_batch < 5", "num_batch < 5"),
    ] {
        let filter = tokens(written);
        let said = messages_with(&quote! { #[on(batch_end, #filter, train)] fn f(&self) {} });
        let name = written.split(' ').next().unwrap_or(written);
        assert_eq!(said, [format!("no filter named `{name}`: write `if = {condition}`")]);
        let condition = tokens(condition);
        assert_eq!(messages_with(&quote! { #[on(batch_end, train, if = #condition)] fn f(&self) {} }), [""; 0]);
    }
}

#[test]
fn every_control_flow_of_another_library_is_rejected_where_a_hook_returns_it() {
    for row in FLOWS {
        let Instead::Advice(advice) = row.here else { panic!("{} has an advice", row.name) };
        let (word, expected) = (ident(row.name), [format!("hooks do not use `{}`: {advice}", row.name)]);
        let of_type = quote! { fn on_batch_end(&self) -> Result<(), #word> { Err(#word) } };
        let of_body = quote! { fn on_batch_end(&self) -> Option<StopTraining> { Some(#word) } };
        assert_eq!(messages_with(&of_type), expected);
        assert_eq!(messages_with(&of_body), expected);
    }
}

#[test]
fn a_stop_without_a_reason_is_rejected_wherever_a_value_can_be() {
    let wrong = [
        "Some(StopTraining)",
        "true.then_some(StopTraining)",
        "true.then(|| StopTraining)",
        "return Some(StopTraining);",
        "if true { return Some(StopTraining) } None",
        "match 1 { 1 => Some(StopTraining), _ => None }",
        "let stop = || { StopTraining }; Some(stop())",
        "Some(StopTraining(\"why\"))",
        "Some(StopTraining())",
        "f(StopTraining, 1)",
        "Some({ g(); StopTraining })",
    ];
    for body in wrong {
        let body = tokens(body);
        let said = messages_with(&quote! { fn on_batch_end(&self) -> Option<StopTraining> { #body } });
        assert_eq!(said, ["`StopTraining` needs a reason: write `StopTraining::because(\"…\")`"], "{body}");
        let closure = quote! { on_batch_end, || { #body } };
        let made = crate::item::hook(closure).to_string();
        assert!(made.contains("`StopTraining` needs a reason"), "{body}: {made}");
    }
    let right = [
        "Some(StopTraining::because(\"x\"))",
        "let stop: Option<StopTraining> = None; stop",
        "let stop: (StopTraining, u8) = f(); Some(stop.0)",
        "use mixup::callback::{StopTraining, SkipEpoch}; None",
        "let f: fn(StopTraining) = drop; let g: &dyn Fn(StopTraining) = &f; None",
        "fn f() -> StopTraining { StopTraining::because(\"x\") } Some(f())",
        "let StopTraining { .. } = f(); None",
        "Vec::<StopTraining>::new().pop()",
    ];
    for body in right {
        let body = tokens(body);
        assert_eq!(
            messages_with(&quote! { fn on_batch_end(&self) -> Option<StopTraining> { #body } }),
            [""; 0],
            "{body}"
        );
    }
}

#[test]
fn the_compiler_gets_a_reason_for_a_stop_without_one() {
    let block = quote! { impl C { fn on_batch_end(&self) -> Option<StopTraining> { Some(StopTraining("x")).or(Some(StopTraining)) } } };
    let made = crate::item::callback(quote! {}, &block).to_string();
    let body = quote! { { Some(StopTraining::because("x")).or(Some(StopTraining::because(""))) } }.to_string();
    assert!(made.contains(&body), "{made}");
}

#[test]
fn an_error_that_cannot_cross_threads_is_rejected_with_the_missing_bounds() {
    for (error, right) in [
        ("Box<dyn Error>", "Box<dyn Error + Send + Sync>"),
        ("Box<dyn std::error::Error>", "Box<dyn std::error::Error + Send + Sync>"),
        ("Box<dyn Error + Send>", "Box<dyn Error + Send + Sync>"),
        ("std::boxed::Box<dyn Error + 'static>", "Box<dyn Error + 'static + Send + Sync>"),
    ] {
        for result in ["Result<(), ERROR>", "std::result::Result<Option<StopTraining>, ERROR>"] {
            let ty = tokens(&result.replace("ERROR", error));
            let said = messages_with(&quote! { fn on_batch_end(&self) -> #ty { f() } });
            assert_eq!(said, [format!("the error of a hook must be `Send` and `Sync`: write `{right}`")]);
            let ty = tokens(&result.replace("ERROR", right));
            assert_eq!(messages_with(&quote! { fn on_batch_end(&self) -> #ty { f() } }), [""; 0]);
        }
    }
    for fine in ["Result<(), Box<dyn Fault>>", "Result<()>", "Option<Box<dyn Error>>", "Result<Box<dyn Error>, String>"]
    {
        let ty = tokens(fine);
        assert_eq!(messages_with(&quote! { fn on_batch_end(&self) -> #ty { f() } }), [""; 0], "{fine}");
    }
}

#[test]
fn a_number_for_a_tensor_and_a_tensor_for_a_batch_are_rejected() {
    for (hook, param, write) in [
        ("on_batch_end", "last_loss: f64", "last_loss: &Tensor"),
        ("on_batch_end", "last_loss: &f32", "last_loss: &Tensor"),
        ("on_batch_begin", "last_input: &Tensor", "last_input: &Input"),
        ("on_batch_begin", "last_input: &mut tch::Tensor", "last_input: &Input"),
        ("on_batch_begin", "last_target: Tensor", "last_target: &Target"),
    ] {
        let (hook, wrong, right) = (ident(hook), tokens(param), tokens(write));
        let said = messages_with(&quote! { fn #hook(&self, #wrong) {} });
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(&format!(": write `{write}`, and ")), "{said:?}");
        assert_eq!(messages_with(&quote! { fn #hook(&self, #right) {} }), [""; 0]);
    }
}

#[test]
fn a_typo_in_a_name_of_another_library_gets_the_advice_for_that_name() {
    let name = |written: &str| {
        messages_with(&{
            let name = format_ident!("{written}");
            quote! { fn #name(&self) {} }
        })
    };
    let batch_end = "write `#[on(batch_end, train)]`, since `on_batch_end` also runs in validation";
    assert_eq!(name("on_train_bacth_end"), [format!("no hook named `on_train_bacth_end`: {batch_end}")]);
    for (ours, meant) in
        [("on_bacth_end", "on_batch_end"), ("on_epoch_edn", "on_epoch_end"), ("on_setp_end", "on_step_end")]
    {
        assert_eq!(name(ours), [format!("no hook named `{ours}`: did you mean `{meant}`?")]);
    }
    assert!(name("on_checkpoint")[0].starts_with("no hook named `on_checkpoint`: the hooks are "));
    assert_eq!(
        messages_with(&quote! { #[on(batch_ned)] fn f(&self) {} }),
        ["no hook named `batch_ned`: did you mean `batch_end`?"]
    );
    assert_eq!(
        messages_with(&quote! { #[on(train_bacth_end)] fn f(&self) {} }),
        ["no hook named `train_bacth_end`: write `batch_end, train`, since `on_batch_end` also runs in validation"]
    );
}

/// A library, its mark in the page, and its tables there.
const TABLES: [(Library, &str); 8] = [
    (Library::Fastai1, "fastai v1"),
    (Library::Fastai2, "fastai v2"),
    (Library::Lightning, "Lightning"),
    (Library::Keras, "Keras"),
    (Library::Composer, "Composer"),
    (Library::Ignite, "Ignite"),
    (Library::Trainer, "Trainer"),
    (Library::Loop, "a loop"),
];

/// Rows of a table: names with the same advice share a row.
fn table(name: &str, rows: impl Iterator<Item = (&'static str, String)>) -> String {
    let mut joined: Vec<(Vec<&str>, String)> = Vec::new();
    for (name, here) in rows {
        match joined.iter_mut().find(|(_, other)| *other == here) {
            Some((names, _)) => names.push(name),
            None => joined.push((vec![name], here)),
        }
    }
    let mut table = format!("| {name} | here |\n|---|---|\n");
    for (names, here) in joined {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(table, "| {} | {here} |", names.join(", "));
    }
    table
}

fn moments(library: Library, name: &str) -> String {
    let here = |row: &Moment| match row.here {
        Here::Hook { hook, filters: "", note } => format!("`{hook}`{note}"),
        Here::Hook { hook, filters, note } => format!("`#[on({}, {filters})]`{note}", hook.trim_start_matches("on_")),
        Here::Otherwise(advice) => advice.to_owned(),
    };
    let rows = MOMENTS.iter().filter(|row| row.of.contains(&library));
    table(name, rows.map(|row| (row.name, here(row))))
}

/// A value as a parameter asks for it.
fn parameter(name: &str) -> String {
    first_with(name).map_or_else(|| format!("no value {name}"), |(_, known)| format!("`{}`", known.spelt()))
}

fn words(library: Library, name: &str, words: &[Word], written: fn(&str) -> String) -> Option<String> {
    let here = |row: &Word| match row.here {
        Instead::Name(name) => written(name),
        Instead::Advice(advice) => advice.to_owned(),
    };
    let rows: Vec<_> = words.iter().filter(|row| row.of.contains(&library)).map(|row| (row.name, here(row))).collect();
    (!rows.is_empty()).then(|| table(name, rows.into_iter()))
}

/// The page with its tables made anew: each stands between a mark that names it and the next `<!-- end -->`.
fn with_tables(page: &str) -> String {
    let mut tables: Vec<(String, String)> = Vec::new();
    for (library, name) in TABLES {
        if library != Library::Loop {
            tables.push((format!("<!-- table: hooks of {name} -->\n"), moments(library, name)));
        }
        let lists = [
            ("values", VALUES, parameter as fn(&str) -> String),
            ("options", OPTIONS, |option| format!("`{option}`")),
            ("control flow", FLOWS, |flow| format!("`{flow}`")),
        ];
        for (what, list, written) in lists {
            let table = words(library, name, list, written);
            tables.extend(table.map(|table| (format!("<!-- table: {what} of {name} -->\n"), table)));
        }
    }
    let mut made = page.to_owned();
    for (mark, table) in tables {
        let (before, rest) = made.split_once(&mark).unwrap_or_else(|| panic!("the page has no {mark}"));
        let (_, after) = rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("no end of {mark}"));
        made = format!("{before}{mark}\n{table}\n<!-- end -->{after}");
    }
    made
}

#[test]
fn the_page_for_users_of_other_libraries_has_the_tables() {
    // The packed crate has no pages.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/coming_from.md");
    let Ok(page) = std::fs::read_to_string(path) else {
        assert!(!std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")).exists(), "{path} is missing");
        return;
    };
    let made = with_tables(&page);
    if std::env::var_os("OVERWRITE").is_some() {
        std::fs::write(path, &made).expect("the file can be written");
    } else {
        assert!(
            page == made,
            "docs/coming_from.md has other tables: `OVERWRITE=1 cargo test -p mixup-macros` writes them"
        );
    }
}
