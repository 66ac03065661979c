// A callback without hooks takes its place. The closure stays, so that what it captures is used.
hook!(on_batch_end, |iteration| {})

// becomes

{
    use ::mixup::callback as __mixup;
    ::core::compile_error! {
        "the parameter `iteration` needs a type: write `iteration: usize`"
    }
    #[allow(unused)]
    let _ = |iteration| {};
    __mixup::NoHooks
}
