//! Callbacks that ask for one another.

use mixup::{
    callback::{Callback as _, Hook, Request},
    prelude::*,
    training::BuildError,
};

use crate::support::{Log, data, on};

#[derive(Default)]
struct Counter {
    batches: usize,
}

#[callback(order = -5)]
impl Counter {
    #[on(batch_end, train)]
    fn count(&mut self) {
        self.batches += 1;
    }
}

struct Reader(Log);

#[callback]
impl Reader {
    #[on(batch_end, train)]
    fn read(&self, counter: &Counter, num_batch: usize, mixup: Option<&MixUp>) {
        self.0.add(format!("{num_batch}: {} {}", counter.batches, mixup.is_some()));
    }

    fn on_epoch_end(
        &mut self,
        counter: &mut Counter,
        recorder: Option<&mut Recorder>,
        epoch: usize,
    ) -> Result<(), tch::TchError> {
        counter.batches += 100;
        let losses = recorder.map(Recorder::losses).transpose()?.map(<[f64]>::len);
        self.0.add(format!("epoch {epoch}: {losses:?}"));
        Ok(())
    }

    fn on_train_end(counter: &Counter, _mixup: Option<&MixUp>) {
        assert!(counter.batches > 0);
    }
}

#[test]
fn a_callback_borrows_others_by_their_types() {
    let log = Log::default();
    let builder = on(data(8, 4)).callback(Reader(log.clone())).callback(Counter::default());
    let mut learn = builder.build().expect("nothing is wrong with it");
    learn.fit(2, 1e-3).expect("it trains");
    // In an end hook the order is reversed: the reader reads before the counter counts.
    assert_eq!(
        log.take().join(", "),
        "0: 0 false, 1: 1 false, epoch 0: None, 0: 102 false, 1: 103 false, epoch 1: None"
    );
    assert_eq!(learn.get::<Counter>().map(|counter| counter.batches), Some(204));

    learn.callback(MixUp::default()).callback(Recorder::default());
    learn.fit(1, 1e-3).expect("it trains");
    assert_eq!(log.take().join(", "), "0: 204 true, 1: 205 true, epoch 0: Some(2)");
}

#[test]
fn a_hook_lists_the_callbacks_that_it_asks_for() {
    let handlers = Reader(Log::default()).handlers();
    assert_eq!(
        handlers[0].requests,
        [Request::shared::<Counter>("counter"), Request::shared::<MixUp>("mixup").optional()]
    );
    assert_eq!(handlers[1].requests[0], Request::exclusive::<Counter>("counter"));
    assert_eq!(handlers[0].to_string(), "::read(num_batch, &Counter, &MixUp) [train]");
}

#[test]
fn a_callback_that_is_asked_for_but_missing_is_an_error_when_the_learner_is_built() {
    let log = Log::default();
    let wanted = BuildError::MissingCallback {
        by: "Reader".to_owned(),
        hook: Hook::BatchEnd,
        wanted: "Counter".to_owned(),
        named: None,
    };
    match on(data(8, 4)).callback(Reader(log.clone())).build() {
        Err(Error::Build(error)) => assert_eq!(error, wanted),
        other => panic!("{:?}", other.map(|_| ())),
    }
    let text = "the callback `Reader` asks for `Counter` in `on_batch_end`, and the learner has none: add one with \
                `.callback(…)`, or ask for an `Option` of it";
    assert_eq!(wanted.to_string(), text);

    // If it is removed later, it is an error of the next run.
    let builder = on(data(8, 4)).callback(Counter::default()).callback(Reader(log.clone()));
    let mut learn = builder.build().expect("both are there");
    learn.remove::<Counter>();
    assert_eq!(learn.fit(1, 1e-3).expect_err("it is gone").to_string(), text);
    assert!(log.take().is_empty());
}

#[test]
fn a_function_and_a_closure_ask_for_others_too() {
    #[callback(on_train_end)]
    fn check(counter: &Counter) {
        assert_eq!(counter.batches, 4);
    }

    let double = hook!(on_epoch_end, |counter: &mut Counter| counter.batches *= 2);
    let builder = on(data(8, 4)).callback(check).callback(double).callback(Counter::default());
    builder.build().expect("all are there").fit(1, 1e-3).expect("it trains");
}

#[test]
fn a_generic_callback_is_asked_for_with_its_parameters() {
    struct Keep<T>(T);

    #[callback]
    impl<T: Default + Send> Keep<T> {
        fn on_train_begin(&mut self) {
            self.0 = T::default();
        }
    }

    struct Asks<T>(Option<T>);

    #[callback(after = Keep<T>)]
    impl<T: Default + Copy + Send + 'static> Asks<T> {
        fn on_train_begin(&mut self, keep: &Keep<T>, other: Option<&Keep<u8>>) {
            self.0 = other.is_none().then_some(keep.0);
        }
    }

    let builder = on(data(8, 4)).callback(Asks::<i64>(None)).callback(Keep(3_i64));
    let mut learn = builder.build().expect("it is there");
    learn.fit(1, 1e-3).expect("it trains");
    assert_eq!(learn.get::<Asks<i64>>().and_then(|asks| asks.0), Some(0));
}

#[callback(on_epoch_begin)]
fn shout() {}

struct Hears(Log);

#[callback]
impl Hears {
    fn on_epoch_end(&self, another: &shout, one_more: Option<&mut Counter>) {
        self.0.add(format!("{another:?} {}", one_more.is_none()));
        if let Some(counter) = one_more {
            counter.batches += 1;
        }
    }
}

#[test]
fn a_function_is_asked_for_by_its_type_like_other_callbacks() {
    let log = Log::default();
    let missing = on(data(4, 0)).callback(Hears(log.clone())).build().err().expect("nobody shouts");
    assert!(missing.to_string().contains("shout"), "{missing}");
    let mut learn = on(data(4, 0)).callback(Hears(log.clone())).callback(shout).build().expect("somebody does");
    learn.fit(1, 1e-3).expect("it trains");
    assert_eq!(log.take(), ["shout true"]);
}
