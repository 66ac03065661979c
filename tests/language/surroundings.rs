//! Callbacks in unusual surroundings: other names in scope, a macro that writes them, the strictest lints.

use std::marker::PhantomData;

use mixup::{callback::Hook, prelude::*};

use crate::{
    names,
    support::{data, on},
    train,
};

/// One batch in each epoch.
fn learner() -> mixup::learner::LearnerBuilder<crate::support::Linear> {
    on(data(4, 4))
}

/// Every name of the standard prelude, but as something else.
#[allow(dead_code, non_camel_case_types, unused_macros, reason = "they only are in the way")]
mod shadowed {
    use ::mixup::{callback, hook};

    pub struct Result;
    pub struct Option;
    pub struct Box;
    pub struct Vec;
    pub struct String;
    pub struct Some;
    pub struct None;
    pub struct Ok;
    pub struct Err;
    pub struct Send;
    pub struct Sync;
    pub struct FnMut;
    pub struct PhantomData;
    pub struct Debug;
    pub struct Clone;
    pub struct Copy;
    pub struct Callback;
    pub struct Flow;
    pub struct HookResult;
    pub struct Value;
    pub struct str;
    pub struct i32;
    pub struct usize;
    pub struct u64;
    pub struct bool;
    pub mod core {}
    pub mod std {}
    pub mod mixup {}
    pub fn drop() {}
    macro_rules! concat {
        () => {};
    }
    macro_rules! file {
        () => {};
    }
    macro_rules! line {
        () => {};
    }

    #[derive(::core::fmt::Debug)]
    pub struct Hello {
        pub seen: ::core::primitive::u64,
        pub period: ::core::primitive::usize,
    }

    #[callback(order = 3, state(seen), describe(seen, period), before = ::mixup::callbacks::Recorder)]
    impl Hello {
        fn on_epoch_begin(
            &self,
            epoch: ::core::primitive::usize,
        ) -> ::core::option::Option<::mixup::callback::StopTraining> {
            (epoch > 0).then(|| ::mixup::callback::StopTraining::because("no"))
        }

        #[on(batch_begin, train, every = self.period, if = num_batch < 9)]
        fn small(&mut self, recorder: ::core::option::Option<&::mixup::callbacks::Recorder>) {
            self.seen += ::core::primitive::u64::from(recorder.is_none());
        }

        #[on(batch_begin, batch_end, first, last)]
        fn both(&mut self, train: ::core::primitive::bool) -> ::core::result::Result<(), ::std::string::String> {
            if train { ::core::result::Result::Ok(()) } else { self.never() }
        }

        fn never(&self) -> ::core::result::Result<(), ::std::string::String> {
            if self.period > 0 { ::core::result::Result::Ok(()) } else { ::core::result::Result::Err("0".into()) }
        }
    }

    #[callback(on_epoch_end, every = 1, if = epoch == 0)]
    pub fn planet(hello: &mut Hello) -> ::mixup::callback::StopTraining {
        hello.seen += 10;
        ::mixup::callback::StopTraining::because("one is enough")
    }

    pub fn closure(at: ::core::primitive::usize) -> impl ::mixup::callback::Callback {
        hook!(on_epoch_end, every = 1, move |epoch: ::core::primitive::usize, hello: &mut Hello| {
            hello.seen += 100;
            (epoch == at).then_some(::mixup::callback::StopTraining::because("it is time"))
        })
    }
}

mod without_prelude {
    #![no_implicit_prelude]

    pub struct Hello(pub usize);

    #[::mixup::callback(after = Planet, describe)]
    impl Hello {
        fn on_epoch_begin(&self, epoch: usize) -> ::std::io::Result<()> {
            ::core::assert!(epoch < 2);
            ::core::result::Result::Ok(())
        }

        #[on(batch_end, epoch_end, first, every = 2, last)]
        fn count(&mut self, planet: ::core::option::Option<&Planet>) {
            if planet.is_some() {
                self.0 += 1;
            }
        }
    }

