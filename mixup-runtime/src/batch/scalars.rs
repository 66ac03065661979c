//! Numbers that come out of a training one by one, without waiting for the device at each.

use tch::{Device, Tensor, kind::Element};

/// A growing list of scalars that tensors hold.
///
/// On the CPU a value is read when it comes; from another device all are read at once, when somebody looks.
#[derive(Debug, Default)]
pub struct Scalars {
    values: Vec<f64>,
    /// On the device still, `[]` or `[k]`, in order.
    pending: Vec<Tensor>,
}

/// How many single tensors are kept before they are joined to one, on the device and without waiting for it.
const JOIN: usize = 512;

impl Scalars {
    /// Adds the value of a tensor of one element.
    ///
    /// # Errors
    /// A tensor of more or fewer than one element; what libtorch says of one that can't be read.
    pub fn push(&mut self, scalar: &Tensor) -> Result<(), tch::TchError> {
        if scalar.numel() != 1 {
            let size = scalar.size();
            return Err(tch::TchError::Shape(format!("one number is wanted, and the tensor has the shape {size:?}")));
        }
        if scalar.device() == Device::Cpu && !is_far() {
            self.values.push(scalar.f_double_value(&[])?);
        } else {
            self.pending.push(scalar.detach());
            if self.pending.len() == JOIN {
                self.pending = vec![Self::join(&self.pending)?];
            }
        }
        Ok(())
    }

    /// All values, in the order in which they came; waits for the device where some are still there.
    ///
    /// # Errors
    /// What libtorch says when they can't be read.
    pub fn values(&mut self) -> Result<&[f64], tch::TchError> {
        if !self.pending.is_empty() {
            let joined = Self::join(&self.pending)?;
            #[cfg(test)]
            READS.set(READS.get() + 1);
            let read: Vec<f64> = Vec::try_from(joined)?;
            self.pending.clear();
            self.values.extend(read);
        }
        Ok(&self.values)
    }

    /// How many there are; waits for nothing.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() + self.pending.iter().map(Tensor::numel).sum::<usize>()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.values.clear();
        self.pending.clear();
    }

    fn join(scalars: &[Tensor]) -> Result<Tensor, tch::TchError> {
        let flat = scalars
            .iter()
            .map(|scalar| scalar.f_to_kind(tch::Kind::Double)?.f_reshape([-1]))
            .collect::<Result<Vec<_>, _>>()?;
        Tensor::f_cat(&flat, 0)
    }
}

/// The numbers of a tensor that is of this kind: without asking libtorch for a tensor of this kind first.
pub(crate) fn read<T: Element>(tensor: &Tensor) -> Result<Vec<T>, tch::TchError> {
    let mut numbers = vec![T::ZERO; tensor.numel()];
    tensor.f_copy_data(&mut numbers, tensor.numel())?;
    Ok(numbers)
}

/// Whether values are left where they are as if they lay on another device: only in tests, to count what is read from there.
#[cfg(not(test))]
const fn is_far() -> bool {
    false
}

#[cfg(test)]
fn is_far() -> bool {
    FAR.get()
}

#[cfg(test)]
thread_local! {
    static FAR: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    static READS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How often `run` reads from the device, as if all tensors lay on another one.
#[cfg(test)]
pub(crate) fn reads(run: impl FnOnce()) -> usize {
    FAR.set(true);
    READS.set(0);
    run();
    FAR.set(false);
    READS.get()
}
