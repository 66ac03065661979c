//! Numbers that a training produces one by one, without waiting for the device each time.

use tch::{Device, Tensor, kind::Element};

/// A growing list of scalars that are held in tensors.
///
/// On the CPU, a value is read when it is pushed. From another device, all values are read at once when they are asked for.
#[derive(Debug, Default)]
pub struct Scalars {
    values: Vec<f64>,
    /// Tensors that are still on the device, `[]` or `[k]`, in order.
    pending: Vec<Tensor>,
}

/// How many single tensors are kept before they are joined into one, on the device and without waiting for it.
const JOIN: usize = 512;

impl Scalars {
    /// Numbers that have been read.
    pub(crate) fn of(values: Vec<f64>) -> Self {
        Self { values, pending: Vec::new() }
    }

    /// Appends the value of a tensor with one element.
    ///
    /// # Errors
    /// If the tensor does not have exactly one element, or if libtorch can't read it.
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

    /// All values, in the order in which they were pushed. Waits for the device if some are still there.
    ///
    /// # Errors
    /// If libtorch can't read the values.
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

    /// A copy of all values. Waits for the device if some are still there.
    ///
    /// # Errors
    /// If libtorch can't read the values.
    pub fn to_vec(&self) -> Result<Vec<f64>, tch::TchError> {
        let mut values = self.values.clone();
        if !self.pending.is_empty() {
            values.extend(Vec::<f64>::try_from(Self::join(&self.pending)?)?);
        }
        Ok(values)
    }

    /// How many values there are. Does not wait for the device.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() + self.pending.iter().map(Tensor::numel).sum::<usize>()
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all values.
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

/// The numbers of a tensor of this kind, read without asking libtorch to convert it first.
pub(crate) fn read<T: Element>(tensor: &Tensor) -> Result<Vec<T>, tch::TchError> {
    let mut numbers = vec![T::ZERO; tensor.numel()];
    tensor.f_copy_data(&mut numbers, tensor.numel())?;
    Ok(numbers)
}

/// Whether values are treated as if they were on another device: only in tests, to count the reads.
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

/// How often `run` reads from the device, as if all tensors were on another one.
#[cfg(test)]
pub(crate) fn reads(run: impl FnOnce()) -> usize {
    FAR.set(true);
    READS.set(0);
    run();
    FAR.set(false);
    READS.get()
}
