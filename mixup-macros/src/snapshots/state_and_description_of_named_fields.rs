// All fields of a state are read before the first one is changed.
#[callback(state(best, r#type), describe(at_most))]
impl Patience {
    fn on_train_begin(&mut self) {}
}

// becomes

impl Patience {
    fn on_train_begin(&mut self) {}
}
const _: () = {
    use ::mixup::callback::{self as __mixup, state::field::Field as _};
    #[automatically_derived]
    impl __mixup::Callback for Patience {
        const NAME: &'static ::core::primitive::str = "Patience";
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
            __mixup::describe::fields(
                <Self as __mixup::Callback>::NAME,
                &[("at_most", &(*self).at_most)],
            )
        }
        fn stateful(
            &mut self,
        ) -> ::core::option::Option<&mut dyn __mixup::state::Stateful> {
            ::core::option::Option::Some(self)
        }
    }
    #[automatically_derived]
    impl __mixup::state::Stateful for Patience {
        fn save(
            &self,
        ) -> ::core::result::Result<__mixup::state::State, __mixup::state::StateError> {
            let __state = __mixup::state::State::new();
            let __state = (&&&__mixup::state::field::Of(&(*self).best))
                .save("best", __state)?;
            let __state = (&&&__mixup::state::field::Of(&(*self).r#type))
                .save("type", __state)?;
            ::core::result::Result::Ok(__state)
        }
        fn load(
            &mut self,
            __state: &__mixup::state::State,
        ) -> ::core::result::Result<(), __mixup::state::StateError> {
            let __read = (
                (&&&__mixup::state::field::Of(&(*self).best)).read("best", __state)?,
                (&&&__mixup::state::field::Of(&(*self).r#type)).read("type", __state)?,
            );
            __mixup::state::field::put(&mut (*self).best, __read.0)?;
            __mixup::state::field::put(&mut (*self).r#type, __read.1)?;
            ::core::result::Result::Ok(())
        }
    }
};
