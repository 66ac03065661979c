// A callback without hooks stands in for it.
hook!(on_batch_end, |iteration| {})

// becomes

{
    use ::mixup::callback as __mixup;
    ::core::compile_error! {
        "a closure's parameter says its type: write `iteration: usize`"
    }
    __mixup::NoHooks
}
