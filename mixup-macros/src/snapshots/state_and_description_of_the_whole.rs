// By serde, and by `Debug`.
#[callback(state, describe, version = 2)]
impl<T: Serialize> History<T> {
    fn on_train_begin(&mut self) {}
}

// becomes

impl<T: Serialize> History<T> {
    fn on_train_begin(&mut self) {}
}
const _: () = {
    use ::mixup::callback as __mixup;
    #[automatically_derived]
    impl<T: Serialize> __mixup::Callback for History<T>
    where
        Self: ::core::marker::Send + 'static,
    {
        const NAME: &'static ::core::primitive::str = "History";
        fn handlers(&self) -> ::std::vec::Vec<__mixup::Handler> {
            __mixup::list([__mixup::Handler::new(__mixup::Hook::TrainBegin)])
        }
        fn on_train_begin(
            &mut self,
            __event: &mut __mixup::TrainBegin<'_>,
        ) -> __mixup::HookResult {
            __mixup::TrainBeginReturns::into_requests(Self::on_train_begin(self))
        }
        fn describe(&self) -> ::std::string::String {
            __mixup::describe::whole(self)
        }
        fn stateful(
            &mut self,
        ) -> ::core::option::Option<&mut dyn __mixup::state::Stateful> {
            ::core::option::Option::Some(self)
        }
    }
    #[automatically_derived]
    impl<T: Serialize> __mixup::state::Stateful for History<T>
    where
        Self: ::core::marker::Send + 'static,
    {
        fn version(&self) -> ::core::primitive::u32 {
            2
        }
        fn save(
            &self,
        ) -> ::core::result::Result<__mixup::state::State, __mixup::state::StateError> {
            __mixup::state::field::Whole::save(self)
        }
        fn load(
            &mut self,
            __state: &__mixup::state::State,
        ) -> ::core::result::Result<(), __mixup::state::StateError> {
            __mixup::state::field::Whole::load(self, __state)
        }
    }
};
