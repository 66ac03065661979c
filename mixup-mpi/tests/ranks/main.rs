//! Trainings of two and three processes under `mpirun`, compared with those of one process.
#![allow(missing_docs, reason = "a program of tests")]

mod files;
mod parts;
mod run;
mod same;
mod trouble;
mod validation;
