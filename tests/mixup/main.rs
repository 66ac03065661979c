//! MixUp: what is blended with what, by which weights, in a training and outside of one, and what is refused.

mod blends;
mod draws;
mod mistakes;
#[path = "../numbers/mod.rs"]
mod numbers;
mod training;
