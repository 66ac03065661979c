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
        const HOOKS: &'static [__mixup::Asked] = &[
            __mixup::Asked::new(
                    __mixup::Hook::EpochEnd,
                    &["epoch", "recorder", "keep", "mixup", #[cfg(test)] "other"],
                )
                .with(
                    &[
                        __mixup::Peer::asked::<Recorder>(),
                        __mixup::Peer::asked::<Keep<u8>>(),
                        __mixup::Peer::asked::<MixUp>().optional(),
                        #[cfg(test)]
                        __mixup::Peer::asked::<my::Other>().optional(),
                    ],
                ),
        ];
        fn on_epoch_end(
            &mut self,
            __event: &mut __mixup::EpochEnd<'_>,
        ) -> __mixup::HookResult {
            let mut __others = __event.__others.all();
            __mixup::EpochEndReturns::into_flow(
                Self::on_epoch_end(
                    self,
                    <__mixup::lent::Value as __mixup::lent::epoch<
                        '_,
                        _,
                    >>::lend(&__event.epoch),
                    &*__mixup::others::required::<Recorder>(&mut __others)?,
                    __mixup::others::required::<Keep<u8>>(&mut __others)?,
                    __mixup::others::optional::<MixUp>(&mut __others)
                        .map(|__other| &*__other),
                    #[cfg(test)]
                    __mixup::others::optional::<my::Other>(&mut __others),
                ),
            )
        }
    }
};
