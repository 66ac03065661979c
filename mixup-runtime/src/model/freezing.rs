//! Freezing groups of parameters. Optimizers keep what they remember of a frozen group.

use std::sync::atomic::Ordering::Relaxed;

use tch::{TchError, Tensor};

use super::{GroupError, Param, Params};

impl Params {
    /// Freezes a group: its parameters get no gradients, and optimizers leave them alone. Other groups are not affected.
    ///
    /// The running statistics of batch norms are not parameters and still change in training. The first call that freezes a batch
    /// norm warns of this through `tracing`.
    ///
    /// # Errors
    /// A [`GroupError`] if there is no such group, or if libtorch can't freeze a tensor.
    pub fn freeze(&self, group: &str) -> Result<(), GroupError> {
        let group = self.place_of(group)?;
        self.freeze_where(|param| param.group() == group)
    }

    /// Freezes all groups before `group`, and unfreezes `group` and those after it.
    ///
    /// # Errors
    /// A [`GroupError`] if there is no such group or no group before it, or if libtorch can't freeze a tensor.
    pub fn freeze_to(&self, group: &str) -> Result<(), GroupError> {
        let first = self.place_of(group)?;
        if first == 0 {
            return Err(GroupError::First { group: group.to_owned(), groups: self.groups().to_vec() });
        }
        self.unfreeze();
        self.freeze_where(|param| param.group() < first)
    }

    /// Unfreezes a group.
    ///
    /// # Errors
    /// A [`GroupError`] if there is no such group.
    pub fn unfreeze_group(&self, group: &str) -> Result<(), GroupError> {
        for param in self.group(group)? {
            let _ = param.tensor().f_set_requires_grad(true); // can't fail, as below
        }
        Ok(())
    }

    /// The running means and variances of batch norms whose parameters are all frozen. A change in place changes the model.
    #[must_use]
    pub fn frozen_statistics(&self) -> Vec<Tensor> {
        let norms = self.frozen_norms();
        let is_theirs = |(name, tensor): (String, Tensor)| {
            let (path, last) = name.rsplit_once('.').unwrap_or(("", &name));
            let is_statistic = last.starts_with("running_mean") || last.starts_with("running_var");
            (is_statistic && norms.iter().any(|norm| norm == path)).then_some(tensor)
        };
        self.variables().into_iter().filter_map(is_theirs).collect()
    }

    /// Unfreezes all parameters, including those that the model's own code has frozen.
    pub fn unfreeze(&self) {
        for param in self.as_slice() {
            // This can't fail: libtorch rejects only the other direction, for tensors that were computed from others.
            let _ = param.tensor().f_set_requires_grad(true);
        }
    }

    fn freeze_where(&self, chosen: impl Fn(&Param) -> bool) -> Result<(), GroupError> {
        for param in self.as_slice().iter().filter(|param| chosen(param)) {
            let not_frozen = |error: TchError| GroupError::NotFrozen {
                parameter: param.name().to_owned(),
                message: crate::error::brief(&error),
            };
            let _ = param.tensor().f_set_requires_grad(false).map_err(not_frozen)?;
        }
        self.warn_of_statistics();
        Ok(())
    }

    fn warn_of_statistics(&self) {
        let norms = self.frozen_norms();
        if !norms.is_empty() && !self.told.swap(true, Relaxed) {
            tracing::warn!(
                "the running statistics of frozen batch norms still change in training: {}; to keep them, run these layers with `train` \
                 false in the model",
                norms.join(", ")
            );
        }
    }

    /// The paths of batch norms whose parameters are all frozen. If a batch norm has no parameters, those of the path around it
    /// decide.
    fn frozen_norms(&self) -> Vec<String> {
        let names = self.var_store().variables();
        let mut norms: Vec<_> = names
            .keys()
            .filter_map(|name| {
                let (path, last) = name.rsplit_once('.').unwrap_or(("", name));
                (last.starts_with("running_mean") && self.are_frozen(path)).then(|| path.to_owned())
            })
            .collect();
        norms.sort();
        norms
    }

    fn are_frozen(&self, path: &str) -> bool {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
        let mut under = self.as_slice().iter().filter(|param| param.name().starts_with(&prefix)).peekable();
        match under.peek() {
            Some(_) => under.all(Param::is_frozen),
            None => !path.is_empty() && self.are_frozen(path.rsplit_once('.').map_or("", |(above, _)| above)),
        }
    }
}
