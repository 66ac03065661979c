// The event is passed on unchanged.
#[callback]
impl Everything {
    fn on_batch_begin(&mut self, event: &mut BatchBegin<'_>) -> Result<SkipBatch, Error> {
        self.look_at(event)
    }
}

// becomes

impl Everything {
    fn on_batch_begin(
        &mut self,
        event: &mut BatchBegin<'_>,
    ) -> Result<SkipBatch, Error> {
        self.look_at(event)
    }
}
const _: () = {
    use ::mixup::callback as __mixup;
    #[automatically_derived]
    impl __mixup::Callback for Everything {
        const NAME: &'static ::core::primitive::str = "Everything";
        fn handlers(&self) -> ::std::vec::Vec<__mixup::Handler> {
            __mixup::list([
                __mixup::Handler::new(__mixup::Hook::BatchBegin).names(&["event"]),
            ])
        }
        fn on_batch_begin(
            &mut self,
            __event: &mut __mixup::BatchBegin<'_>,
        ) -> __mixup::HookResult {
            let __answer = (Self::on_batch_begin(self, __event),);
            __mixup::BatchBeginReturns::into_requests(__answer.0)
        }
    }
};
