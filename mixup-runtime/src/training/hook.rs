//! The moments of a training, by name: generated from the table in `mixup-macros/src/hooks.rs`.

mixup_macros::__hooks!();

impl Hook {
    /// Whether callbacks run in reverse order: hooks that end what another began do, so that the last callback to begin is the first to end.
    #[must_use]
    pub fn is_end(self) -> bool {
        self.name().ends_with("_end") || self.is_always()
    }

    /// Whether the hook runs for every callback that entered a phase, however the phase ends: `#[on(validate_end, always)]`.
    #[must_use]
    pub fn is_always(self) -> bool {
        self.name().ends_with("_always")
    }
}

impl std::fmt::Display for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
