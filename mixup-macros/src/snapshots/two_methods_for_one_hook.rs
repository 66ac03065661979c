// Both run, in the order in which they are written, and their requests are combined.
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
        fn handlers(&self) -> ::std::vec::Vec<__mixup::Handler> {
            __mixup::list([
                __mixup::Handler::new(__mixup::Hook::BatchBegin)
                    .method("small")
                    .names(&["last_input"])
                    .filters("train"),
                #[cfg(unix)]
                __mixup::Handler::new(__mixup::Hook::BatchBegin)
                    .method("late")
                    .names(&["num_batch"]),
            ])
        }
        fn on_batch_begin(
            &mut self,
            __event: &mut __mixup::BatchBegin<'_>,
        ) -> __mixup::HookResult {
            let __requests = __mixup::Requests::none();
            let __requests = __mixup::Requests::and(
                __requests,
                {
                    if __event.train {
                        let __answer = (
                            Self::small(
                                self,
                                <__mixup::pass::Passed as __mixup::pass::last_input<
                                    '_,
                                    _,
                                >>::pass(__event.last_input),
                            ),
                        );
                        __mixup::BatchBeginReturns::into_requests(__answer.0)
                    } else {
                        ::core::result::Result::Ok(__mixup::Requests::none())
                    }
                }?,
            );
            #[cfg(unix)]
            let __requests = __mixup::Requests::and(
                __requests,
                {
                    let __answer = (
                        Self::late(
                            self,
                            <__mixup::pass::Passed as __mixup::pass::num_batch<
                                '_,
                                _,
                            >>::pass(&__event.num_batch),
                        ),
                    );
                    __mixup::BatchBeginReturns::into_requests(__answer.0)
                }?,
            );
            ::core::result::Result::Ok(__requests)
        }
    }
};
