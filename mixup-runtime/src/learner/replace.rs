//! The optimizer, the loss function and the data of a learner, replaced between two trainings.

use std::{any::Any, mem};

use super::{Learner, builder::valid_sampler};
use crate::{
    batch::Output,
    data::Data,
    loss::{Loss, LossFunc},
    model::DEFAULT_GROUP,
    optim::{Optimizer, Optimizers},
    training::{BuildError, Error},
};

impl Learner {
    /// Replaces the optimizer for the following trainings. The new one is checked as by the builder. In a learner with several
    /// optimizers this is the one that the builder's `optimizer` has set, and the others stay.
    ///
    /// - What the old one remembers of its steps, such as its moments, is dropped with it: the new one begins with what it brings, which is
    ///   nothing unless its state was loaded.
    /// - The groups of parameters stay, and so do frozen parameters and the exceptions from weight decay. Each group begins with the new
    ///   optimizer's settings. What was set for a group of the old one, such as its momentum, must be set again.
    /// - The next [`fit`](Self::fit) sets the learning rates, as always.
    /// - The parameters, the loss function, the data, the metrics, the callbacks and all counts stay.
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// let data = ImageData::digits()?.build()?;
    /// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 8, 10])).quiet().build()?;
    /// learn.fit(1, 3e-3)?;
    /// learn.set_optimizer(Sgd::default().momentum(0.9))?;
    /// learn.fit(1, 1e-2)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A [`BuildError`] if a setting is out of range, or if a callback asks for the optimizer as another type. The learner then
    /// keeps its optimizer.
    pub fn set_optimizer(&mut self, opt: impl Optimizer) -> Result<(), Error> {
        self.set_optimizer_for(DEFAULT_GROUP, opt)
    }

    /// Replaces the optimizer of a group that was given one with the builder's
    /// [`optimizer_for`](super::LearnerBuilder::optimizer_for). The others keep what they remember.
    /// [`set_optimizer`](Self::set_optimizer) replaces that of all other groups.
    ///
    /// # Errors
    /// As for [`set_optimizer`](Self::set_optimizer), and [`BuildError::NoOptimizer`] if there is no optimizer for this group.
    pub fn set_optimizer_for(&mut self, group: &str, mut opt: impl Optimizer) -> Result<(), Error> {
        opt.check().map_err(BuildError::from)?;
        let several = (&mut *self.state.opt as &mut dyn Any).downcast_mut::<Optimizers>();
        match (self.state.parts.place(group), several) {
            (Err(optimizers), _) => Err(BuildError::NoOptimizer { group: group.to_owned(), optimizers }.into()),
            (Ok(Some(_)), Some(several)) => {
                Ok(several.replace(&self.state.params, group, Box::new(opt)).map_err(BuildError::from)?)
            }
            (Ok(_), _) => {
                opt.hypers_mut().set_params(&self.state.params);
                self.replace_only(Box::new(opt))
            }
        }
    }

    /// Replaces the only optimizer, unless a callback asks for it as another type.
    fn replace_only(&mut self, opt: Box<dyn Optimizer>) -> Result<(), Error> {
        let before = mem::replace(&mut self.state.opt, opt);
        let fits = self.prepare();
        if fits.is_err() {
            self.state.opt = before;
            self.list();
        }
        Ok(fits?)
    }

    /// Replaces the loss function for the following trainings, validations and predictions, which also take its activation.
    ///
    /// Everything else stays: the parameters, the optimizer with its moments, the data, the metrics, the callbacks and all
    /// counts. What the old loss function remembers, if it is [`Stateful`](crate::state::Stateful), is dropped with it.
    ///
    /// # Errors
    /// A [`BuildError`] if it takes another output than the model's, or if the names of its [parts](Loss::parts) are taken or a
    /// callback reads a part that it does not have. The learner then keeps its loss function.
    pub fn set_loss<O: Output>(&mut self, loss: impl Loss<O>) -> Result<(), Error> {
        let loss = LossFunc::new(loss);
        let (takes, output) = (loss.takes(), self.state.model.output_type());
        if !takes.takes(output) {
            let (loss, takes, output) = (loss.name(), takes.name(), output.name());
            return Err(BuildError::OtherLoss { loss, takes, output }.into());
        }
        let before = mem::replace(&mut self.state.loss_func, loss);
        let fits = self.prepare();
        if fits.is_err() {
            self.state.loss_func = before;
            self.list();
        }
        Ok(fits?)
    }

    /// Replaces the data for the following trainings, validations and predictions, and returns the old data, as for training on
    /// larger images after smaller ones.
    ///
    /// - The sampler is that of the new training data, and begins anew. So does a stream of training data.
    /// - The names of the classes are those of the new data.
    /// - Everything else stays: the parameters, the optimizer with its moments, the loss function, the metrics, the callbacks and all counts. So
    ///   the next epoch draws what it would have drawn from the old data, another order than the epochs before it.
    pub fn set_data(&mut self, data: Data) -> Data {
        self.state.sampler = data.train().sampling().clone();
        self.state.valid_sampler = valid_sampler(&data);
        mem::replace(&mut self.state.data, data)
    }
}