    impl ::core::fmt::Debug for Hello {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            ::core::write!(f, "hello {}", self.0)
        }
    }

    #[::mixup::callback(on_epoch_end, on_train_end)]
    pub fn shout(hello: &mut Hello) {
        hello.0 += 10;
    }

    pub struct Planet;

    #[::mixup::callback]
    impl Planet {
        fn on_train_begin() {}
    }

    pub fn closure() -> impl ::mixup::callback::Callback {
        ::mixup::hook!(on_epoch_begin, if = epoch == 1, |epoch: usize, hello: &mut Hello| hello.0 += 100 * epoch)
    }
}

/// Modules with the name of the crate behind the facade, and with that of the facade.
mod mixup_runtime {
    #[allow(dead_code, reason = "it only is in the way")]
    pub mod mixup {}

    use ::mixup::prelude::*;

    #[derive(Default)]
    pub struct Hello {
        pub seen: usize,
    }

    #[callback]
    impl Hello {
        #[on(batch_end, every = 1)]
        fn count(&mut self, _num_batch: usize) {
            self.seen += 1;
        }
    }

    #[callback(on_epoch_end)]
    pub fn check(hello: &Hello) {
        assert!(hello.seen > 0);
    }

    pub fn closure() -> impl Callback {
        hook!(on_train_end, |hello: &mut Hello| hello.seen = 77)
    }
}

#[test]
fn it_does_not_matter_what_else_is_in_scope() {
    assert_eq!((shadowed::Hello::NAME, shadowed::Hello::ORDER, shadowed::planet::NAME), ("Hello", 3, "planet"));
    let hello = || shadowed::Hello { seen: 0, period: 1 };
    assert_eq!(train(hello()).1.epochs.len(), 1);
    let mut learn =
        learner().callback(hello()).callback(shadowed::closure(3)).callback(shadowed::planet).build().unwrap();
    assert_eq!(learn.fit(2, 1e-3).unwrap().epochs.len(), 1);
    assert_eq!(learn.get::<shadowed::Hello>().map(|hello| hello.seen), Some(1 + 10 + 100));
    assert!(learn.summary().to_string().contains("Hello(seen 111, period 1)"), "{}", learn.summary());
}

#[test]
fn no_prelude_is_needed() {
    assert_eq!(train(without_prelude::Hello(0)).1.epochs.len(), 2);
    let builder = learner().callback(without_prelude::Hello(0)).callback(without_prelude::Planet);
    let mut learn = builder.callback(without_prelude::shout).callback(without_prelude::closure()).build().unwrap();
    learn.fit(2, 1e-3).unwrap();
    // Four batches, including those of validation, and two epochs; three calls of the function; one of the closure.
    assert_eq!(learn.get::<without_prelude::Hello>().map(|hello| hello.0), Some(4 + 2 + 3 * 10 + 100));
}

#[test]
fn a_module_may_be_named_as_the_crates_are() {
    let builder = learner().callback(mixup_runtime::Hello::default()).callback(mixup_runtime::check);
    let mut learn = builder.callback(mixup_runtime::closure()).build().unwrap();
    learn.fit(1, 1e-3).unwrap();
    assert_eq!(learn.get::<mixup_runtime::Hello>().map(|hello| hello.seen), Some(77));
}

/// The facade under another name, as in a crate that re-exports it.
mod framework {
    pub use mixup as training;
}

#[test]
fn the_facade_may_have_another_path() {
    struct Hello;

    #[callback(crate = framework::training)]
    impl Hello {
        fn on_epoch_begin(&self, epoch: usize) -> Option<SkipEpoch> {
            (epoch == 0).then_some(SkipEpoch)
        }
    }

    struct World;

    #[callback(crate = crate::surroundings::framework::training, name = "world")]
    impl World {
        fn on_train_begin(&self, rng: &mut Rng) {
            let _ = rng;
        }
    }

    #[callback(on_epoch_end, crate = framework::training)]
    fn shout(epoch: usize) {
        assert!(epoch < 2);
    }

    assert_eq!((Hello::NAME, World::NAME), ("Hello", "world"));
    train(Hello);
    train(World);
    train(shout);
    train(hook!(on_epoch_end, crate = crate::surroundings::framework::training, |_epoch: usize| {}));
}

