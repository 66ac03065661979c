//! How hosts are connected.

use std::fmt;

/// What each host's link does to what it sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// Millions of bits in a second.
    pub mbit: u32,
    /// How much later it arrives.
    pub delay_us: u32,
    /// The share that is lost, in percent.
    pub loss_percent: f64,
}

impl Link {
    /// Whether it only bounds how much is sent in a second.
    pub fn is_plain(&self) -> bool {
        self.delay_us == 0 && self.loss_percent == 0.0
    }

    /// The discipline of Linux's traffic control that does it: `netem`, or `tbf` for a link that is plain, which more kernels have.
    pub fn discipline(&self) -> String {
        let Self { mbit, delay_us, loss_percent } = self;
        if self.is_plain() {
            format!("tbf rate {mbit}mbit burst 256kb latency 50ms")
        } else {
            format!("netem rate {mbit}mbit delay {delay_us}us loss {loss_percent}% limit 10000")
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Gbit/s", f64::from(self.mbit) / 1000.0)?;
        if self.delay_us > 0 {
            write!(f, ", {} ms later", f64::from(self.delay_us) / 1000.0)?;
        }
        if self.loss_percent > 0.0 {
            write!(f, ", {} % lost", self.loss_percent)?;
        }
        Ok(())
    }
}
