//! The catalogue of mistakes: each file in `tests/ui` makes one, says on its first line what the rule is, and has the
//! compiler's answer beside it, word for word.
//!
//! What the compiler itself adds may change from one Rust to the next; `TRYBUILD=overwrite cargo test --test ui` writes the
//! answers anew, to be read before they are kept. The first run builds the dependencies once more, for trybuild's flags.

#[test]
fn each_mistake_is_answered_as_its_file_documents() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
