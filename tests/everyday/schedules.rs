//! Schedules: the numbers of PyTorch and fastai, groups, accumulation, and going on after a break.

use std::collections::BTreeMap;

use mixup::{
    optim::{Length, ScheduleError},
    prelude::*,
};

use crate::{
    numbers::assert_close,
    resumes,
    support::{bits, data, items, on},
};

/// The numbers that `golden/schedules.py` got from PyTorch and fastai.
fn golden(name: &str) -> Vec<f64> {
    let file: BTreeMap<String, Vec<f64>> =
        serde_json::from_str(include_str!("../golden/schedules.json")).expect("the file is valid");
    file[name].clone()
}

#[track_caller]
fn assert_golden(name: &str, schedule: &Schedule, rel: f64) {
    let want = golden(name);
    let got = schedule.values(Length::new(1, want.len())).expect("the schedule is valid");
    assert_close(name, &got, &want, rel, 1e-3);
}

#[test]
fn each_curve_has_the_numbers_of_pytorch() {
    assert_golden("linear", &Schedule::linear(0.25, 1.0).over(Span::Steps(8)), 1e-12);
    assert_golden("cosine", &Schedule::cosine(1.0, 0.1), 1e-12);
    assert_golden("exponential", &Schedule::exponential(1.0, 0.8_f64.powi(20)), 1e-12);
    assert_golden("step", &Schedule::step(Span::Steps(6), 0.3), 1e-12);
    assert_golden("restarts", &Schedule::cosine(1.0, 0.0).restarts(3, 2.0), 1e-12);
    let warm_up = Schedule::linear(0.1, 1.0).over(Span::Steps(5));
    assert_golden("warm_up_then_cosine", &warm_up.then(Schedule::cosine(1.0, 0.0)), 1e-12);
}

/// fastai has the place in the training in `f32`.
const FASTAI: f64 = 1e-6;

#[test]
fn one_cycle_has_the_numbers_of_fastai() {
    let cycle = OneCycle::default();
    assert_golden("one_cycle_lr", &cycle.lr(), FASTAI);
    assert_golden("one_cycle_lr_23", &cycle.lr(), FASTAI);
    assert_golden("one_cycle_momentum", &cycle.momentum(), FASTAI);
}

