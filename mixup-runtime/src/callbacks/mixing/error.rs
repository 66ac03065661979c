//! Why a batch can't be mixed: one error for the whole family.

use tch::{Kind, TchError};

use super::CutBox;

/// Why a batch can't be mixed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum MixUpError {
    /// An alpha without a Beta distribution.
    #[error("alpha is {alpha}: Beta(alpha, alpha) needs a finite alpha above 0; 0.4 is usual")]
    Alpha {
        /// The alpha given.
        alpha: f64,
    },
    /// Two parameters without a Beta distribution.
    #[error("there is no Beta({a}, {b}): both must be finite numbers above 0")]
    Beta {
        /// The first parameter given.
        a: f64,
        /// The second.
        b: f64,
    },
    /// A probability outside of 0 to 1.
    #[error("`{name}` is {value}: a probability must be between 0 and 1")]
    Probability {
        /// The option's name.
        name: &'static str,
        /// The value given.
        value: f64,
    },
    /// Inputs that can't be weighted.
    #[error(
        "inputs of kind {kind:?} can't be mixed: convert them to a floating-point kind first, with `to_kind(Kind::Float)`"
    )]
    InputKind {
        /// Their kind.
        kind: Kind,
    },
    /// Dense targets that can't be weighted.
    #[error("dense targets of kind {kind:?} can't be mixed: they must be of a floating-point kind")]
    TargetKind {
        /// Their kind.
        kind: Kind,
    },
    /// Class indices with `stack_y` false.
    #[error("class indices can't be mixed as numbers: leave `stack_y` true, or make the targets one-hot")]
    MixedClasses,
    /// A batch without items.
    #[error("the batch is empty: there is nothing to mix")]
    Empty,
    /// Input tensors of different lengths.
    #[error(
        "the batch's first input tensor has {expected} items but tensor {position} has {found}: all must have the same number"
    )]
    Inputs {
        /// The tensor's position, counted from 0.
        position: usize,
        /// The first tensor's first dimension.
        expected: usize,
        /// This tensor's first dimension.
        found: usize,
    },
    /// Inputs and targets of different lengths.
    #[error("the batch has {inputs} inputs but {targets} targets: there must be one target for each input")]
    Lengths {
        /// The inputs' first dimension.
        inputs: usize,
        /// The targets' first dimension.
        targets: usize,
    },
    /// Draws for another batch.
    #[error("there are {draws} draws for a batch of {items}: there must be one for each item")]
    Draws {
        /// The number of draws.
        draws: usize,
        /// The number of items.
        items: usize,
    },
    /// Weights and partners of different lengths.
    #[error("there are {weights} weights but {partners} partners: there must be as many of each")]
    DrawsLengths {
        /// The number of weights.
        weights: usize,
        /// The number of partners.
        partners: usize,
    },
    /// A weight outside of 0 to 1.
    #[error("the weight of item {item} is {weight}: it must be between 0 and 1")]
    Weight {
        /// The item's position in the batch.
        item: usize,
        /// Its weight.
        weight: f64,
    },
    /// Partners that are not a permutation.
    #[error("the partners are not a permutation of 0 to {last}: item {item} has the partner {partner}")]
    Partner {
        /// The first item whose partner is out of range or already taken.
        item: usize,
        /// Its partner.
        partner: usize,
        /// The greatest number allowed.
        last: usize,
    },
    /// `stack_x` with a model of several inputs.
    #[error("`stack_x` takes one input tensor but the batch has {tensors}: set it to false to mix each of them")]
    StackSeveral {
        /// The number of tensors.
        tensors: usize,
    },
    /// A batch that is mixed already.
    #[error("the batch is mixed already: use one mixing callback, or `MixUpOrCutMix` to alternate between two")]
    Again,
    /// Inputs that boxes can't be cut out of.
    #[error("CutMix takes images `[n, c, h, w]`, none of these 0, but the input is {got:?}")]
    Images {
        /// The input's shape.
        got: Vec<i64>,
    },
    /// CutMix with a model of several inputs.
    #[error("CutMix takes one tensor of images but the batch has {tensors} tensors: a box fits only one of them")]
    CutSeveral {
        /// The number of tensors.
        tensors: usize,
    },
    /// Boxes for another batch.
    #[error("there are {boxes} boxes for a batch of {items}: there must be one for each image, or one for all")]
    Boxes {
        /// The number of boxes.
        boxes: usize,
        /// The number of items.
        items: usize,
    },
    /// A box that extends beyond the border.
    #[error("the box of image {item}, {found}, does not lie within the image of {height}×{width}")]
    Outside {
        /// The image's position in the batch.
        item: usize,
        /// The box.
        found: CutBox,
        /// The images' height.
        height: usize,
        /// Their width.
        width: usize,
    },
    /// An error from libtorch.
    #[error("{}", crate::error::brief(.0))]
    Torch(#[from] TchError),
}

crate::error::debug_with_sources!(MixUpError);
