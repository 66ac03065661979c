//! A model of the exchange of gradients, and what it says of more ranks.
//!
//! A ring of `n` ranks sums `b` bytes in `2 (n - 1)` rounds, in each of which every rank sends `b / n` of them (Patarasuk and Yuan, «Bandwidth
//! optimal all-reduce algorithms», 2009). So a step takes `2 (n - 1) · rows · α + 2 (n - 1) / n · b / β` on the network, besides the copies of the
//! gradients within a rank, which take `b / γ`.

use super::measure::Measured;

/// Gradients are exchanged in rows of so many bytes.
const ROW: f64 = 25e6;

/// What the exchange depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// Microseconds until the first byte of a message arrives.
    pub alpha_us: f64,
    /// Bytes per microsecond on the network.
    pub beta: f64,
    /// Bytes per microsecond within a rank.
    pub gamma: f64,
}

impl Model {
    /// The model that fits a rank alone and two hosts, with two sizes of gradients each. `None` if there are fewer.
    pub fn fitted(alone: &[Measured], on_hosts: &[Measured]) -> Option<Self> {
        let largest = |all: &[Measured]| all.iter().max_by_key(|measured| measured.bytes).cloned();
        let copies = largest(alone)?;
        let gamma = copies.bytes as f64 / copies.exchange_us.max(1.0);
        let two: Vec<_> = on_hosts.iter().filter(|measured| measured.ranks == 2).cloned().collect();
        let (large, small) = (largest(&two)?, two.iter().min_by_key(|measured| measured.bytes)?.clone());
        if large.bytes == small.bytes {
            return None;
        }
        // With two ranks a step takes 2 · rows · α + b / β, twice measured.
        let network = |measured: &Measured| measured.exchange_us - measured.bytes as f64 / gamma;
        let rounds = |measured: &Measured| 2.0 * rows(measured.bytes);
        let (b, s) = (large.bytes as f64, small.bytes as f64);
        let determinant = rounds(&large) * s - rounds(&small) * b;
        let alpha_us = (network(&large) * s - network(&small) * b) / determinant;
        let per_byte = (rounds(&large) * network(&small) - rounds(&small) * network(&large)) / determinant;
        Some(Self { alpha_us: alpha_us.max(0.0), beta: 1.0 / per_byte, gamma })
    }

    /// Microseconds of the exchange of `bytes` between `ranks`.
    pub fn exchange_us(&self, ranks: usize, bytes: u64) -> f64 {
        let (n, b) = (ranks as f64, bytes as f64);
        let rounds = 2.0 * (n - 1.0);
        b / self.gamma + rounds * rows(bytes) * self.alpha_us + rounds / n * b / self.beta
    }

    /// The share of a step in which a rank computes, if that takes `compute_us`.
    pub fn efficiency(&self, ranks: usize, bytes: u64, compute_us: f64) -> f64 {
        if ranks == 1 { 1.0 } else { compute_us / (compute_us + self.exchange_us(ranks, bytes)) }
    }
}

fn rows(bytes: u64) -> f64 {
    (bytes as f64 / ROW).ceil().max(1.0)
}
