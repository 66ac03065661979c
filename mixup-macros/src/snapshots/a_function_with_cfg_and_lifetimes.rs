// The struct gets a doc comment if the function has none, so that `missing_docs` is reported for the function only.
#[callback(on_epoch_begin, on_epoch_end, first, if = epochs > 1)]
#[cfg(unix)]
pub fn names<'a>(metric_names: &'a [String], _epoch: usize) -> Result<(), std::fmt::Error> {
    Ok(())
}

// becomes

/// The function `names` as a callback.
#[cfg(unix)]
#[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::marker::Copy)]
pub struct names;
#[cfg(unix)]
impl names {
    #[cfg(unix)]
    pub fn names<'a>(
        metric_names: &'a [String],
        _epoch: usize,
    ) -> Result<(), std::fmt::Error> {
        Ok(())
    }
}
#[cfg(unix)]
const _: () = {
    use ::mixup::callback as __mixup;
    #[automatically_derived]
    impl __mixup::Callback for names {
        const NAME: &'static ::core::primitive::str = "names";
        const HOOKS: &'static [__mixup::Asked] = &[
            __mixup::Asked::new(
                    __mixup::Hook::EpochBegin,
                    &["metric_names", "epoch", "epochs"],
                )
                .by("names")
                .when("first, if epochs > 1"),
            __mixup::Asked::new(
                    __mixup::Hook::EpochEnd,
                    &["metric_names", "epoch", "epochs"],
                )
                .by("names")
                .when("first, if epochs > 1"),
        ];
        fn on_epoch_begin(
            &mut self,
            __event: &mut __mixup::EpochBegin<'_>,
        ) -> __mixup::HookResult {
            if __event.epoch == 0
                && {
                    let epochs = __event.epochs;
                    (epochs > 1)
                }
            {
                let __answer = (
                    Self::names(
                        <__mixup::lent::Value as __mixup::lent::metric_names<
                            '_,
                            _,
                        >>::lend(__event.metric_names),
                        <__mixup::lent::Value as __mixup::lent::epoch<
                            '_,
                            _,
                        >>::lend(&__event.epoch),
                    ),
                );
                __mixup::EpochBeginReturns::into_flow(__answer.0)
            } else {
                ::core::result::Result::Ok(__mixup::Flow::Continue)
            }
        }
        fn on_epoch_end(
            &mut self,
            __event: &mut __mixup::EpochEnd<'_>,
        ) -> __mixup::HookResult {
            if __event.epoch == 0
                && {
                    let epochs = __event.epochs;
                    (epochs > 1)
                }
            {
                let __answer = (
                    Self::names(
                        <__mixup::lent::Value as __mixup::lent::metric_names<
                            '_,
                            _,
                        >>::lend(__event.metric_names),
                        <__mixup::lent::Value as __mixup::lent::epoch<
                            '_,
                            _,
                        >>::lend(&__event.epoch),
                    ),
                );
                __mixup::EpochEndReturns::into_flow(__answer.0)
            } else {
                ::core::result::Result::Ok(__mixup::Flow::Continue)
            }
        }
    }
};