#[test]
fn parts_without_a_length_share_what_is_left() {
    let three = Schedule::constant(1.0).over(0.5).then(Schedule::constant(2.0)).then(Schedule::constant(3.0));
    assert_eq!(three.values(Length::new(2, 4)).unwrap(), [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
    let nested = Schedule::linear(0.0, 2.0).then(Schedule::linear(2.0, 0.0)).over(Span::Epochs(1.0));
    let after = nested.then(Schedule::constant(5.0));
    assert_eq!(after.values(Length::new(2, 4)).unwrap(), [0.0, 1.0, 2.0, 1.0, 5.0, 5.0, 5.0, 5.0]);
}

#[test]
fn a_step_of_several_batches_is_one_number() {
    let warm_up = Schedule::linear(0.0, 1.0).over(Span::Steps(2)).then(Schedule::constant(1.0));
    assert_eq!(warm_up.values(Length::new(1, 8).accumulated(2)).unwrap(), [0.0, 0.5, 1.0, 1.0]);
}

#[test]
fn settings_out_of_range_are_rejected_with_what_would_be_right() {
    let length = Length::new(1, 8);
    let of = |schedule: Schedule| schedule.values(length).unwrap_err();
    assert_eq!(of(Schedule::constant(1.0).over(1.5)), ScheduleError::Span { span: Span::Part(1.5) });
    assert_eq!(of(Schedule::step(Span::Steps(0), 0.1)), ScheduleError::Span { span: Span::Steps(0) });
    let mut learn =
        on(data(8, 0)).callback(Scheduler::new(Schedule::of(|progress| (0.4 - progress).sqrt()))).build().unwrap();
    let error = learn.fit(1, 0.5).unwrap_err().to_string();
    assert!(error.ends_with("a schedule is NaN after 1 batches: its numbers must be finite"), "{error}");
    assert!((learn.opt().lr() - 0.5).abs() < 1e-12, "it has the rate of `fit` again");
    assert_eq!(of(Schedule::exponential(0.0, 1.0)), ScheduleError::Exponential { from: 0.0, to: 1.0 });
    let none = Schedule::constant(1.0).restarts(0, 1.0);
    assert_eq!(of(none), ScheduleError::Restarts { cycles: 0, growth: 1.0 });
}

/// Records rate and momentum of each group at each step.
#[derive(Default)]
struct Settings(Vec<Vec<(f64, f64)>>);

#[callback]
impl Settings {
    #[on(step_end, if = stepped)]
    fn see(&mut self, opt: &dyn Optimizer) {
        self.0.push(opt.hypers().iter().map(|(_, hyper)| (hyper.lr, hyper.momentum)).collect());
    }
}

#[test]
fn fit_one_cycle_trains_with_the_rates_and_momenta_of_fastai_and_restores_the_optimizer() {
    let mut learn = on(data(40, 0)).optimizer(Adam::default()).callback(Settings::default()).build().unwrap();
    learn.fit_one_cycle(2, 0.5).unwrap();
    let seen: Vec<_> = learn.get::<Settings>().unwrap().0.iter().map(|groups| groups[0]).collect();
    let lrs: Vec<_> = golden("one_cycle_lr").iter().map(|factor| factor * 0.5).collect();
    assert_close("lr", &seen.iter().map(|(lr, _)| *lr).collect::<Vec<_>>(), &lrs, FASTAI, 1e-3);
    let momenta: Vec<_> = seen.iter().map(|(_, momentum)| *momentum).collect();
    assert_close("momentum", &momenta, &golden("one_cycle_momentum"), FASTAI, 1.0);
    let after = learn.opt().hypers().last();
    assert_eq!((after.lr, after.momentum), (0.5, 0.9));
    assert!(learn.get::<OneCycle>().is_none());
}

#[test]
fn each_group_has_its_own_rate_and_may_have_its_own_schedule() {
    let scheduler = Scheduler::new(Schedule::linear(1.0, 0.0)).lr_of("bias", Schedule::constant(1.0));
    let mut learn = on(data(16, 0))
        .group("weight", |name, _| name == "weight")
        .group("bias", |name, _| name == "bias")
        .callback(scheduler)
        .callback(Settings::default())
        .build()
        .unwrap();
    learn.fit(1, [0.5, 0.25]).unwrap();
    let rates = |step: usize| learn.get::<Settings>().unwrap().0[step].iter().map(|(lr, _)| *lr).collect::<Vec<_>>();
    assert_eq!((rates(0), rates(2)), (vec![0.5, 0.25], vec![0.25, 0.25]));

    let mut other =
        on(data(16, 0)).callback(Scheduler::new(Schedule::constant(1.0)).lr_of("head", Schedule::constant(1.0)));
    let error = other.build().unwrap().fit(1, 0.1).unwrap_err().to_string();
    assert!(error.contains("callback `Scheduler`, hook `on_train_begin`") && error.contains("`head`"), "{error}");
    other = on(data(16, 0)).callback(Scheduler::new(Schedule::constant(-1.0)));
    let error = other.build().unwrap().fit(1, 0.1).unwrap_err().to_string();
    assert!(error.contains("the optimizer's lr is -0.1"), "{error}");
}

#[test]
fn while_gradients_are_accumulated_the_rate_stays() {
    #[derive(Default)]
    struct Rates(Vec<f64>);

    #[callback]
    impl Rates {
        fn on_backward_end(&mut self, opt: &dyn Optimizer) {
            self.0.push(opt.lr());
        }
    }

    let warm_up = Schedule::linear(0.0, 1.0).over(Span::Steps(2)).then(Schedule::constant(1.0));
    let builder = on(data(32, 0)).callback(Accumulate::batches(2)).callback(Scheduler::new(warm_up));
    let mut learn = builder.callback(Rates::default()).build().unwrap();
    learn.fit(1, 1.0).unwrap();
    assert_eq!(learn.get::<Rates>().unwrap().0, [0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0]);
}

#[test]
fn schedules_go_on_after_a_break_with_mixup_and_accumulation() {
    let schedule =
        || Schedule::linear(0.1, 1.0).over(Span::Epochs(0.5)).then(Schedule::cosine(1.0, 0.0).restarts(2, 1.0));
    let momentum = || Schedule::of(|progress| 0.9 - 0.1 * progress);
    resumes(
        || {
            let builder = on(data(18, 5)).optimizer(Adam::default()).mixup().callback(Accumulate::batches(2));
            Ok(builder.callback(Scheduler::new(schedule()).momentum(momentum())).build()?)
        },
        2,
        0.1,
    );
    resumes(|| Ok(on(data(16, 5)).optimizer(Adam::default()).mixup().callback(OneCycle::default()).build()?), 2, 0.1);
}

/// Interrupts the training in a batch, once.
struct Interrupts(Option<(usize, mixup::training::Interrupt)>);

#[callback]
impl Interrupts {
    #[on(batch_end, train)]
    fn interrupt(&self, iteration: usize) {
        if let Some((at, handle)) = &self.0
            && *at == iteration
        {
            handle.interrupt();
        }
    }
}

#[test]
fn a_killed_fit_one_cycle_goes_on_with_the_cycle_that_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let cycle = || OneCycle::default().pct_start(0.5).momenta(0.9, 0.8, 0.9);
    let build = |name: &str| {
        let checkpoints = Checkpoints::in_dir(folder.path().join(name));
        on(data(20, 5)).optimizer(Adam::default()).checkpoints(checkpoints).callback(Interrupts(None)).build().unwrap()
    };
    let mut whole = build("whole");
    whole.fit_one_cycle_with(cycle(), 2, 0.1).unwrap();

    let mut killed = build("killed");
    let handle = killed.interrupt_handle();
    killed.get_mut::<Interrupts>().unwrap().0 = Some((6, handle));
    assert!(matches!(killed.fit_one_cycle_with(cycle(), 2, 0.1), Err(Error::Interrupted { .. })));
    let mut resumed = build("killed");
    resumed.resume().unwrap();
    assert_eq!(bits(&resumed), bits(&whole));
    assert!(resumed.get::<OneCycle>().is_none() && killed.get::<OneCycle>().is_none());
}

#[test]
fn accumulated_batches_make_the_step_of_one_large_batch() {
    let small = |batches| {
        let data = Data::builder(items(22)).batch_size(4).shuffle(false).build().unwrap();
        let mut learn = on(data).callback(Accumulate::batches(batches)).callback(Recorder::default()).build().unwrap();
        learn.fit(2, 0.5).unwrap();
        learn
    };
    let large = |size| {
        let data = Data::builder(items(22)).batch_size(size).shuffle(false).build().unwrap();
        let mut learn = on(data).build().unwrap();
        learn.fit(2, 0.5).unwrap();
        learn
    };
    let numbers = |learn: &Learner| crate::support::numbers(learn).into_iter().map(f64::from).collect::<Vec<_>>();
    // 22 items: batches of 12 and 10, the last one of which has a batch of 2 at its end.
    assert_close("weights", &numbers(&small(3)), &numbers(&large(12)), 1e-6, 0.1);
    assert_close("weights", &numbers(&small(6)), &numbers(&large(22)), 1e-6, 0.1);
    // The last batch of an epoch ends a group of four that is not full.
    assert_close("weights", &numbers(&small(4)), &numbers(&large(16)), 1e-6, 0.1);
    assert_eq!(bits(&small(1)), bits(&large(4)));
    // The losses that others see are those of the batches.
    let plain = |learn: &mut Learner| learn.get_mut::<Recorder>().unwrap().losses().unwrap()[5];
    let (mut first, mut second) = (small(3), small(6));
    assert!((plain(&mut first) - plain(&mut second)).abs() > 1e-9); // after different steps
}
