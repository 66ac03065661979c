//! Where the numbers of a tensor are in memory.

use tch::{Device, Tensor};

/// The memory from the first number of a tensor to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    device: Device,
    begin: usize,
    bytes: usize,
    dense: bool,
}

impl Span {
    /// `None` for a tensor that has no numbers, or no single piece of memory that holds them all.
    pub(crate) fn of(tensor: &Tensor) -> Option<Self> {
        Strided::of(tensor).map(|strided| strided.span)
    }

    pub(super) fn device(self) -> Device {
        self.device
    }

    /// The address of the first number.
    pub(super) fn begin(self) -> usize {
        self.begin
    }

    /// The address after the last number.
    pub(super) fn end(self) -> usize {
        self.begin + self.bytes
    }

    pub(super) fn bytes(self) -> usize {
        self.bytes
    }

    /// Whether each byte belongs to exactly one number, in any order of dimensions.
    pub(crate) fn is_dense(self) -> bool {
        self.dense
    }

    /// Whether the tensor begins in this memory.
    pub(crate) fn holds_begin_of(self, tensor: &Tensor) -> bool {
        let within = |begin| (self.begin..self.begin + self.bytes).contains(&begin);
        self.device == tensor.device() && begin(tensor).is_some_and(within)
    }

    /// Whether the two have a byte in common.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.device == other.device && self.begin < other.begin + other.bytes && other.begin < self.begin + self.bytes
    }
}

/// The layout of a tensor's numbers in one piece of memory.
#[derive(Debug)]
pub(crate) struct Strided {
    size: Vec<i64>,
    stride: Vec<i64>,
    span: Span,
}

impl Strided {
    /// `None` as for [`Span::of`].
    pub(crate) fn of(tensor: &Tensor) -> Option<Self> {
        let begin = begin(tensor)?;
        let size = tensor.size();
        if size.contains(&0) {
            return None;
        }
        let stride = tensor.stride();
        let mut dimensions: Vec<_> = stride.iter().zip(&size).filter(|(_, n)| **n > 1).collect();
        dimensions.sort_unstable();
        let (mut last, mut next, mut dense) = (0, 1, true);
        for (stride, size) in dimensions {
            dense &= *stride == next;
            next = stride * size;
            last += stride * (size - 1);
        }
        let bytes = usize::try_from(last + 1).ok()? * tensor.kind().elt_size_in_bytes();
        let span = Span { device: tensor.device(), begin, bytes, dense };
        Some(Self { size, stride, span })
    }

    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// Whether numbers with the same index are at the same place in both. The stride of a dimension of one index does not matter.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let strides = self.stride.iter().zip(&other.stride).zip(&self.size);
        self.size == other.size && strides.into_iter().all(|((own, other), size)| own == other || *size == 1)
    }

    /// The length of the first dimension; 1 for a single number.
    pub(crate) fn rows(&self) -> i64 {
        self.size.first().copied().unwrap_or(1)
    }

    /// Whether a tensor with the layout `other` can be the first rows of this one, or all of them.
    pub(crate) fn begins_like(&self, other: &Self) -> bool {
        self.stride == other.stride
            && self.size.iter().skip(1).eq(other.size.iter().skip(1))
            && other.rows() <= self.rows()
    }

    /// Whether each row, the numbers of one index of the first dimension, is dense and begins where the one before it ends.
    pub(crate) fn is_in_rows(&self) -> bool {
        let row = |apart: &i64| self.rows() == 1 || self.rows() * apart == self.size.iter().product::<i64>();
        self.span.dense && self.stride.first().is_some_and(row)
    }
}

/// The address of the tensor's first number; `None` if its memory is not one piece.
fn begin(tensor: &Tensor) -> Option<usize> {
    // Sparse tensors of the compressed layouts have sparse dimensions; opaque tensors return an error. Neither has a pointer.
    if tensor.is_sparse() || !tensor.f_sparse_dim().is_ok_and(|sparse| sparse == 0) {
        return None;
    }
    let begin = tensor.data_ptr().addr();
    (begin != 0).then_some(begin)
}
