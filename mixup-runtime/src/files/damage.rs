//! What can be wrong with the bytes of a file.

/// What is wrong with the bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The file ends too early.
    #[error("it has {found} bytes, and should have {wanted}: it was cut off, or is no safetensors file")]
    Truncated {
        /// How many bytes it has.
        found: u64,
        /// How many it should have, at least.
        wanted: u64,
    },
    /// The file goes on after its end.
    #[error("it has {found} bytes, and its tensors end after {wanted}: something was added to it")]
    TooLong {
        /// How many bytes it has.
        found: u64,
        /// How many it should have.
        wanted: u64,
    },
    /// The header is longer than the format allows.
    #[error("its header would have {bytes} bytes, and the format allows {limit}: it is no safetensors file")]
    Header {
        /// The length that the file gives.
        bytes: u64,
        /// The longest that is allowed.
        limit: u64,
    },
    /// The header is not what the format wants: no JSON, unknown kinds, shapes that do not fit the bytes, gaps or overlaps.
    #[error("its header is wrong: {reason}")]
    Malformed {
        /// What is wrong, in the words of who reads it.
        reason: String,
    },
    /// The header is not written as this library writes it.
    #[error("its header is not as it was written")]
    NotCanonical,
    /// There is no digest, so this library has not written it.
    #[error(
        "it has no digest, so this library has not written it: weights of other programs are read with `load` and `load_matching`"
    )]
    NoDigest,
    /// The digest is not that of the content.
    #[error("its content does not have the digest that it should have: some bytes have changed since it was written")]
    Digest,
    /// A newer version of this library has written it.
    #[error("it is of version `{found}`, and this library reads up to version {known}: a newer one has written it")]
    Newer {
        /// The version of the file.
        found: String,
        /// The newest version that can be read.
        known: u32,
    },
    /// A tensor has a kind that libtorch does not have.
    #[error("the tensor `{name}` is of the kind {kind}, which libtorch does not have")]
    Kind {
        /// The tensor.
        name: String,
        /// The kind's name in safetensors.
        kind: String,
    },
    /// A tensor can't exist.
    #[error("the tensor `{name}` can't be: {reason}")]
    Tensor {
        /// The tensor.
        name: String,
        /// Why.
        reason: String,
    },
}
