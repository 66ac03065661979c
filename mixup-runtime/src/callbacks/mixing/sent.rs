//! A batch's draws as tensors on its device, made only where somebody asks for them.
//!
//! To another device both go in one small copy, and nothing waits for it: the partners, and behind them the weights' bits,
//! as numbers of one kind, which the device looks at as two.

use std::cell::OnceCell;

use tch::{Device, Kind, TchError, Tensor};

use super::{Draws, cycles::Pairs};
use crate::batch::{Target, read};

/// The draws, and the tensors of them that were needed so far.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    draws: &'a Draws,
    kind: Kind,
    device: Device,
    weight: OnceCell<Tensor>,
    partner: OnceCell<Tensor>,
}

impl<'a> Sent<'a> {
    /// `draws` for a batch on `device`, with weights of `kind`: `f64`, or else `f32`.
    pub(super) fn new(draws: &'a Draws, kind: Kind, device: Device) -> Self {
        Self { draws, kind, device, weight: OnceCell::new(), partner: OnceCell::new() }
    }

    /// Who is mixed with whom, for the kernel.
    pub(super) fn pairs(&self) -> Option<Pairs<'a>> {
        Pairs::new(self.draws.partners(), self.draws.weights())
    }

    /// Each item's own weight, `[n]`.
    pub(super) fn weight(&self) -> Result<Tensor, TchError> {
        if let Some(weight) = self.weight.get() {
            return Ok(weight.shallow_clone());
        }
        let weight = if self.device == Device::Cpu {
            if self.kind == Kind::Double {
                Tensor::f_from_slice(self.draws.weights())?
            } else {
                Tensor::f_from_slice(&self.singles().collect::<Vec<_>>())?
            }
        } else {
            self.both()?.1
        };
        Ok(self.weight.get_or_init(|| weight).shallow_clone())
    }

    /// Each item's partner, `[n]`, i64.
    pub(super) fn partner(&self) -> Result<Tensor, TchError> {
        if let Some(partner) = self.partner.get() {
            return Ok(partner.shallow_clone());
        }
        let partner = if self.device == Device::Cpu {
            Tensor::f_from_slice(&self.indices().collect::<Vec<_>>())?
        } else {
            self.both()?.0
        };
        Ok(self.partner.get_or_init(|| partner).shallow_clone())
    }

    /// Each item's partner's target.
    pub(super) fn partners_of(&self, target: &Target) -> Result<Target, TchError> {
        match target {
            // A few numbers in the CPU's memory are faster moved than handed to a kernel.
            Target::Classes(labels) if labels.device() == Device::Cpu && labels.dim() == 1 => {
                let own = read::<i64>(labels)?;
                let partners: Vec<_> = self.draws.partners().iter().map(|&partner| own[partner]).collect();
                Ok(Target::Classes(Tensor::f_from_slice(&partners)?))
            }
            target => target.index_select(&self.partner()?),
        }
    }

    fn singles(&self) -> impl Iterator<Item = f32> {
        self.draws.weights().iter().map(|&weight| weight as f32)
    }

    fn indices(&self) -> impl Iterator<Item = i64> {
        self.draws.partners().iter().map(|&partner| partner as i64)
    }

    /// Partners and weights by one copy, and both remembered.
    fn both(&self) -> Result<(Tensor, Tensor), TchError> {
        // CUDA takes a small copy out of ordinary memory before the call returns: the source need not outlive it.
        let no_wait = matches!(self.device, Device::Cuda(_));
        let packed = self.packed()?.f_to_device_(self.device, Kind::Int64, no_wait, false)?;
        let (partner, weight) = self.unpacked(&packed)?;
        let partner = self.partner.get_or_init(|| partner).shallow_clone();
        Ok((partner, self.weight.get_or_init(|| weight).shallow_clone()))
    }

    /// The partners, and behind them the weights' bits: one for each `i64`, or two where they are `f32`.
    fn packed(&self) -> Result<Tensor, TchError> {
        let mut numbers: Vec<i64> = self.indices().collect();
        if self.kind == Kind::Double {
            numbers.extend(self.draws.weights().iter().map(|weight| weight.to_bits().cast_signed()));
        } else {
            let singles: Vec<_> = self.singles().collect();
            numbers.extend(singles.chunks(2).map(|pair| {
                let mut bytes = [0; 8];
                for (place, single) in bytes.chunks_mut(4).zip(pair) {
                    place.copy_from_slice(&single.to_ne_bytes());
                }
                i64::from_ne_bytes(bytes)
            }));
        }
        Tensor::f_from_slice(&numbers)
    }

    /// The two that lie in a packed tensor; they share its memory.
    fn unpacked(&self, packed: &Tensor) -> Result<(Tensor, Tensor), TchError> {
        let items = self.draws.len() as i64;
        let kind = if self.kind == Kind::Double { Kind::Double } else { Kind::Float };
        let weights = packed.f_slice(0, items, None, 1)?.f_view_dtype(kind)?;
        Ok((packed.f_narrow(0, 0, items)?, weights.f_narrow(0, 0, items)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_in_one_copy_is_what_is_made_in_two() {
        for items in [1, 2, 3, 64, 65] {
            let lambdas = (0..items).map(|item| 0.5 + item as f64 / 1e3).collect();
            let draws = Draws::new(lambdas, (0..items).rev().collect()).expect("a permutation");
            for kind in [Kind::Float, Kind::Double] {
                let sent = Sent::new(&draws, kind, Device::Cpu);
                let (partner, weight) = sent.unpacked(&sent.packed().expect("numbers")).expect("they lie there");
                assert_eq!((weight.kind(), weight.size()), (kind, vec![items as i64]));
                assert!(weight.equal(&sent.weight().expect("numbers")), "{items} {kind:?}");
                assert!(partner.equal(&sent.partner().expect("numbers")), "{items} {kind:?}");
            }
        }
    }
}
