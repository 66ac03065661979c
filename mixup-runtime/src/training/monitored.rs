//! Which value is monitored: by its name, or by its metric.

use std::marker::PhantomData;

use crate::{batch::Output, metrics::Metric};

/// Something that has the name of a value: the name itself, or a metric.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the name of a value, nor a metric",
    label = "write a name, such as `\"valid_loss\"`, or a metric, such as `accuracy`"
)]
pub trait Monitored<By> {
    /// The name of the value.
    fn monitored(&self) -> String;
}

/// A value is chosen by its name.
#[derive(Debug)]
pub struct ByName;

/// A value is chosen by its metric, which takes this output.
#[derive(Debug)]
pub struct ByMetric<O>(PhantomData<O>);

impl<N: AsRef<str>> Monitored<ByName> for N {
    fn monitored(&self) -> String {
        self.as_ref().to_owned()
    }
}

impl<O: Output, M: Metric<O>> Monitored<ByMetric<O>> for M {
    fn monitored(&self) -> String {
        self.name()
    }
}
