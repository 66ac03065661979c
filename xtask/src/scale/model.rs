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
    /// The model that fits two hosts, with two sizes of gradients. `None` if there are fewer.
    pub fn fitted(on_hosts: &[Measured]) -> Option<Self> {
        let two = || on_hosts.iter().filter(|measured| measured.ranks == 2);
        let (large, small) = (two().max_by_key(|one| one.bytes)?, two().min_by_key(|one| one.bytes)?);
        // With two ranks the exchange takes 2 · rows · α + b / β, twice measured.
        let (b, s) = (large.bytes as f64, small.bytes as f64);
        let [large_rounds, small_rounds] = [large, small].map(|one| 2.0 * rows(one.bytes));
        let determinant = large_rounds * s - small_rounds * b;
        if determinant == 0.0 {
            return None;
        }
        let alpha_us = (large.exchange_us * s - small.exchange_us * b) / determinant;
        let per_byte = (large_rounds * small.exchange_us - small_rounds * large.exchange_us) / determinant;
        let gamma = b / large.copy_us;
        // A link may let the first bytes pass faster than the rest. Then no time is left for the messages.
        if alpha_us < 0.0 {
            return Some(Self { alpha_us: 0.0, beta: b / large.exchange_us, gamma });
        }
        Some(Self { alpha_us, beta: 1.0 / per_byte, gamma })
    }

    /// Microseconds of the exchange of `bytes` between `ranks`.
    pub fn exchange_us(&self, ranks: usize, bytes: u64) -> f64 {
        let n = ranks as f64;
        let rounds = 2.0 * (n - 1.0);
        rounds * rows(bytes) * self.alpha_us + rounds / n * bytes as f64 / self.beta
    }

    /// The share of a step in which a rank computes, if that takes `compute_us`.
    pub fn efficiency(&self, ranks: usize, bytes: u64, compute_us: f64) -> f64 {
        let copies = bytes as f64 / self.gamma;
        if ranks == 1 { 1.0 } else { compute_us / (compute_us + copies + self.exchange_us(ranks, bytes)) }
    }
}

fn rows(bytes: u64) -> f64 {
    (bytes as f64 / ROW).ceil().max(1.0)
}
