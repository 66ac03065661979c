// Both run, in the order in which they are written; the flow value that skips the most wins.
#[callback]
impl Guard {
    #[on(batch_begin, train)]
    fn small(&self, last_input: &Input) -> Option<SkipBatch> {
        (last_input.items() < 2).then_some(SkipBatch)
    }

    #[cfg(unix)]
    #[on(batch_begin)]
    fn late(&mut self, num_batch: usize) -> Option<SkipEpoch> {
        (num_batch > self.at_most).then_some(SkipEpoch)
    }
}

// becomes

impl Guard {
    fn small(&self, last_input: &Input) -> Option<SkipBatch> {
        (last_input.items() < 2).then_some(SkipBatch)
    }
    #[cfg(unix)]
    fn late(&mut self, num_batch: usize) -> Option<SkipEpoch> {
        (num_batch > self.at_most).then_some(SkipEpoch)
    }
}
const _: () = {
    use ::mixup::callback as __mixup;
    #[automatically_derived]
    impl __mixup::Callback for Guard {
        const NAME: &'static ::core::primitive::str = "Guard";
        const HOOKS: &'static [__mixup::Asked] = &[
            __mixup::Asked::new(__mixup::Hook::BatchBegin, &["last_input"])
                .by("small")
                .when("train"),
            #[cfg(unix)]
            __mixup::Asked::new(__mixup::Hook::BatchBegin, &["num_batch"]).by("late"),
        ];
        fn on_batch_begin(
            &mut self,
            __event: &mut __mixup::BatchBegin<'_>,
        ) -> __mixup::HookResult {
            let __flow = __mixup::Flow::Continue;
            let __flow = __mixup::Flow::or(
                __flow,
                {
                    if __event.train {
                        let __answer = (
                            Self::small(
                                self,
                                <__mixup::lent::Value as __mixup::lent::last_input<
                                    '_,
                                    _,
                                >>::lend(__event.last_input),
                            ),
                        );
                        __mixup::BatchBeginReturns::into_flow(__answer.0)
                    } else {
                        ::core::result::Result::Ok(__mixup::Flow::Continue)
                    }
                }?,
            );
            #[cfg(unix)]
            let __flow = __mixup::Flow::or(
                __flow,
                {
                    let __answer = (
                        Self::late(
                            self,
                            <__mixup::lent::Value as __mixup::lent::num_batch<
                                '_,
                                _,
                            >>::lend(&__event.num_batch),
                        ),
                    );
                    __mixup::BatchBeginReturns::into_flow(__answer.0)
                }?,
            );
            ::core::result::Result::Ok(__flow)
        }
    }
};
