//! State: what a learner remembers, saved and loaded; and the form in which it is.

mod forms;
mod going_on;
mod loading;
#[path = "../support/mod.rs"]
mod support;
