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
    use ::mixup::callback as __mixup;
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
        fn save(&self) -> __mixup::state::Saved {
            __mixup::state::fields([
                ("best", __mixup::CallbackState::of(&(*self).best)),
                ("type", __mixup::CallbackState::of(&(*self).r#type)),
            ])
        }
        fn load(&mut self, __state: &__mixup::CallbackState) -> __mixup::state::Loaded {
            let __read = (__state.field("best")?, __state.field("type")?);
            ((*self).best, (*self).r#type) = __read;
            ::core::result::Result::Ok(())
        }
    }
};
