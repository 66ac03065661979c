//! A loss function with several tasks: each has a loss function for its own target, and their losses are weighted and added.

use std::{fmt, ops::Range};

use tch::{TchError, Tensor};

use super::{
    Loss, LossError, LossParts, Reduction,
    addends::{Addends, is_weight},
};
use crate::{batch::Target, error::BoxError, state::Stateful};

/// The part of the output that belongs to a task, by indices in dimension 1.
///
/// A range keeps the dimension: `0..10` of `[n, 12]` is `[n, 10]`. A single index drops it: `10` of `[n, 12]` is `[n]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Columns {
    /// One column, `[n, d…]`.
    One(usize),
    /// A range of columns, `[n, k, d…]`.
    Range(Range<usize>),
}

impl From<usize> for Columns {
    fn from(column: usize) -> Self {
        Self::One(column)
    }
}

impl From<Range<usize>> for Columns {
    fn from(columns: Range<usize>) -> Self {
        Self::Range(columns)
    }
}

/// `column 10`, `columns 0..10`.
impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(column) => write!(f, "column {column}"),
            Self::Range(columns) => write!(f, "columns {columns:?}"),
        }
    }
}

impl Columns {
    /// This part of the output; `None` if the output does not have it.
    fn of(&self, output: &Tensor) -> Result<Option<Tensor>, TchError> {
        let there = output.size().get(1).and_then(|&columns| usize::try_from(columns).ok()).unwrap_or(0);
        Ok(match self {
            Self::One(column) if *column < there => Some(output.f_select(1, *column as i64)?),
            Self::Range(columns) if columns.start < columns.end && columns.end <= there => {
                Some(output.f_narrow(1, columns.start as i64, columns.len() as i64)?)
            }
            _ => None,
        })
    }
}

/// A loss function for multi-task learning: one loss function for each of several targets ([`Target::Several`]), each on its own
/// columns of the output, weighted and added.
///
/// Output `[n, columns]` or `[n, columns, d…]`. The tasks are in the order of the targets. With `Mean` the loss is the weighted
/// sum of the tasks' means. With `None` it is `[n]`; if a task has several losses for an item, their mean counts. `Sum` is the
/// sum of these. Mixed targets are mixed task by task. Activation: that of each task on its columns; all other columns stay as
/// they are.
///
/// The loss of a task with a name ([`named`](Self::named)) is published under it, as that of a part of
/// [`LossSum`](super::LossSum).
///
/// For a model whose outputs are not in one tensor, there is [`LossSum`](super::LossSum).
///
/// ```
/// use mixup::{batch::Target, loss::{CrossEntropy, Loss, Mse, MultiTask, Reduction}};
/// use tch::{Device, Kind, Tensor};
///
/// // Ten scores for a digit, and one number for its slant, which counts half.
/// let loss = MultiTask::new().task(0..10, 1.0, CrossEntropy::default())?.named("digit")?.task(10, 0.5, Mse)?.named("slant")?;
/// let digit = Target::from(Tensor::from_slice(&[3_i64, 7]));
/// let slant = Target::from(Tensor::from_slice(&[0.1_f32, -0.2]));
/// let output = Tensor::zeros([2, 11], (Kind::Float, Device::Cpu));
/// let losses = loss.loss(&output, &Target::several([digit, slant])?, Reduction::None)?;
/// assert_eq!(losses.size(), [2]);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Default)]
pub struct MultiTask {
    /// The columns of each task.
    columns: Vec<Columns>,
    tasks: Addends<Tensor>,
}

impl MultiTask {
    const NAME: &str = "MultiTask";

    /// Creates a loss function without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a task for the next target: its columns of the output, the weight of its loss, and its loss function.
    ///
    /// # Errors
    /// [`LossError::TaskWeight`] if the weight is negative or not a finite number.
    pub fn task(mut self, columns: impl Into<Columns>, weight: f64, loss: impl Loss) -> Result<Self, LossError> {
        if !is_weight(weight) {
            return Err(LossError::TaskWeight { task: self.tasks.len(), weight });
        }
        self.columns.push(columns.into());
        self.tasks.push(weight, loss);
        Ok(self)
    }

