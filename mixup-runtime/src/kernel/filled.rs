//! New tensors that are written once, number by number.
//!
//! libtorch's own ways to make a tensor from a slice fill it with zeros first, on all of its threads. A thread that makes batches must not start
//! threads of its own, and memory that is written twice costs twice.

#![allow(unsafe_code, reason = "tch offers the memory of a tensor as a pointer only")]

use std::mem::MaybeUninit;

use tch::{Device, TchError, Tensor};

use super::memory::{Number, plain};

/// The numbers of a new tensor that are not written yet.
pub(crate) struct Unwritten<'a, T> {
    rest: &'a mut [MaybeUninit<T>],
}

impl<T> Unwritten<'_, T> {
    /// Writes the next numbers. What does not fit is dropped.
    pub(crate) fn extend(&mut self, numbers: impl IntoIterator<Item = T>) {
        let rest = std::mem::take(&mut self.rest);
        let mut written = 0;
        for (place, number) in rest.iter_mut().zip(numbers) {
            place.write(number);
            written += 1;
        }
        self.rest = rest.get_mut(written..).unwrap_or_default();
    }
}

/// A new tensor on the CPU with the numbers that `write` writes; `None` if it did not write all of them.
pub(crate) fn filled<T: Number>(
    size: &[i64],
    write: impl FnOnce(&mut Unwritten<'_, T>) + Sync,
) -> Result<Option<Tensor>, TchError> {
    let tensor = Tensor::f_empty(size, (T::KIND, Device::Cpu))?;
    if tensor.numel() == 0 {
        return Ok(Some(tensor));
    }
    let Some(layout) = plain::<T>(&tensor) else { return Ok(None) };
    let numbers = layout.span().bytes() / size_of::<T>();
    // SAFETY: `plain` has checked that the tensor has this many numbers of type `T`, aligned and without gaps. Nobody else has the tensor, and it
    // outlives the slice. The memory may be unwritten, which `MaybeUninit` allows.
    let rest = unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<MaybeUninit<T>>(), numbers) };
    let mut unwritten = Unwritten { rest };
    write(&mut unwritten);
    let all = unwritten.rest.is_empty();
    Ok(all.then_some(tensor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_has_the_numbers_that_were_written() {
        let made = filled(&[2, 3], |out: &mut Unwritten<'_, f32>| {
            out.extend([1.0, 2.0]);
            out.extend([3.0, 4.0, 5.0, 6.0, 7.0]);
        });
        let made = made.expect("there is memory").expect("all were written");
        assert_eq!(Vec::<f32>::try_from(made.flatten(0, -1)).expect("numbers"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn a_tensor_that_was_not_written_to_its_end_is_not_returned() {
        assert!(
            filled(&[3], |out: &mut Unwritten<'_, f32>| out.extend([1.0, 2.0])).expect("there is memory").is_none()
        );
        assert!(filled(&[0], |_: &mut Unwritten<'_, f32>| ()).expect("no memory is needed").is_some());
    }
}
