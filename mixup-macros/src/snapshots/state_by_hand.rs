// The type implements `Stateful` itself.
#[callback(stateful)]
impl Counted {
    fn on_train_begin(&mut self) {}
}

// becomes

impl Counted {
    fn on_train_begin(&mut self) {}
}
const _: () = {
    use ::mixup::callback as __mixup;
    #[automatically_derived]
    impl __mixup::Callback for Counted {
        const NAME: &'static ::core::primitive::str = "Counted";
        fn handlers(&self) -> ::std::vec::Vec<__mixup::Handler> {
            __mixup::list([__mixup::Handler::new(__mixup::Hook::TrainBegin)])
        }
        fn on_train_begin(
            &mut self,
            __event: &mut __mixup::TrainBegin<'_>,
        ) -> __mixup::HookResult {
            __mixup::TrainBeginReturns::into_requests(Self::on_train_begin(self))
        }
        fn stateful(
            &mut self,
        ) -> ::core::option::Option<&mut dyn __mixup::state::Stateful> {
            ::core::option::Option::Some(__mixup::state::field::ByHand::stateful(self))
        }
    }
};
