//! A loss function with several tasks: each has a loss function for its own target, and their losses are weighted and added.

use std::{cell::RefCell, fmt, ops::Range};

use tch::{TchError, Tensor};

use super::{Loss, LossError, Reduction};
use crate::{
    batch::Target,
    error::BoxError,
    state::{State, StateError, Stateful},
};

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
/// Output `[n, columns]` or `[n, columns, d…]`. The tasks are in the order of the targets. With `Mean` the loss is the weighted sum
/// of the tasks' means. With `None` it is `[n]`; if a task has several losses for an item, their mean counts. `Sum` is the sum of
/// these. Mixed targets are mixed task by task. Activation: that of each task on its columns; all other columns stay as they are.
///
/// A model whose outputs are not in one tensor needs a closure as its loss function.
///
/// ```
/// use mixup::{batch::Target, loss::{CrossEntropy, Loss, Mse, MultiTask, Reduction}};
/// use tch::{Device, Kind, Tensor};
///
/// // Ten scores for a digit, and one number for its slant, which counts half.
/// let loss = MultiTask::new().task(0..10, 1.0, CrossEntropy::default())?.task(10, 0.5, Mse)?;
/// let digit = Target::from(Tensor::from_slice(&[3_i64, 7]));
/// let slant = Target::from(Tensor::from_slice(&[0.1_f32, -0.2]));
/// let output = Tensor::zeros([2, 11], (Kind::Float, Device::Cpu));
/// let losses = loss.loss(&output, &Target::several([digit, slant])?, Reduction::None)?;
/// assert_eq!(losses.size(), [2]);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Default)]
pub struct MultiTask {
    tasks: Vec<Task>,
}

struct Task {
    columns: Columns,
    weight: f64,
    /// To be changed by [`MultiTask::save`], which has only `&self`, and asks the loss functions for their states.
    loss: RefCell<Box<dyn Loss>>,
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
        if !weight.is_finite() || weight < 0.0 {
            return Err(LossError::TaskWeight { task: self.tasks.len(), weight });
        }
        self.tasks.push(Task { columns: columns.into(), weight, loss: RefCell::new(Box::new(loss)) });
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

    /// The weighted sum of what `judge` returns for each task and its part of the output, reduced as documented.
    fn sum(
        &self,
        output: &Tensor,
        reduction: Reduction,
        judge: impl Fn(usize, &dyn Loss, &Tensor, Reduction) -> Result<Tensor, BoxError>,
    ) -> Result<Tensor, BoxError> {
        let mut sum: Option<Tensor> = None;
        for (number, task) in self.tasks.iter().enumerate() {
            let part = task.part(number, output)?;
            let loss = if reduction == Reduction::Mean {
                judge(number, &**task.loss.borrow(), &part, Reduction::Mean)?
            } else {
                let losses = judge(number, &**task.loss.borrow(), &part, Reduction::None)?;
                super::per_item_losses(|| task.loss.borrow().name(), &losses, crate::batch::items(output))?;
                super::mean_of_each(&losses)?
            };
            let loss = loss.f_mul_scalar(task.weight)?;
            sum = Some(match sum {
                Some(sum) => sum.f_add(&loss)?,
                None => loss,
            });
        }
        let sum = sum.ok_or(LossError::Targets { loss: Self::NAME, wanted: 0, got: 0 })?;
        Ok(if reduction == Reduction::Sum { reduction.of(&sum)? } else { sum })
    }
}

impl Task {
    fn part(&self, number: usize, output: &Tensor) -> Result<Tensor, BoxError> {
        let columns = || LossError::Columns { task: number, columns: self.columns.to_string(), output: output.size() };
        Ok(self.columns.of(output)?.ok_or_else(columns)?)
    }
}

impl Loss for MultiTask {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        let targets = self.targets(target)?;
        // There are as many targets as tasks.
        self.sum(output, reduction, |task, loss, part, reduction| loss.loss(part, &targets[task], reduction))
    }

    fn mixed_loss(
        &self,
        output: &Tensor,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, BoxError> {
        let (first, second) = (self.targets(first)?, self.targets(second)?);
        self.sum(output, reduction, |task, loss, part, reduction| {
            loss.mixed_loss(part, &first[task], &second[task], weight, reduction)
        })
    }

    fn activation(&self, output: &Tensor) -> Result<Tensor, BoxError> {
        let mut answers = output.f_empty_like()?;
        answers.f_copy_(output)?;
        for (number, task) in self.tasks.iter().enumerate() {
            let answer = task.loss.borrow().activation(&task.part(number, output)?)?;
            task.part(number, &answers)?.f_copy_(&answer)?;
        }
        Ok(answers)
    }

    fn name(&self) -> String {
        let names: Vec<_> = self.tasks.iter().map(|task| task.loss.borrow().name()).collect();
        format!("{}({})", Self::NAME, names.join(", "))
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        let has_state = self.tasks.iter_mut().any(|task| task.loss.get_mut().stateful().is_some());
        has_state.then_some(self)
    }
}

/// The states of the tasks' loss functions, by the numbers of the tasks.
impl Stateful for MultiTask {
    fn save(&self) -> Result<State, StateError> {
        let mut state = State::new();
        for (number, task) in self.tasks.iter().enumerate() {
            if let loss @ Some(_) = task.loss.borrow_mut().stateful() {
                state = state.with_part(&number.to_string(), &loss)?;
            }
        }
        Ok(state)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        for (number, task) in self.tasks.iter_mut().enumerate() {
            if let Some(loss) = task.loss.get_mut().stateful() {
                state.part(&number.to_string())?.load_into(loss)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for MultiTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = |task: &Task| format!("{} of {}, weight {}", task.loss.borrow().name(), task.columns, task.weight);
        f.debug_list().entries(self.tasks.iter().map(task)).finish()
    }
}
