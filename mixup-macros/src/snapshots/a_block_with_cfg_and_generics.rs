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
        const HOOKS: &'static [__mixup::Asked] = &[
            #[cfg(unix)]
            __mixup::Asked::new(
                __mixup::Hook::BatchEnd,
                &["iteration", #[cfg(test)] "last_input"],
            ),
            #[cfg_attr(test, cfg(unix))]
            __mixup::Asked::new(__mixup::Hook::TrainEnd, &[]),
        ];
        #[cfg(unix)]
        fn on_batch_end(
            &mut self,
            __event: &mut __mixup::BatchEnd<'_>,
        ) -> __mixup::HookResult {
            let __answer = (
                Self::on_batch_end(
                    self,
                    <__mixup::lent::Value as __mixup::lent::iteration<
                        '_,
                        _,
                    >>::lend(&__event.iteration),
                    #[cfg(test)]
                    <__mixup::lent::Value as __mixup::lent::last_input<
                        '_,
                        _,
                    >>::lend(__event.last_input),
                ),
            );
            __mixup::BatchEndReturns::into_flow(__answer.0)
        }
        #[cfg_attr(test, cfg(unix))]
        fn on_train_end(
            &mut self,
            __event: &mut __mixup::TrainEnd<'_>,
        ) -> __mixup::HookResult {
            __mixup::TrainEndReturns::into_flow(Self::on_train_end())
        }
    }
};
