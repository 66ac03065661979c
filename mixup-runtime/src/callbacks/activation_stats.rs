//! Statistics of the activations inside of a model.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mixup_macros::callback;
use tch::{Kind, Tensor};

use crate::{error::BoxError, training::Values};

/// Publishes mean, standard deviation and the share of numbers near zero of layers' activations in training: `hidden_mean`, `hidden_std`,
/// `hidden_near_zero` for a layer `hidden`. It does not wait for the device.
///
/// `tch` has no hooks on layers, so the model shows its activations to a [`Tap`].
#[derive(Debug)]
pub struct ActivationStats {
    layers: Vec<(String, Tap)>,
    every: usize,
    near: f64,
}

/// The place in a model at which activations are looked at. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct Tap(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    wanted: bool,
    last: Option<Tensor>,
}

impl Tap {
    /// Shows activations, and returns them: `.add_fn(move |x| tap.see(x))` in `nn::seq`.
    pub fn see(&self, activations: &Tensor) -> Tensor {
        let mut seen = self.lock();
        if seen.wanted {
            seen.last = Some(activations.detach());
        }
        activations.shallow_clone()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at each training batch, and takes numbers up to 0.05 as near zero.
impl Default for ActivationStats {
    fn default() -> Self {
        Self { layers: Vec::new(), every: 1, near: 0.05 }
    }
}

impl ActivationStats {
    /// A place in the model, which is published under this name.
    pub fn tap(&mut self, layer: impl Into<String>) -> Tap {
        let tap = Tap::default();
        self.layers.push((layer.into(), tap.clone()));
        tap
    }

    /// Looks at one training batch in `batches`. Defaults to 1.
    #[must_use]
    pub fn every(self, batches: usize) -> Self {
        Self { every: batches, ..self }
    }

    /// Which numbers are near zero: those from `-bound` to `bound`. Defaults to 0.05.
    #[must_use]
    pub fn near_zero(self, bound: f64) -> Self {
        Self { near: bound, ..self }
    }

    fn names(&self) -> Vec<String> {
        let of = |(layer, _): &(String, Tap)| ["mean", "std", "near_zero"].map(|what| format!("{layer}_{what}"));
        self.layers.iter().flat_map(of).collect()
    }
}

#[callback(crate = crate, describe(every, near))]
impl ActivationStats {
    #[on(batch_begin, train, every = self.every)]
    fn look(&self) {
        self.layers.iter().for_each(|(_, tap)| tap.lock().wanted = true);
    }

    #[on(loss_begin, train, every = self.every)]
    fn publish(&self, #[names = self.names()] stats: &mut Values) -> Result<(), BoxError> {
        for (layer, tap) in &self.layers {
            let Some(activations) = tap.lock().last.take() else { continue };
            let numbers = activations.f_to_kind(Kind::Float)?;
            let near = numbers.f_abs()?.f_le(self.near)?.f_to_kind(Kind::Float)?;
            stats.set(&format!("{layer}_mean"), numbers.f_mean(None)?)?;
            stats.set(&format!("{layer}_std"), numbers.f_std(true)?)?;
            stats.set(&format!("{layer}_near_zero"), near.f_mean(None)?)?;
        }
        Ok(())
    }

    #[on(batch_end, always)]
    fn drop_activations(&self) {
        self.layers.iter().for_each(|(_, tap)| *tap.lock() = Seen::default());
    }
}
