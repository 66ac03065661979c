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
        const HOOKS: &'static [__mixup::Asked] = &[
            __mixup::Asked::new(
                    __mixup::Hook::BatchEnd,
                    &["iteration", "smooth_loss", "epoch", "last_target"],
                )
                .by("log")
                .when(
                    "train, first, every self.period, last, if self.loud && epoch > 0 && last_target.items () > 1",
                ),
            __mixup::Asked::new(__mixup::Hook::EpochBegin, &["epoch"])
                .by("announce")
                .when("every 5"),
            __mixup::Asked::new(__mixup::Hook::ValidateEnd, &["epoch"])
                .by("announce")
                .when("last"),
        ];
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
                __event.make_smooth_loss()?;
                let __answer = (
                    Self::log(
                        self,
                        <__mixup::lent::Value as __mixup::lent::iteration<
                            '_,
                            _,
                        >>::lend(&__event.iteration),
                        <__mixup::lent::Value as __mixup::lent::smooth_loss<
                            '_,
                            _,
                        >>::lend(&__event.smooth_loss),
                    ),
                );
                __mixup::BatchEndReturns::into_flow(__answer.0)
            } else {
                ::core::result::Result::Ok(__mixup::Flow::Continue)
            }
        }
        fn on_epoch_begin(
            &mut self,
            __event: &mut __mixup::EpochBegin<'_>,
        ) -> __mixup::HookResult {
            if __mixup::filter::before_every((5), __event.epoch)? {
                __mixup::EpochBeginReturns::into_flow(
                    Self::announce(
                        self,
                        <__mixup::lent::Value as __mixup::lent::epoch<
                            '_,
                            _,
                        >>::lend(&__event.epoch),
                    ),
                )
            } else {
                ::core::result::Result::Ok(__mixup::Flow::Continue)
            }
        }
        fn on_validate_end(
            &mut self,
            __event: &mut __mixup::ValidateEnd<'_>,
        ) -> __mixup::HookResult {
            if __event.epoch + 1 == __event.epochs {
                __mixup::ValidateEndReturns::into_flow(
                    Self::announce(
                        self,
                        <__mixup::lent::Value as __mixup::lent::epoch<
                            '_,
                            _,
                        >>::lend(&__event.epoch),
                    ),
                )
            } else {
                ::core::result::Result::Ok(__mixup::Flow::Continue)
            }
        }
    }
};
