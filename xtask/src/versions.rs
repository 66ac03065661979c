//! The versions that fit together. Everything else in xtask takes them from here.

/// The version of libtorch that tch needs.
pub const LIBTORCH: &str = "2.13.0";
/// The version of tch that needs it.
pub const TCH: &str = "0.26";
