// The block stays as it is; the implementation has its generics, its bounds and every `cfg`.
#[callback(order = 7)]
impl<'a, W: Write, const N: usize> Watch<'a, W, N>
where
    W: Send,
{
    #[cfg(unix)]
    fn on_batch_end(&mut self, iteration: usize, #[cfg(test)] last_input: &mut Input) -> Option<StopTraining> {
        None
    }

    #[cfg_attr(test, cfg(unix), inline)]
    fn on_train_end() {}

    fn helper(&self) {}
}

// becomes

impl<'a, W: Write, const N: usize> Watch<'a, W, N>
where
    W: Send,
{
    #[cfg(unix)]
    fn on_batch_end(
        &mut self,
        iteration: usize,
        #[cfg(test)]
        last_input: &mut Input,
    ) -> Option<StopTraining> {
        None
    }
    #[cfg_attr(test, cfg(unix), inline)]
    fn on_train_end() {}
    fn helper(&self) {}
}
const _: () = {
    use ::mixup::callback as __mixup;
    #[automatically_derived]
    impl<'a, W: Write, const N: usize> __mixup::Callback for Watch<'a, W, N>
    where
        W: Send,
        Self: ::core::marker::Send + 'static,
    {
        const NAME: &'static ::core::primitive::str = "Watch";
        const ORDER: ::core::primitive::i32 = 7;
        fn handlers(&self) -> ::std::vec::Vec<__mixup::Handler> {
            __mixup::list([
                #[cfg(unix)]
                __mixup::Handler::new(__mixup::Hook::BatchEnd)
                    .names(&["iteration", #[cfg(test)] "last_input"])
                    .changes(&[#[cfg(test)] "last_input"]),
                #[cfg_attr(test, cfg(unix))]
                __mixup::Handler::new(__mixup::Hook::TrainEnd),
            ])
        }
        #[cfg(unix)]
        fn on_batch_end(
            &mut self,
            __event: &mut __mixup::BatchEnd<'_>,
        ) -> __mixup::HookResult {
            let __answer = (
                Self::on_batch_end(
                    self,
                    <__mixup::pass::Passed as __mixup::pass::iteration<
                        '_,
                        _,
                    >>::pass(&__event.iteration),
                    #[cfg(test)]
                    <__mixup::pass::Passed as __mixup::pass::last_input<
                        '_,
                        _,
                    >>::pass(__event.last_input),
                ),
            );
            __mixup::BatchEndReturns::into_requests(__answer.0)
        }
        #[cfg_attr(test, cfg(unix))]
        fn on_train_end(
            &mut self,
            __event: &mut __mixup::TrainEnd<'_>,
        ) -> __mixup::HookResult {
            __mixup::TrainEndReturns::into_requests(Self::on_train_end())
        }
    }
};
