//! Pictures from one end to the other: pretrained networks with a new head, and how to look at what they predict.
//!
//! [`vision_learner`] builds a learner from a pretrained trunk, [`show_batch`](crate::learner::Learner::show_batch) draws what it will train on,
//! [`fine_tune`](crate::learner::Learner::fine_tune) trains its head and then all of it, [`show_results`](crate::learner::Learner::show_results) draws its predictions, and [`vision_predictor`] predicts in another program.

mod fine_tune;
mod model;
mod results;
mod show_batch;
mod trunk;

pub use self::{
    model::{VisionModel, Weights, vision_learner, vision_predictor},
    trunk::{Trunk, resnet18, resnet34, resnet50},
};
