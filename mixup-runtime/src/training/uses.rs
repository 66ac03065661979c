//! What a training step uses of what callbacks may change.

/// Something that callbacks may change before or during a training step. A [`TrainStep`](crate::learner::TrainStep) declares which of it it uses, so
/// that a callback whose changes would have no effect is rejected before the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Uses {
    /// The batch's input, `last_input`.
    Input,
    /// The batch's target, `last_target`.
    Target,
    /// The output of the model's forward pass on the batch, `last_output`.
    Output,
    /// The learner's loss function, `loss_func`.
    LossFunc,
}

impl Uses {
    /// All of it, as the learner's own step uses it.
    pub const ALL: &[Self] = &[Self::Input, Self::Target, Self::Output, Self::LossFunc];

    /// The name in the table of hooks.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "last_input",
            Self::Target => "last_target",
            Self::Output => "last_output",
            Self::LossFunc => "loss_func",
        }
    }
}
