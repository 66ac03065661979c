// A unit struct with the function's name; the function is its associated function.
#[callback(on_epoch_end, every = 5)]
/// Says what an epoch came to.
pub(crate) fn shout(epoch: usize, valid_loss: Option<f64>) {
    println!("{epoch}: {valid_loss:?}");
}

// becomes

/// Says what an epoch came to.
#[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::marker::Copy)]
pub(crate) struct shout;
impl shout {
    /// Says what an epoch came to.
    pub(crate) fn shout(epoch: usize, valid_loss: Option<f64>) {
        println!("{epoch}: {valid_loss:?}");
    }
}
const _: () = {
    use ::mixup::callback as __mixup;
    #[automatically_derived]
    impl __mixup::Callback for shout {
        const NAME: &'static ::core::primitive::str = "shout";
        fn handlers(&self) -> ::std::vec::Vec<__mixup::Handler> {
            __mixup::list([
                __mixup::Handler::new(__mixup::Hook::EpochEnd)
                    .method("shout")
                    .names(&["epoch", "valid_loss"])
                    .filters("every 5"),
            ])
        }
        fn on_epoch_end(
            &mut self,
            __event: &mut __mixup::EpochEnd<'_>,
        ) -> __mixup::HookResult {
            if __mixup::filter::after_every((5), __event.epoch)? {
                __event.read_valid_loss()?;
                __mixup::EpochEndReturns::into_requests(
                    Self::shout(
                        <__mixup::pass::Passed as __mixup::pass::epoch<
                            '_,
                            _,
                        >>::pass(&__event.epoch),
                        <__mixup::pass::Passed as __mixup::pass::valid_loss<
                            '_,
                            _,
                        >>::pass(&__event.valid_loss),
                    ),
                )
            } else {
                ::core::result::Result::Ok(__mixup::Requests::none())
            }
        }
        fn is_stateless(&self) -> ::core::primitive::bool {
            true
        }
    }
};
