// The condition: flags, then one of `first`, `every` and `last`, then `if` with the values that it uses. `#[on]` is removed.
#[callback(name = "watch")]
impl Watch {
    #[on(batch_end, train, first, every = self.period, last, if = self.loud && epoch > 0 && last_target.items() > 1)]
    fn log(&mut self, iteration: usize, smooth_loss: f64) -> std::io::Result<()> {
        writeln!(self.out, "{iteration}\t{smooth_loss}")
    }

    #[on(epoch_begin, every = 5)]
    #[on(validate_end, last)]
    fn announce(&self, epoch: usize) {}
}

// becomes

impl Watch {
    fn log(&mut self, iteration: usize, smooth_loss: f64) -> std::io::Result<()> {
        writeln!(self.out, "{iteration}\t{smooth_loss}")
    }
    fn announce(&self, epoch: usize) {}
}
const _: () = {
    use ::mixup::callback as __mixup;
    #[automatically_derived]
    impl __mixup::Callback for Watch {
        const NAME: &'static ::core::primitive::str = "watch";
        fn handlers(&self) -> ::std::vec::Vec<__mixup::Handler> {
            __mixup::list([
                __mixup::Handler::new(__mixup::Hook::BatchEnd)
                    .method("log")
                    .names(&["iteration", "smooth_loss", "epoch", "last_target"])
                    .filters(
                        "train, first, every self.period, last, if self.loud && epoch > 0 && last_target.items () > 1",
                    ),
                __mixup::Handler::new(__mixup::Hook::EpochBegin)
                    .method("announce")
                    .names(&["epoch"])
                    .filters("every 5"),
                __mixup::Handler::new(__mixup::Hook::ValidateEnd)
                    .method("announce")
                    .names(&["epoch"])
                    .filters("last"),
            ])
        }
        fn on_batch_end(
            &mut self,
            __event: &mut __mixup::BatchEnd<'_>,
        ) -> __mixup::HookResult {
            if __event.train
                && (__event.num_batch == 0
                    || __mixup::filter::after_every(
                        (self.period),
                        if __event.train { __event.iteration } else { __event.num_batch },
                    )? || __event.num_batch + 1 == __event.batches)
                && {
                    let epoch = __event.epoch;
                    let last_target = &*__event.last_target;
                    (self.loud && epoch > 0 && last_target.items() > 1)
                }
            {
                __event.read_smooth_loss()?;
                let __answer = (
                    Self::log(
                        self,
                        <__mixup::pass::Passed as __mixup::pass::iteration<
                            '_,
                            _,
                        >>::pass(&__event.iteration),
                        <__mixup::pass::Passed as __mixup::pass::smooth_loss<
                            '_,
                            _,
                        >>::pass(&__event.smooth_loss),
                    ),
                );
                __mixup::BatchEndReturns::into_requests(__answer.0)
            } else {
                ::core::result::Result::Ok(__mixup::Requests::none())
            }
        }
        fn on_epoch_begin(
            &mut self,
            __event: &mut __mixup::EpochBegin<'_>,
        ) -> __mixup::HookResult {
            if __mixup::filter::before_every((5), __event.epoch)? {
                __mixup::EpochBeginReturns::into_requests(
                    Self::announce(
                        self,
                        <__mixup::pass::Passed as __mixup::pass::epoch<
                            '_,
                            _,
                        >>::pass(&__event.epoch),
                    ),
                )
            } else {
                ::core::result::Result::Ok(__mixup::Requests::none())
            }
        }
        fn on_validate_end(
            &mut self,
            __event: &mut __mixup::ValidateEnd<'_>,
        ) -> __mixup::HookResult {
            if __event.epoch + 1 == __event.epochs {
                __mixup::ValidateEndReturns::into_requests(
                    Self::announce(
                        self,
                        <__mixup::pass::Passed as __mixup::pass::epoch<
                            '_,
                            _,
                        >>::pass(&__event.epoch),
                    ),
                )
            } else {
                ::core::result::Result::Ok(__mixup::Requests::none())
            }
        }
    }
};
