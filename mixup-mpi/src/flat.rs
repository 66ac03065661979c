//! Tensors as few long rows of numbers, which ranks exchange.

use mpi::traits::Equivalence;
use tch::{Device, Kind, TchError, Tensor, kind::Element};

use crate::{error::ParallelError, group::Group};

/// The numbers of some tensors: those with floats, those of double precision, and whole numbers, each in a row.
///
/// Half precision is exchanged in single precision, so that a sum of many ranks loses nothing.
#[derive(Debug, Default)]
pub(crate) struct Flat {
    singles: Row<f32>,
    doubles: Row<f64>,
    whole: Row<i64>,
}

/// The numbers of one kind. The memory is kept from step to step.
#[derive(Debug, Default)]
struct Row<T> {
    numbers: Vec<T>,
    /// The sums over all ranks.
    sums: Vec<T>,
    /// How many numbers there are.
    len: usize,
}

/// How many numbers are copied at once: few enough for a core's cache, and for memory that the allocator has at hand.
const PIECE: usize = 1 << 16;

/// The kind in which a tensor is exchanged.
fn exchanged(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::Float | Kind::Half | Kind::BFloat16 => Some(Kind::Float),
        Kind::Double => Some(Kind::Double),
        Kind::Int64 | Kind::Int | Kind::Int16 | Kind::Int8 | Kind::Uint8 | Kind::Bool => Some(Kind::Int64),
        _ => None,
    }
}

impl Flat {
    /// The numbers of these tensors.
    pub(crate) fn of<'a>(named: impl IntoIterator<Item = (&'a str, &'a Tensor)>) -> Result<Self, ParallelError> {
        let mut flat = Self::default();
        flat.fill(named)?;
        Ok(flat)
    }

    /// Takes the numbers of these tensors instead. The memory is kept.
    ///
    /// # Errors
    /// [`ParallelError::Kind`] for a tensor of another kind, and any error from libtorch.
    pub(crate) fn fill<'a>(
        &mut self,
        named: impl IntoIterator<Item = (&'a str, &'a Tensor)>,
    ) -> Result<(), ParallelError> {
        (self.singles.len, self.doubles.len, self.whole.len) = (0, 0, 0);
        for (name, tensor) in named {
            match exchanged(tensor.f_kind()?) {
                Some(Kind::Float) => self.singles.push(tensor)?,
                Some(Kind::Double) => self.doubles.push(tensor)?,
                Some(_) => self.whole.push(tensor)?,
                None => return Err(ParallelError::Kind { name: name.to_owned(), kind: tensor.f_kind()? }),
            }
        }
        Ok(())
    }

    /// Takes one more number, which is exchanged with the others.
    pub(crate) fn push(&mut self, number: f64) {
        self.doubles.push_one(number);
    }

    /// What has become of the number that was pushed last.
    pub(crate) fn pushed(&mut self) -> f64 {
        self.doubles.filled().last().copied().unwrap_or(f64::NAN)
    }

    /// How many bytes there are.
    pub(crate) fn bytes(&self) -> usize {
        self.singles.len * 4 + (self.doubles.len + self.whole.len) * 8
    }

    /// Multiplies the numbers by the share of this rank.
    pub(crate) fn scale(&mut self, share: f64) {
        self.singles.filled().iter_mut().for_each(|number| *number *= share as f32);
        self.doubles.filled().iter_mut().for_each(|number| *number *= share);
    }

    /// Adds the numbers of all ranks.
    pub(crate) fn sum(&mut self, group: &Group) {
        self.singles.sum(group);
        self.doubles.sum(group);
    }

    /// Takes the numbers of the first rank.
    pub(crate) fn take_first(&mut self, group: &Group) {
        group.take_first(self.singles.filled());
        group.take_first(self.doubles.filled());
        group.take_first(self.whole.filled());
    }

    /// Writes the numbers into the tensors that they are from, in the same order.
    ///
    /// # Errors
    /// Any error from libtorch.
    pub(crate) fn write<'a>(&self, tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<(), TchError> {
        let (mut singles, mut doubles, mut whole) = (0, 0, 0);
        tch::no_grad(|| {
            tensors.into_iter().try_for_each(|tensor| match exchanged(tensor.f_kind()?) {
                Some(Kind::Float) => self.singles.write(&mut singles, tensor),
                Some(Kind::Double) => self.doubles.write(&mut doubles, tensor),
                _ => self.whole.write(&mut whole, tensor),
            })
        })
    }
}

impl<T: Element + Equivalence + Copy + Default> Row<T> {
    fn push(&mut self, tensor: &Tensor) -> Result<(), TchError> {
        let (begin, count) = (self.len, tensor.numel());
        self.len += count;
        if self.numbers.len() < self.len {
            self.numbers.resize(self.len, T::default());
        }
        let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(T::KIND)?;
        tensor.f_copy_data(&mut self.numbers[begin..], count)
    }

    fn push_one(&mut self, number: T) {
        self.numbers.truncate(self.len);
        self.numbers.push(number);
        self.len += 1;
    }

    fn filled(&mut self) -> &mut [T] {
        &mut self.numbers[..self.len]
    }

    fn sum(&mut self, group: &Group) {
        if self.sums.len() < self.len {
            self.sums.resize(self.len, T::default());
        }
        group.sum(&self.numbers[..self.len], &mut self.sums[..self.len]);
        std::mem::swap(&mut self.numbers, &mut self.sums);
    }

    /// Writes the numbers from `at` on, and moves it behind them.
    fn write(&self, at: &mut usize, tensor: &Tensor) -> Result<(), TchError> {
        let numbers = &self.numbers[*at..][..tensor.numel()];
        *at += numbers.len();
        if !tensor.is_contiguous() {
            let numbers = Tensor::f_from_slice(numbers)?.f_view(&tensor.size()[..])?;
            tensor.shallow_clone().f_copy_(&numbers)?;
            return Ok(());
        }
        let tensor = tensor.f_view([-1])?;
        for (piece, numbers) in numbers.chunks(PIECE).enumerate() {
            let mut place = tensor.f_narrow(0, (piece * PIECE) as i64, numbers.len() as i64)?;
            place.f_copy_(&Tensor::f_from_slice(numbers)?)?;
        }
        Ok(())
    }
}
