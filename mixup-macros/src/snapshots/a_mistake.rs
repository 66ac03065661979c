// The output contains the block, the hook that is right, and the mistakes.
#[callback(ordre = 3)]
impl Stop {
    fn on_bacth_end(&self) {}
    fn on_batch_begin(&self, last_loss: &Tensor) {}
    fn on_epoch_end(&self, epoch: usize) {}
}

// becomes

#[allow(unused_variables)]
impl Stop {
    fn on_bacth_end(&self) {}
    fn on_batch_begin(&self, last_loss: &Tensor) {}
    fn on_epoch_end(&self, epoch: usize) {}
}
const _: () = {
    use ::mixup::callback as __mixup;
    #[automatically_derived]
    impl __mixup::Callback for Stop {
        const NAME: &'static ::core::primitive::str = "Stop";
        fn handlers(&self) -> ::std::vec::Vec<__mixup::Handler> {
            __mixup::list([
                __mixup::Handler::new(__mixup::Hook::BatchBegin),
                __mixup::Handler::new(__mixup::Hook::EpochEnd).names(&["epoch"]),
            ])
        }
        fn on_batch_begin(
            &mut self,
            __event: &mut __mixup::BatchBegin<'_>,
        ) -> __mixup::HookResult {
            __mixup::BatchBeginReturns::into_requests(
                Self::on_batch_begin(
                    self,
                    ::core::option::Option::unwrap(::core::option::Option::None),
                ),
            )
        }
        fn on_epoch_end(
            &mut self,
            __event: &mut __mixup::EpochEnd<'_>,
        ) -> __mixup::HookResult {
            __mixup::EpochEndReturns::into_requests(
                Self::on_epoch_end(
                    self,
                    <__mixup::pass::Passed as __mixup::pass::epoch<
                        '_,
                        _,
                    >>::pass(&__event.epoch),
                ),
            )
        }
        fn is_stateless(&self) -> ::core::primitive::bool {
            true
        }
    }
};
::core::compile_error! {
    "no option named `ordre`: did you mean `order`?"
}
::core::compile_error! {
    "no hook named `on_bacth_end`: did you mean `on_batch_end`?"
}
::core::compile_error! {
    "`last_loss` does not exist yet in `on_batch_begin`: it is available from `on_backward_begin` on"
}