macro_rules! callbacks {
    ($($(#[$attr:meta])* $name:ident<$($param:ident),*>($order:expr, $text:literal): $hook:ident($value:ident: $ty:ty) -> $returns:ty;)*) => {$(
        #[derive(Default)]
        struct $name<$($param),*>(PhantomData<($($param,)*)>);

        $(#[$attr])*
        #[callback(order = $order, name = $text)]
        impl<$($param: Send),*> $name<$($param),*> {
            fn $hook(&mut self, $value: $ty) -> $returns {
                let _ = $value;
                Ok(None)
            }
        }
    )*};
}

callbacks! {
    First<>(1 + 1, "the first"): on_batch_end(epoch: usize) -> Result<Option<StopTraining>, std::fmt::Error>;
    /// With a type.
    Second<T>(-1, "the second"): on_batch_begin(last_target: &mut Target) -> Result<Option<SkipBatch>, Error>;
}

/// A macro that passes on whatever it gets.
macro_rules! others {
    ($name:ident, $hook:ident($value:ident: $ty:ty), $moment:ident, $period:expr, $cond:expr, $other:ty, $text:expr, $(#[$meta:meta])*) => {
        struct $name {
            period: usize,
            seen: usize,
        }

        #[callback(before = $other, name = $text)]
        impl $name {
            $(#[$meta])*
            fn listed(&mut self, $value: $ty) {
                let _ = $value;
                self.seen += 100;
            }

            #[on($moment, every = $period, if = $cond)]
            fn count(&mut self, $value: $ty, other: Option<&mut $other>) {
                let _ = $value;
                self.seen += 1 + usize::from(other.is_some());
            }

            #[on($moment, every = self.period, if = epoch == 0 && $cond)]
            fn count_by_a_field(&mut self) {
                self.seen += 10;
            }
        }

        #[callback($hook, every = $period, if = $cond)]
        fn function($value: $ty, name: &mut $name) {
            let _ = $value;
            name.seen += 1000;
        }

        fn closure() -> impl Callback {
            hook!($hook, every = $period, if = $cond, |$value: $ty, name: &mut $name| {
                let _ = $value;
                name.seen += 10_000;
            })
        }
    };
}

others! {
    Third, on_epoch_end(train_loss: f64), epoch_end, 1 + 1, epoch > 0, Recorder, concat!("the ", "third"), #[on(epoch_end, first)]
}

#[test]
fn a_macro_may_pass_on_filters_types_and_attributes() {
    assert_eq!(Third::NAME, "the third");
    let mut learn =
        learner().callback(Third { period: 1, seen: 0 }).callback(function).callback(closure()).build().unwrap();
    learn.fit(2, 1e-3).unwrap();
    // Only in the second epoch: the function, the closure, and the count by a constant.
    assert_eq!(learn.get::<Third>().map(|third| third.seen), Some(10_000 + 1000 + 100 + 1));
}

#[test]
fn a_macro_may_write_callbacks() {
    assert_eq!((First::NAME, First::ORDER), ("the first", 2));
    assert_eq!((Second::<u8>::NAME, Second::<u8>::ORDER), ("the second", -1));
    assert_eq!(names(&Second::<String>::default(), Hook::BatchBegin), Some(&["last_target"][..]));
    train(First::default());
    train(Second::<u8>::default());
}

/// As strict as a user's crate can be: the code that the attribute adds violates no lint, and sets none, which would be forbidden.
pub mod strict {
    #![forbid(
        warnings,
        missing_docs,
        unsafe_code,
        unused_qualifications,
        unused_results,
        unused_lifetimes,
        elided_lifetimes_in_paths,
        explicit_outlives_requirements,
        missing_debug_implementations,
        single_use_lifetimes,
        trivial_casts,
        trivial_numeric_casts,
        unreachable_pub,
        variant_size_differences,
        clippy::all,
        clippy::pedantic,
        clippy::nursery
    )]

    use std::io::Write;

    use mixup::{callback::LossBegin, prelude::*};
    use tch::{Device, Tensor};

    /// Logs what happens.
    #[derive(Debug)]
    pub struct Watch<'a, W> {
        out: W,
        title: &'a str,
        seen: usize,
    }

    impl<'a, W> Watch<'a, W> {
        /// Writes to `out`.
        pub const fn new(out: W, title: &'a str) -> Self {
            Self { out, title, seen: 0 }
        }
    }

    /// Logs nothing.
    #[callback(on_epoch_end, every = 2, last, if = epoch > 0, order = -3, before = MixUp)]
    #[must_use]
    pub fn shout(epoch: usize, recorder: Option<&Recorder>) -> Option<StopTraining> {
        (epoch > 7 && recorder.is_none()).then(|| StopTraining::because("seven are enough"))
    }

    /// Counts batches.
    #[must_use]
    pub fn counting() -> impl Callback {
        let mut seen = 0;
        hook!(on_batch_end, train, every = 2, name = "counting", move |num_batch: usize, last_loss: &Tensor| {
            seen += num_batch;
            (seen > 100 && last_loss.dim() > 0).then_some(SkipEpoch)
        })
    }

    #[callback(order = 5, name = "watch", describe(seen, title), state(seen), after = MixUp)]
    impl<'a, W: Write + Send> Watch<'a, W> {
        fn on_train_begin(&mut self, epochs: usize, device: Device) {
            self.seen = if device.is_cuda() { 0 } else { epochs };
        }

        fn on_batch_begin(&mut self, last_input: &mut Input, last_target: &Target) -> Option<SkipBatch> {
            self.seen += last_input.items();
            if let Input::Tensors(tensors) = last_input {
                tensors.truncate(1);
            }
            (self.seen < last_target.items()).then_some(SkipBatch)
        }

        fn on_batch_end(&mut self, smooth_loss: f64) -> std::io::Result<()> {
            writeln!(self.out, "{smooth_loss}")
        }

        fn on_epoch_end(
            &mut self,
            last_metrics: &[f64],
            valid_loss: Option<f64>,
        ) -> Result<StopTraining, std::io::Error> {
            writeln!(self.out, "{}: {last_metrics:?} {valid_loss:?}", self.title())?;
            Ok(StopTraining::because("one is enough"))
        }

        #[on(batch_end, train, first, every = 5, last, if = last_input.items() > 1)]
        #[on(epoch_begin, first)]
        fn count(&mut self, epoch: usize, mixup: Option<&mut MixUp>) {
            self.seen += epoch;
            if let Some(mixup) = mixup {
                *mixup = MixUp::default();
            }
        }

        #[on(batch_end, valid, every = self.seen + 1)]
        fn look(&self, recorder: Option<&Recorder>) -> Result<(), std::io::Error> {
            recorder.map_or(Ok(()), |_| Err(std::io::Error::other(self.title)))
        }

        fn on_loss_begin(&mut self, event: &mut LossBegin<'_>) {
            self.seen += event.epoch;
            event.last_output.change(|tensor| Ok(tensor.shallow_clone())).expect("it is one tensor");
        }

        const fn title(&self) -> &'a str {
            self.title
        }

        fn on_train_end(&mut self) {
            self.seen = self.out.flush().map_or(1, |()| 0);
        }
    }
}

#[test]
fn the_strictest_lints_find_nothing() {
    assert_eq!(train(strict::Watch::new(Vec::new(), "strict")).1.epochs.len(), 1);
    assert_eq!(train(strict::shout).1.epochs.len(), 2);
    assert_eq!(train(strict::counting()).1.epochs.len(), 2);
}