    /// Names the task that was added last. Its loss, without the weight, is then published: with the name `slant`, the value
    /// `slant` in training, and `valid_slant` in validation.
    ///
    /// # Errors
    /// [`LossError::PartName`] if the name is empty, or that of another task; [`LossError::NoPart`] if there is no task yet.
    pub fn named(mut self, name: impl Into<String>) -> Result<Self, LossError> {
        self.tasks.name_last(Self::NAME, name.into())?;
        Ok(self)
    }

    /// The targets of a batch, one for each task.
    fn targets<'a>(&self, target: &'a Target) -> Result<&'a [Target], LossError> {
        let (wanted, loss) = (self.tasks.len(), Self::NAME);
        match target {
            Target::Several(several) if several.len() == wanted => Ok(several.targets()),
            Target::Several(several) => Err(LossError::Targets { loss, wanted, got: several.len() }),
            Target::Mixed { .. } => Err(super::error::unmixed(loss, target)),
            Target::Classes(_) | Target::Dense(_) => Err(LossError::Targets { loss, wanted, got: 1 }),
        }
    }

    /// A task's part of the output.
    fn part(&self, task: usize, output: &Tensor) -> Result<Tensor, BoxError> {
        // There are as many columns as tasks.
        let columns = &self.columns[task];
        let missing = || LossError::Columns { task, columns: columns.to_string(), output: output.size() };
        Ok(columns.of(output)?.ok_or_else(missing)?)
    }
}

impl Loss for MultiTask {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        Ok(self.loss_in_parts(output, target, reduction)?.total)
    }

    fn parts(&self) -> Vec<String> {
        self.tasks.names()
    }

    fn loss_in_parts(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<LossParts, BoxError> {
        let targets = self.targets(target)?;
        // There are as many targets as tasks.
        let judge = |task, loss: &dyn Loss, reduction| loss.loss(&self.part(task, output)?, &targets[task], reduction);
        self.tasks.sum(Self::NAME, crate::batch::items(output), reduction, judge)
    }

    fn mixed_loss(
        &self,
        output: &Tensor,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, BoxError> {
        Ok(self.mixed_loss_in_parts(output, first, second, weight, reduction)?.total)
    }

    fn mixed_loss_in_parts(
        &self,
        output: &Tensor,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<LossParts, BoxError> {
        let (first, second) = (self.targets(first)?, self.targets(second)?);
        let judge = |task, loss: &dyn Loss, reduction| {
            loss.mixed_loss(&self.part(task, output)?, &first[task], &second[task], weight, reduction)
        };
        self.tasks.sum(Self::NAME, crate::batch::items(output), reduction, judge)
    }

    fn activation(&self, output: &Tensor) -> Result<Tensor, BoxError> {
        let mut answers = output.f_empty_like()?;
        answers.f_copy_(output)?;
        for (number, task) in self.tasks.iter().enumerate() {
            let answer = task.loss.borrow().activation(&self.part(number, output)?)?;
            self.part(number, &answers)?.f_copy_(&answer)?;
        }
        Ok(answers)
    }

    fn per_item(&self) -> bool {
        self.tasks.per_item()
    }

    /// Checks the loss function of each task.
    fn check(&self, output: &Tensor, target: &Target) -> Result<(), BoxError> {
        let targets = self.targets(target)?;
        self.tasks.check(|task, loss| loss.check(&self.part(task, output)?, &targets[task]))
    }

    fn name(&self) -> String {
        format!("{}({})", Self::NAME, self.tasks.losses())
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        if self.tasks.has_state() { Some(&mut self.tasks) } else { None }
    }
}

impl fmt::Debug for MultiTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = self.columns.iter().zip(self.tasks.iter());
        let task = tasks.map(|(columns, it)| format!("{} of {columns}, weight {}", it.loss.borrow().name(), it.weight));
        f.debug_list().entries(task).finish()
    }
}
