// All are borrowed from one set, so that several can be borrowed at a time.
#[callback]
impl Reader {
    fn on_epoch_end(
        &mut self,
        epoch: usize,
        recorder: &Recorder,
        keep: &mut Keep<u8>,
        mixup: Option<&MixUp>,
        #[cfg(test)] other: Option<&mut my::Other>,
    ) {
    }
}

// becomes

impl Reader {
    fn on_epoch_end(
        &mut self,
        epoch: usize,
        recorder: &Recorder,
        keep: &mut Keep<u8>,
        mixup: Option<&MixUp>,
        #[cfg(test)]
        other: Option<&mut my::Other>,
    ) {}
}
const _: () = {
    use ::mixup::callback as __mixup;
    #[automatically_derived]
    impl __mixup::Callback for Reader {
        const NAME: &'static ::core::primitive::str = "Reader";
        fn handlers(&self) -> ::std::vec::Vec<__mixup::Handler> {
            __mixup::list([
                __mixup::Handler::new(__mixup::Hook::EpochEnd)
                    .names(&["epoch"])
                    .requests([
                        __mixup::Request::new(
                            "recorder",
                            <Recorder as __mixup::Requested>::what("recorder"),
                            false,
                        ),
                        __mixup::Request::new(
                            "keep",
                            <Keep<u8> as __mixup::Requested>::what("keep"),
                            true,
                        ),
                        __mixup::Request::new(
                                "mixup",
                                <MixUp as __mixup::Requested>::what("mixup"),
                                false,
                            )
                            .optional(),
                        #[cfg(test)]
                        __mixup::Request::new(
                                "other",
                                <my::Other as __mixup::Requested>::what("other"),
                                true,
                            )
                            .optional(),
                    ]),
            ])
        }
        fn on_epoch_end(
            &mut self,
            __event: &mut __mixup::EpochEnd<'_>,
        ) -> __mixup::HookResult {
            let __link_recorder = __event
                .__links
                .shared(
                    "on_epoch_end",
                    "recorder",
                    <Recorder as __mixup::Requested>::shared,
                )?;
            let mut __link_keep = __event
                .__links
                .exclusive(
                    "on_epoch_end",
                    "keep",
                    <Keep<u8> as __mixup::Requested>::exclusive,
                )?;
            let __link_mixup = __event
                .__links
                .shared_if_any(
                    "on_epoch_end",
                    "mixup",
                    <MixUp as __mixup::Requested>::shared,
                )?;
            #[cfg(test)]
            let mut __link_other = __event
                .__links
                .exclusive_if_any(
                    "on_epoch_end",
                    "other",
                    <my::Other as __mixup::Requested>::exclusive,
                )?;
            __mixup::EpochEndReturns::into_requests(
                Self::on_epoch_end(
                    self,
                    <__mixup::pass::Passed as __mixup::pass::epoch<
                        '_,
                        _,
                    >>::pass(&__event.epoch),
                    &*__link_recorder,
                    &mut *__link_keep,
                    __link_mixup.as_deref(),
                    #[cfg(test)]
                    __link_other.as_deref_mut(),
                ),
            )
        }
    }
};
