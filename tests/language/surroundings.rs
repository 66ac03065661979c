//! Wherever a callback stands, and whoever writes it: what is in scope, a macro, the strictest lints.

use std::marker::PhantomData;

use mixup::{callback::Hook, prelude::*};

use crate::{names, train};

/// Everything that the prelude would bring, but as something else.
#[allow(dead_code, non_camel_case_types, reason = "they only are in the way")]
mod shadowed {
    use ::mixup::callback;

    pub struct Result;
    pub struct Option;
    pub struct Box;
    pub struct Vec;
    pub struct Send;
    pub struct Callback;
    pub struct str;
    pub struct i32;
    pub struct usize;
    pub mod core {}
    pub mod std {}
    pub mod mixup {}

    pub struct Hello;

    #[callback(order = 3)]
    impl Hello {
        fn on_epoch_begin(
            &self,
            epoch: ::core::primitive::usize,
        ) -> ::core::option::Option<::mixup::callback::StopTraining> {
            (epoch > 0).then(|| ::mixup::callback::StopTraining::because("no"))
        }
    }
}

mod without_prelude {
    #![no_implicit_prelude]

    pub struct Hello;

    #[::mixup::callback]
    impl Hello {
        fn on_epoch_begin(&self, epoch: usize) -> ::std::io::Result<()> {
            ::core::assert!(epoch < 2);
            ::core::result::Result::Ok(())
        }
    }
}

#[test]
fn it_does_not_matter_what_else_is_in_scope() {
    assert_eq!((shadowed::Hello::NAME, shadowed::Hello::ORDER), ("Hello", 3));
    assert_eq!(train(shadowed::Hello).1.epochs.len(), 1);
    assert_eq!(train(without_prelude::Hello).1.epochs.len(), 2);
}

/// The facade by another name, as a crate that re-exports it has it.
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

    assert_eq!((Hello::NAME, World::NAME), ("Hello", "world"));
    train(Hello);
    train(World);
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

#[test]
fn a_macro_may_write_callbacks() {
    assert_eq!((First::NAME, First::ORDER), ("the first", 2));
    assert_eq!((Second::<u8>::NAME, Second::<u8>::ORDER), ("the second", -1));
    assert_eq!(names::<Second<String>>(Hook::BatchBegin), Some(&["last_target"][..]));
    train(First::default());
    train(Second::<u8>::default());
}

/// As strict as a user's crate can be: what the attribute adds offends no lint, and sets none, for that would be forbidden.
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

    use mixup::prelude::*;
    use tch::Device;

    /// Writes what happens.
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

    #[callback(order = 5, name = "watch")]
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

        const fn title(&self) -> &'a str {
            self.title
        }

        fn on_train_end(&mut self) {
            self.seen = self.out.flush().map_or(1, |()| 0);
        }
    }
}

#[test]
fn the_strictest_lints_have_nothing_to_say() {
    assert_eq!(train(strict::Watch::new(Vec::new(), "strict")).1.epochs.len(), 1);
}
