//! Arbitrary text as a call of `#[callback]`, `#[on]` or `hook!`: nothing panics, and the output for Rust is Rust.
//!
//! A proc-macro crate cannot be linked, so its files are included here.
#![no_main]
#![forbid(unsafe_code)]
#![allow(dead_code, reason = "parts of the table are for the runtime only")]

#[path = "../../mixup-macros/src/check/mod.rs"]
mod check;
#[allow(dead_code, reason = "only the attributes are fuzzed")]
#[path = "../../mixup-macros/src/derive.rs"]
mod derive;
#[path = "../../mixup-macros/src/expand/mod.rs"]
mod expand;
#[path = "../../mixup-macros/src/filters.rs"]
mod filters;
#[path = "../../mixup-macros/src/hooks.rs"]
mod hooks;
#[path = "../../mixup-macros/src/item/mod.rs"]
mod item;
#[path = "../../mixup-macros/src/mistakes.rs"]
mod mistakes;
#[path = "../../mixup-macros/src/options/mod.rs"]
mod options;
#[path = "../../mixup-macros/src/params.rs"]
mod params;
#[path = "../../mixup-macros/src/parse.rs"]
mod parse;
#[path = "../../mixup-macros/src/returns.rs"]
mod returns;
#[path = "../../mixup-macros/src/rivals/mod.rs"]
mod rivals;
#[path = "../../mixup-macros/src/suggest.rs"]
mod suggest;
#[path = "../../mixup-macros/src/tokens.rs"]
mod tokens;
#[path = "../../mixup-macros/src/tests/written.rs"]
mod written;

libfuzzer_sys::fuzz_target!(|text: &str| {
    // Hundreds of nested brackets or operators overflow the stack in `syn`, before our code sees them.
    if text.len() <= 4096 {
        written::feed(text);
    }
});
