// The closure gets a type of its own.
hook!(on_batch_begin, train, name = "ten batches", move |last_input: &mut Input, _epoch: usize| {
    seen += last_input.items();
    (seen > 10).then(|| StopTraining::because("ten batches are enough"))
})

// becomes

{
    use ::mixup::callback as __mixup;
    struct __Closure<__F>(__F);
    #[automatically_derived]
    impl<__F> __mixup::Callback for __Closure<__F>
    where
        __F: ::core::ops::FnMut(&mut Input, usize) -> __mixup::HookResult
            + ::core::marker::Send + 'static,
    {
        const NAME: &'static ::core::primitive::str = "ten batches";
        fn handlers(&self) -> ::std::vec::Vec<__mixup::Handler> {
            __mixup::list([
                __mixup::Handler::new(__mixup::Hook::BatchBegin)
                    .names(&["last_input", "epoch"])
                    .changes(&["last_input"])
                    .filters("train"),
            ])
        }
        fn on_batch_begin(
            &mut self,
            __event: &mut __mixup::BatchBegin<'_>,
        ) -> __mixup::HookResult {
            if __event.train {
                (self
                    .0)(
                    <__mixup::pass::Passed as __mixup::pass::last_input<
                        '_,
                        _,
                    >>::pass(__event.last_input),
                    <__mixup::pass::Passed as __mixup::pass::epoch<
                        '_,
                        _,
                    >>::pass(&__event.epoch),
                )
            } else {
                ::core::result::Result::Ok(__mixup::Requests::none())
            }
        }
    }
    fn __callback<__F>(closure: __F) -> __Closure<__F>
    where
        __F: ::core::ops::FnMut(&mut Input, usize) -> __mixup::HookResult
            + ::core::marker::Send + 'static,
    {
        __Closure(closure)
    }
    let mut __closure = move |last_input: &mut Input, _epoch: usize| {
        seen += last_input.items();
        (seen > 10).then(|| StopTraining::because("ten batches are enough"))
    };
    __callback(move |__arg0, __arg1| {
        __mixup::BatchBeginReturns::into_requests(__closure(__arg0, __arg1))
    })
}
