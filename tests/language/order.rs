//! The order in which callbacks run.

use mixup::{loss::Loss, prelude::*, training::BuildError};
use tch::Tensor;

use crate::support::{Log, data, on};

macro_rules! loggers {
    ($($name:ident($($option:tt)*);)*) => {$(
        #[derive(Clone)]
        struct $name(Log);

        #[callback($($option)*)]
        impl $name {
            fn on_train_begin(&self) {
                self.0.add(concat!("+", stringify!($name)));
            }

            fn on_train_end(&self) {
                self.0.add(concat!("-", stringify!($name)));
            }
        }
    )*};
}

loggers! {
    Plain();
    Late(order = 10);
    BeforePlain(before = Plain, order = 99);
    AfterLate(after = Late, order = -99);
    Between(after = BeforePlain, before = Plain);
    Ring1(before = Ring2);
    Ring2(before = Ring3);
    Ring3(before = Ring1);
    BeforeRing(before = Ring1);
}

fn begun(
    add: impl FnOnce(
        mixup::learner::LearnerBuilder<crate::support::Linear>,
        Log,
    ) -> mixup::learner::LearnerBuilder<crate::support::Linear>,
) -> String {
    let log = Log::default();
    let mut learn = add(on(data(4, 0)), log.clone()).build().expect("nothing is wrong with it");
    learn.fit(0, 1e-3).expect("it trains");
    log.take().join(" ")
}

#[test]
fn before_and_after_take_precedence_over_order() {
    let all = begun(|builder, log| {
        builder
            .callback(AfterLate(log.clone()))
            .callback(Plain(log.clone()))
            .callback(Late(log.clone()))
            .callback(Between(log.clone()))
            .callback(BeforePlain(log))
    });
    assert_eq!(all, "+Late +AfterLate +BeforePlain +Between +Plain -Plain -Between -BeforePlain -AfterLate -Late");
}

#[test]
fn callbacks_without_before_and_after_run_by_order_and_then_as_added() {
    let all = begun(|builder, log| {
        builder
            .callback(Late(log.clone()))
            .callback(Plain(log.clone()))
            .callback(Plain(log.clone()))
            .callback(Late(log))
    });
    assert_eq!(all, "+Plain +Plain +Late +Late -Late -Late -Plain -Plain");
    // A missing callback is ignored.
    assert_eq!(begun(|builder, log| builder.callback(Between(log))), "+Between -Between");
}

#[test]
fn a_cycle_is_an_error_that_names_its_callbacks() {
    let log = Log::default();
    let builder = on(data(4, 0)).callback(Ring2(log.clone())).callback(BeforeRing(log.clone()));
    let builder = builder.callback(Plain(log.clone())).callback(Ring1(log.clone())).callback(Ring3(log.clone()));
    let Err(Error::Build(BuildError::OrderCycle { cycle: ring, hook: None })) = builder.build() else {
        panic!("it goes round")
    };
    let start = ring.iter().position(|name| *name == "Ring1").expect("it is in the ring");
    let turned: Vec<_> = ring[start..].iter().chain(&ring[..start]).collect();
    assert_eq!(turned, ["Ring1", "Ring2", "Ring3"]);

    // If it is added later, it is an error of the next run, before anything begins.
    let mut learn = on(data(4, 0)).callback(Ring1(log.clone())).callback(Ring2(log.clone())).build().expect("no ring");
    learn.callback(Ring3(log.clone()));
    let error = learn.fit(1, 1e-3).expect_err("it goes round").to_string();
    assert!(error.starts_with("the callbacks form a cycle: `Ring"), "{error}");
    assert!(log.take().is_empty());
    learn.remove::<Ring2>();
    learn.fit(1, 1e-3).expect("no ring any more");
}

/// A loss function around another one, with both in its name.
struct Around(&'static str, LossFunc);

impl Loss for Around {
    fn loss(
        &self,
        output: &Tensor,
        target: &Target,
        reduction: Reduction,
    ) -> Result<Tensor, Box<dyn std::error::Error + Send + Sync>> {
        self.1.loss(output, target, reduction)
    }

    fn takes_mixed(&self) -> bool {
        self.1.takes_mixed()
    }

    fn name(&self) -> String {
        format!("{}({})", self.0, self.1.name())
    }
}

struct Wrap<const N: usize> {
    name: &'static str,
    before: Option<LossFunc>,
    log: Log,
}

#[callback]
impl<const N: usize> Wrap<N> {
    fn on_train_begin(&mut self, loss_func: &mut LossFunc) {
        let wrapped = LossFunc::new(Around(self.name, loss_func.clone()));
        self.before = Some(std::mem::replace(loss_func, wrapped));
    }

    #[on(batch_begin, first)]
    fn look(&self, loss_func: &LossFunc) {
        self.log.add(loss_func.name());
    }

    fn on_train_end(&mut self, loss_func: &mut LossFunc) {
        self.log.add(format!("{} takes off {}", self.name, loss_func.name()));
        if let Some(before) = self.before.take() {
            *loss_func = before;
        }
    }
}

#[test]
fn wrappers_of_the_loss_nest_and_unwrap_in_every_order_of_insertion() {
    let wrap = |name, log: &Log| Wrap::<0> { name, before: None, log: log.clone() };
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let log = Log::default();
        let mut builder = on(data(4, 0)).callback(Recorder::default());
        let mut names = Vec::new();
        for which in order {
            builder = if which == 2 { builder.mixup() } else { builder.callback(wrap(["a", "b"][which], &log)) };
            names.push(["a", "b", "MixUpLoss"][which]);
        }
        let mut learn = builder.build().expect("nothing is wrong with it");
        let original = learn.loss_func().clone();
        learn.fit(1, 1e-3).expect("it trains");
        assert!(learn.loss_func().is_same(&original), "{order:?}");
        let nested = names.iter().fold("CrossEntropy".to_owned(), |inner, name| format!("{name}({inner})"));
        let all = log.take();
        assert_eq!(all[0], nested, "{order:?}");
        for line in all.iter().filter(|line| line.contains(" takes off ")) {
            let (name, whole) = line.split_once(" takes off ").expect("it has two parts");
            assert!(whole.starts_with(&format!("{name}(")), "{line}");
        }
    }
}

#[test]
fn a_strict_learner_requires_an_order_between_callbacks_that_change_the_same_value() {
    #[callback(on_batch_begin)]
    fn centre(last_input: &mut Input) {
        let _ = last_input;
    }

    #[callback(on_batch_begin, after = centre)]
    fn scale(last_input: &mut Input) {
        let _ = last_input;
    }

    #[callback(on_batch_begin)]
    fn blur(last_input: &mut Input) {
        let _ = last_input;
    }

    on(data(4, 0)).callback(centre).callback(scale).strict().build().expect("their order is declared");
    let learn = on(data(4, 0)).callback(centre).callback(blur).build().expect("this learner is not strict");
    let pair = "`centre` and `blur` both change `last_input` in `on_batch_begin`, without `before` or `after`";
    assert!(learn.training_loop().to_string().ends_with(pair), "{}", learn.training_loop());
    let error = on(data(4, 0)).callback(centre).callback(blur).strict().build().map(|_| ()).expect_err("it is strict");
    assert_eq!(error.to_string(), format!("{pair}: add one of them, or leave `strict()` out"));
}
