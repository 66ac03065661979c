//! Why a batch can't be mixed: the facts, in one enum for the whole family.

use tch::{Kind, TchError};

use super::CutBox;

/// Why a batch can't be mixed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MixUpError {
    /// An alpha without a Beta distribution.
    #[error("alpha is {alpha}: Beta(alpha, alpha) needs a finite alpha above 0; 0.4 is usual")]
    Alpha {
        /// The alpha given.
        alpha: f64,
    },
    /// Two numbers without a Beta distribution.
    #[error("there is no Beta({a}, {b}): both must be finite numbers above 0")]
    Beta {
        /// The first number given.
        a: f64,
        /// The second.
        b: f64,
    },
    /// A chance that is none.
    #[error("`{name}` is {value}: a probability is between 0 and 1")]
    Probability {
        /// The option's name.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// Inputs that can't be weighed.
    #[error(
        "inputs of kind {kind:?} can't be mixed: turn them into a floating kind first, with `to_kind(Kind::Float)`"
    )]
    InputKind {
        /// Their kind.
        kind: Kind,
    },
    /// Dense targets that can't be weighed.
    #[error("dense targets of kind {kind:?} can't be mixed: they must be of a floating kind")]
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
    /// Input tensors of different length.
    #[error(
        "the batch's first input tensor has {expected} items and tensor {position} has {found}: there must be as many"
    )]
    Inputs {
        /// The tensor's place, counted from 0.
        position: usize,
        /// The first tensor's first dimension.
        expected: usize,
        /// This tensor's first dimension.
        found: usize,
    },
    /// Inputs and targets of different length.
    #[error("the batch has {inputs} inputs and {targets} targets: there must be a target for each input")]
    Lengths {
        /// The inputs' first dimension.
        inputs: usize,
        /// The targets' first dimension.
        targets: usize,
    },
    /// Draws for another batch.
    #[error("there are {draws} draws for a batch of {items}: there must be one for each item")]
    Draws {
        /// How many draws.
        draws: usize,
        /// How many items.
        items: usize,
    },
    /// Weights and partners of different length.
    #[error("there are {weights} weights and {partners} partners: there must be as many")]
    DrawsLengths {
        /// How many weights.
        weights: usize,
        /// How many partners.
        partners: usize,
    },
    /// A weight outside of 0 to 1.
    #[error("the weight of item {item} is {weight}: it must be between 0 and 1")]
    Weight {
        /// The item's place in the batch.
        item: usize,
        /// Its weight.
        weight: f64,
    },
    /// Partners that are no permutation.
    #[error("the partners are no permutation of 0 to {last}: item {item} has the partner {partner}")]
    Partner {
        /// The first item whose partner is out of range or taken.
        item: usize,
        /// Its partner.
        partner: usize,
        /// The greatest number allowed.
        last: usize,
    },
    /// `stack_x` with a model of several inputs.
    #[error("`stack_x` takes one input tensor and the batch has {tensors}: set it to false to have each of them mixed")]
    StackSeveral {
        /// How many.
        tensors: usize,
    },
    /// A batch that is mixed already.
    #[error("the batch is mixed already: use one mixing callback, and `MixUpOrCutMix` for two by turns")]
    Again,
    /// Something that boxes can't be cut out of.
    #[error("CutMix takes images `[n, c, h, w]`, none of these 0, and the input is {got:?}")]
    Images {
        /// The input's shape.
        got: Vec<i64>,
    },
    /// CutMix with a model of several inputs.
    #[error("CutMix takes one tensor of images and the batch has {tensors} tensors: a box fits one of them only")]
    CutSeveral {
        /// How many.
        tensors: usize,
    },
    /// Boxes for another batch.
    #[error("there are {boxes} boxes for a batch of {items}: there must be one for each image, or one for all")]
    Boxes {
        /// How many boxes.
        boxes: usize,
        /// How many items.
        items: usize,
    },
    /// A box that reaches over the border.
    #[error("the box of image {item}, {found}, does not lie within the image of {height}×{width}")]
    Outside {
        /// The image's place in the batch.
        item: usize,
        /// The box.
        found: CutBox,
        /// The images' height.
        height: usize,
        /// Their width.
        width: usize,
    },
    /// libtorch refused.
    #[error("{}", crate::error::brief(.0))]
    Torch(#[from] TchError),
}
