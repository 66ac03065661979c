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
        fn handlers(&self) -> ::std::vec::Vec<__mixup::Handler> {
            __mixup::list([
                __mixup::Handler::new(__mixup::Hook::EpochBegin)
                    .method("names")
                    .names(&["metric_names", "epoch", "epochs"])
                    .filters("first, if epochs > 1"),
                __mixup::Handler::new(__mixup::Hook::EpochEnd)
                    .method("names")
                    .names(&["metric_names", "epoch", "epochs"])
                    .filters("first, if epochs > 1"),
            ])
        }
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
                        <__mixup::pass::Passed as __mixup::pass::metric_names<
                            '_,
                            _,
                        >>::pass(__event.metric_names),
                        <__mixup::pass::Passed as __mixup::pass::epoch<
                            '_,
                            _,
                        >>::pass(&__event.epoch),
                    ),
                );
                __mixup::EpochBeginReturns::into_requests(__answer.0)
            } else {
                ::core::result::Result::Ok(__mixup::Requests::none())
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
                        <__mixup::pass::Passed as __mixup::pass::metric_names<
                            '_,
                            _,
                        >>::pass(__event.metric_names),
                        <__mixup::pass::Passed as __mixup::pass::epoch<
                            '_,
                            _,
                        >>::pass(&__event.epoch),
                    ),
                );
                __mixup::EpochEndReturns::into_requests(__answer.0)
            } else {
                ::core::result::Result::Ok(__mixup::Requests::none())
            }
        }
        fn is_stateless(&self) -> ::core::primitive::bool {
            true
        }
    }
};
