//! A batch's draws as tensors on its device, made on demand.
//!
//! Both go to another device in one small copy, which nothing waits for: the partners, followed by the bits of the weights, as
//! numbers of one kind that the device views as two.

use std::cell::OnceCell;

use tch::{Device, Kind, TchError, Tensor};

use super::{Draws, cycles::Pairs};
use crate::batch::{Target, read};

/// The draws, and those of their tensors that were needed so far.
#[derive(Debug)]
pub(super) struct DeviceDraws<'a> {
    draws: &'a Draws,
    kind: Kind,
    device: Device,
    weight: OnceCell<Tensor>,
    partner: OnceCell<Tensor>,
}

impl<'a> DeviceDraws<'a> {
    /// `draws` for a batch on `device`, with weights of `kind`: `f64` for [`Kind::Double`], else `f32`.
    pub(super) fn new(draws: &'a Draws, kind: Kind, device: Device) -> Self {
        Self { draws, kind, device, weight: OnceCell::new(), partner: OnceCell::new() }
    }

    /// Which rows are blended with which, for the CPU.
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

    /// The target of each item's partner.
    pub(super) fn partners_of(&self, target: &Target) -> Result<Target, TchError> {
        match target {
            // To move a few numbers in the CPU's memory is faster than to call one of libtorch's kernels.
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

    /// Partners and weights by one copy; both are kept.
    fn both(&self) -> Result<(Tensor, Tensor), TchError> {
        // CUDA reads the source of a small copy from pageable memory before the call returns, so it need not outlive the call.
        let no_wait = matches!(self.device, Device::Cuda(_));
        let packed = self.packed()?.f_to_device_(self.device, Kind::Int64, no_wait, false)?;
        let (partner, weight) = self.unpacked(&packed)?;
        let partner = self.partner.get_or_init(|| partner).shallow_clone();
        Ok((partner, self.weight.get_or_init(|| weight).shallow_clone()))
    }

    /// The partners, followed by the bits of the weights: one weight in each `i64`, or two if they are `f32`.
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

    /// The two tensors in a packed one; they share its memory.
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
    fn draws_sent_in_one_copy_equal_those_sent_one_by_one() {
        for items in [1, 2, 3, 64, 65] {
            let lambdas = (0..items).map(|item| 0.5 + item as f64 / 1e3).collect();
            let draws = Draws::new(lambdas, (0..items).rev().collect()).expect("a permutation");
            for kind in [Kind::Float, Kind::Double] {
                let draws = DeviceDraws::new(&draws, kind, Device::Cpu);
                let (partner, weight) = draws.unpacked(&draws.packed().expect("numbers")).expect("they lie there");
                assert_eq!((weight.kind(), weight.size()), (kind, vec![items as i64]));
                assert!(weight.equal(&draws.weight().expect("numbers")), "{items} {kind:?}");
                assert!(partner.equal(&draws.partner().expect("numbers")), "{items} {kind:?}");
            }
        }
    }
}
