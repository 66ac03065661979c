// The other callbacks are constants made of their types.
#[callback(before = MixUp, before = my::Other<u8>, after = Recorder, crate = crate::training)]
impl Between {
    fn on_train_begin(&mut self) {}
}

// becomes

impl Between {
    fn on_train_begin(&mut self) {}
}
const _: () = {
    use crate::training::callback as __mixup;
    #[automatically_derived]
    impl __mixup::Callback for Between {
        const NAME: &'static ::core::primitive::str = "Between";
        fn handlers(&self) -> ::std::vec::Vec<__mixup::Handler> {
            __mixup::list([__mixup::Handler::new(__mixup::Hook::TrainBegin)])
        }
        fn before(&self) -> ::std::vec::Vec<__mixup::Peer> {
            __mixup::list([
                __mixup::Peer::of::<MixUp>(),
                __mixup::Peer::of::<my::Other<u8>>(),
            ])
        }
        fn after(&self) -> ::std::vec::Vec<__mixup::Peer> {
            __mixup::list([__mixup::Peer::of::<Recorder>()])
        }
        fn on_train_begin(
            &mut self,
            __event: &mut __mixup::TrainBegin<'_>,
        ) -> __mixup::HookResult {
            __mixup::TrainBeginReturns::into_requests(Self::on_train_begin(self))
        }
    }
};
