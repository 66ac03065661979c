//! What a program prints that returns an error from `main`. A test may return one too, and Rust prints it with the same code.

mod support;

use std::{error::Error as StdError, fmt, io};

use mixup::prelude::*;
use support::{data, linear, on, process};
use tch::Tensor;

/// An error of a user's own, with a cause that its text does not name.
#[derive(Debug)]
struct NoLog(io::Error);

impl fmt::Display for NoLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the log can't be written")
    }
}

impl StdError for NoLog {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

#[callback(on_batch_end)]
fn log() -> Result<(), NoLog> {
    Err(NoLog(io::Error::other("the disk is full")))
}

/// What the test prints on stderr after `Error: ` when it returns an error.
fn printed(test: &str) -> String {
    let stderr = String::from_utf8(process::run(test).stderr).expect("it is text");
    let (_, error) = stderr.split_once("Error: ").unwrap_or_else(|| panic!("no error was printed: {stderr}"));
    error.trim_end().to_owned()
}

#[test]
fn an_error_in_a_hook_is_printed_as_its_message_and_what_that_leaves_out() -> Result<(), BoxError> {
    if process::is_own() {
        on(data(8, 0)).callback(log).build()?.fit(1, 0.1)?;
    }
    assert_eq!(
        printed("an_error_in_a_hook_is_printed_as_its_message_and_what_that_leaves_out"),
        "callback `log`, hook `on_batch_end`, epoch 0, training batch 0: the log can't be written\ncaused by: the disk is full"
    );
    Ok(())
}

#[test]
fn what_libtorch_rejects_is_printed_without_its_stack() -> Result<(), BoxError> {
    if process::is_own() {
        let model = |vars: &mixup::model::Vars<'_>| linear(vars, 5, 2);
        Learner::builder(data(8, 0), model).quiet().build()?.fit(1, 0.1)?;
    }
    let error = printed("what_libtorch_rejects_is_printed_without_its_stack");
    assert!(error.starts_with("the model, epoch 0, training batch 0, with [4, 3] Float: "), "{error}");
    assert!(error.contains("mat1 and mat2") && error.lines().count() == 1, "{error}");
    Ok(())
}

#[test]
fn a_learner_that_cannot_be_built_is_printed_with_what_would_be_right() -> Result<(), BoxError> {
    if process::is_own() {
        on(data(8, 0)).optimizer(Sgd::default().momentum(2.0)).build()?;
    }
    let error = printed("a_learner_that_cannot_be_built_is_printed_with_what_would_be_right");
    assert_eq!(error, "the optimizer's momentum is 2: it must be at least 0 and below 1");
    Ok(())
}

#[test]
fn a_data_set_that_cannot_be_made_is_printed_with_what_would_be_right() -> Result<(), BoxError> {
    if process::is_own() {
        TensorDataset::new(Tensor::from_slice(&[1.0, 2.0]), Tensor::from_slice(&[1]))?;
    }
    let error = printed("a_data_set_that_cannot_be_made_is_printed_with_what_would_be_right");
    assert_eq!(error, "the input has 2 items and the target 1, but each item needs both");
    Ok(())
}
