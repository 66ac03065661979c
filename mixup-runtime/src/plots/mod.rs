//! Plots as files, PNG or SVG, with axes and units: lines over numbers, and matrices of counts.
//!
//! [`Recorder`](crate::callbacks::Recorder), [`Report`](crate::training::Report), [`LrCurve`](crate::callbacks::LrCurve),
//! [`Schedule`](crate::optim::Schedule) and [`ConfusionMatrix`](crate::metrics::ConfusionMatrix) make one of their own numbers. A PNG needs no
//! fonts of the system.

mod canvas;
mod chart;
mod legend;
mod letters;
mod matrix;
mod save;

pub use self::{chart::Chart, matrix::Matrix, save::PlotError};
pub(crate) use self::{
    letters::{Letters, write},
    save::io_error,
};
