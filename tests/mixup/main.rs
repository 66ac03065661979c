//! `MixUp` and its family: what is blended with what, by which weights, in a training and outside of one, and what is rejected.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small counts become numbers"
)]

mod blends;
mod cutmix;
mod draws;
mod family;
mod in_place;
mod manifold;
mod mistakes;
#[path = "../numbers/mod.rs"]
mod numbers;
mod pairing;
mod training;
