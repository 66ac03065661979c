//! Hooks, parameters, return values, options, generics, `cfg`.

use std::{fmt::Debug, io::Write, marker::PhantomData, time::Duration};

use mixup::{
    callback::{Handler, Hook},
    prelude::*,
};
use tch::{Device, Kind, Tensor};

use crate::{names, train};

#[test]
fn a_callback_declares_its_hooks_and_the_names_that_it_asks_for() {
    struct Watch;

    #[callback]
    impl Watch {
        fn on_batch_end(&self, iteration: usize, smooth_loss: f64) {
            let _ = (iteration, smooth_loss);
        }

        fn on_train_end(&self) {}
    }

    let hooks = [Handler::new(Hook::BatchEnd).names(&["iteration", "smooth_loss"]), Handler::new(Hook::TrainEnd)];
    assert_eq!((Watch::NAME, Watch::ORDER, Watch.handlers()), ("Watch", 0, hooks.to_vec()));
}

#[test]
fn options_set_the_order_and_the_name() {
    const EARLY: i32 = -10;

    struct Watch;

    #[callback(order = EARLY - 1, name = "watch")]
    impl Watch {
        fn on_train_begin(&self) {}
    }

    struct Other;

    #[callback(name = concat!("the ", "other"), order = -5,)]
    impl Other {
        fn on_train_begin(&self) {}
    }

    assert_eq!((Watch::NAME, Watch::ORDER), ("watch", -11));
    assert_eq!((Other::NAME, Other::ORDER), ("the other", -5));
}

#[test]
fn everything_in_the_table_can_be_asked_for() {
    #[derive(Default)]
    struct All(Vec<Hook>);

    #[callback]
    impl All {
        fn on_train_begin(
            &mut self,
            epochs: usize,
            resumed: bool,
            metric_names: &[String],
            loss_func: &mut LossFunc,
            opt: &mut dyn Optimizer,
            params: &Params,
            model: &mut dyn AnyModel,
            data: &Data,
            rng: &mut Rng,
            sampler: &mut Sampling,
            valid_sampler: &mut Sampling,
            values: &Values,
            device: Device,
            world: World,
            interrupt: &Interrupt,
        ) {
            assert!(!interrupt.is_used());
            assert!(values.get("accuracy").is_some());
            assert_eq!((epochs, resumed, metric_names), (2, false, &["accuracy".to_owned()][..]));
            assert_eq!(device, Device::Cpu);
            assert_eq!(world, World::default());
            let _ = (loss_func, opt, params, model, data, rng, sampler, valid_sampler);
            self.0.push(Hook::TrainBegin);
        }

        fn on_epoch_begin(
            &mut self,
            epochs: &usize,
            metric_names: &[String],
            loss_func: &LossFunc,
            opt: &dyn Optimizer,
            params: &Params,
            model: &dyn AnyModel,
            data: &Data,
            rng: &Rng,
            device: &Device,
            epoch: &usize,
            iteration: &usize,
            steps: &usize,
            train: &bool,
        ) {
            assert_eq!(steps, iteration);
            let _ = (epochs, metric_names, loss_func, opt, params, model, data, rng, device, epoch, iteration, train);
            self.0.push(Hook::EpochBegin);
        }

        fn on_batch_begin(
            &mut self,
            last_input: &mut Input,
            last_target: &mut Target,
            num_batch: usize,
            batches: usize,
        ) {
            assert_eq!((last_input.items(), last_target.items(), num_batch, batches), (4, 4, 0, 1));
            self.0.push(Hook::BatchBegin);
        }

        fn on_loss_begin(&mut self, last_output: &mut Tensor) {
            assert_eq!(last_output.size(), [4, 2]);
            self.0.push(Hook::LossBegin);
        }

        fn on_backward_begin(&mut self, last_loss: &mut Tensor, smooth_loss: f64, running_loss: &mut RunningLoss) {
            assert_eq!(running_loss.get().expect("it is read").to_bits(), smooth_loss.to_bits());
            let _ = last_loss;
            self.0.push(Hook::BackwardBegin);
        }

        fn on_backward_end(&mut self, gradients: &Gradients) {
            let _ = gradients;
            self.0.push(Hook::BackwardEnd);
        }

        fn on_step_end(&mut self, _gradients: &Gradients, stepped: bool) {
            assert!(stepped);
            self.0.push(Hook::StepEnd);
        }

        fn on_batch_end(&mut self, last_loss: &Tensor) {
            let _ = last_loss;
            self.0.push(Hook::BatchEnd);
        }

        fn on_batch_end_always(&mut self, last_input: &Input) {
            assert_eq!(last_input.items(), 4);
            self.0.push(Hook::BatchEndAlways);
        }

        #[on(validate_end, always)]
        fn after_a_validation(&mut self, epoch: usize) {
            let _ = epoch;
            self.0.push(Hook::ValidateEndAlways);
        }

        #[on(epoch_end, always)]
        fn after_an_epoch(&mut self) {
            self.0.push(Hook::EpochEndAlways);
        }

        fn on_validate_begin(&mut self, iteration: usize) {
            assert!(iteration > 0);
            self.0.push(Hook::ValidateBegin);
        }

        fn on_validate_tally(&mut self, tally: &mut Tally) {
            let _ = tally.state();
            self.0.push(Hook::ValidateTally);
        }

        fn on_validate_end(&mut self, valid_loss: Option<f64>) {
            assert!(valid_loss.is_some());
            self.0.push(Hook::ValidateEnd);
        }

        fn on_epoch_end(&mut self, last_metrics: &[f64], train_loss: f64, epoch_time: Duration) {
            assert!(last_metrics.len() == 1 && train_loss.is_finite() && epoch_time > Duration::ZERO);
            self.0.push(Hook::EpochEnd);
        }

        fn on_train_end(&mut self, outcome: &Outcome) {
            assert_eq!(*outcome, Outcome::Finished);
            self.0.push(Hook::TrainEnd);
        }

        fn on_predict_begin(
            &mut self,
            opt: &mut dyn Optimizer,
            params: &Params,
            model: &mut dyn AnyModel,
            data: &Data,
            rng: &mut Rng,
            values: &Values,
            device: Device,
            interrupt: &Interrupt,
        ) {
            let _ = (opt, params, model, data, rng, values, device, interrupt);
            self.0.push(Hook::PredictBegin);
        }

        fn on_predict_batch_begin(&mut self, last_input: &mut Input, num_batch: usize, batches: usize) {
            assert_eq!((last_input.items(), num_batch, batches), (4, 0, 1));
            self.0.push(Hook::PredictBatchBegin);
        }

        fn on_predict_batch_end(&mut self, last_output: &mut Tensor) {
            assert_eq!(last_output.size(), [4, 2]);
            self.0.push(Hook::PredictBatchEnd);
        }

        #[on(predict_batch_end, always)]
        fn after_a_batch_of_predictions(&mut self, last_input: &Input) {
            assert_eq!(last_input.items(), 4);
            self.0.push(Hook::PredictBatchEndAlways);
        }

        fn on_predict_end(&mut self, params: &Params) {
            let _ = params;
            self.0.push(Hook::PredictEnd);
        }

        #[on(predict_end, always)]
        fn after_predictions(&mut self, params: &Params) {
            let _ = params;
            self.0.push(Hook::PredictEndAlways);
        }
    }

    let (mut learn, _) = train(All::default());
    learn.predictions().expect("there is validation data");
    let reached = &learn.get::<All>().expect("it was added").0;
    for hook in Hook::ALL {
        assert!(reached.contains(hook), "{hook} was not reached");
    }
    // A name that is added to the table must be added to a parameter above.
    let asked = |name| All::default().handlers().iter().any(|asked| asked.names.contains(name));
    let forgotten: Vec<_> = Hook::ALL.iter().flat_map(|hook| hook.names()).filter(|name| !asked(name)).collect();
    assert!(forgotten.is_empty(), "nobody asks for {forgotten:?}");
}

#[test]
fn the_next_hook_sees_what_a_hook_changes() {
    struct Zero;

    #[callback]
    impl Zero {
        fn on_batch_begin(&self, last_input: &mut Input) {
            *last_input = Input::Tensor(Tensor::zeros([4, 2], (Kind::Float, Device::Cpu)));
        }

        fn on_batch_end(&self, last_input: &Input) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            assert_eq!(f64::try_from(last_input.one()?.sum(Kind::Float))?, 0.0);
            Ok(())
        }
    }

    train(Zero);
}

#[test]
fn a_hook_returns_nothing_a_request_an_option_or_a_result() {
    #[derive(Default)]
    struct Answers(usize);

    #[callback]
    impl Answers {
        fn on_train_begin(&self) -> Option<StopTraining> {
            None
        }

        fn on_epoch_begin(&self) -> Result<(), String> {
            Ok(())
        }

        fn on_batch_begin(&self) -> std::io::Result<Option<SkipBatch>> {
            Ok(None)
        }

        fn on_backward_begin(&self) -> SkipBackward {
            SkipBackward
        }

        fn on_step_end(&mut self) {
            self.0 += 1;
        }

        fn on_epoch_end(&self) -> Result<Option<StopTraining>, tch::TchError> {
            Ok(Some(StopTraining::because("one is enough")))
        }
    }

    let (learn, report) = train(Answers::default());
    assert_eq!(learn.get::<Answers>().map(|answers| answers.0), Some(0), "no step without a backward pass");
    let Outcome::Stopped { by, hook, why } = &report.outcome else { panic!("{}", report.outcome) };
    assert_eq!((&by[..], *hook, &why[..]), ("Answers", Hook::EpochEnd, "one is enough"));
}

#[test]
fn a_hook_may_borrow_its_callback_in_any_way() {
    #[derive(Default)]
    struct Borrowed(Vec<&'static str>);

    #[callback]
    impl Borrowed {
        fn on_train_begin(self: &mut Self) {
            self.0.push("typed");
        }

        fn on_epoch_begin<'a, 'b: 'a>(&'a mut self, params: &'a Params, metric_names: &'b [String]) {
            self.0.push(if params.is_empty() { "without parameters" } else { "with lifetimes" });
            assert_eq!(metric_names.len(), 1);
        }

        fn on_epoch_end(&self) {
            assert!(self.0.len() >= 2);
        }

        fn on_train_end(self: &Self) {
            assert_eq!(self.0, ["typed", "with lifetimes", "with lifetimes"]);
        }
    }

    train(Borrowed::default());
}

#[test]
fn generics_lifetimes_and_bounds_are_passed_through() {
    struct Log<'a, W, T, const N: usize>
    where
        T: ?Sized,
    {
        out: W,
        kept: [f64; N],
        of: PhantomData<&'a T>,
    }

    #[callback]
    impl<'a, W: Write + Send, T, const N: usize> Log<'a, W, T, N>
    where
        T: ?Sized + Sync + Debug,
        W: 'static,
    {
        fn on_epoch_end(&mut self, epoch: usize, train_loss: f64) -> std::io::Result<()> {
            self.kept[epoch % N] = train_loss;
            writeln!(self.out, "{epoch}")
        }
    }

    let (learn, _) = train(Log::<_, str, 3> { out: Vec::new(), kept: [0.0; 3], of: PhantomData });
    let log = learn.get::<Log<'static, Vec<u8>, str, 3>>().expect("it was added");
    assert_eq!(log.out, b"0\n1\n");
    assert!(log.kept[0] > 0.0 && log.kept[1] > 0.0 && log.kept[2] <= 0.0, "{:?}", log.kept);
}

#[test]
fn a_method_or_parameter_removed_by_cfg_is_neither_called_nor_asked_for() {
    struct Sometimes;

    #[callback]
    #[cfg(test)]
    impl Sometimes {
        #[cfg(not(test))]
        fn on_train_begin(&self) {}

        #[cfg(not(test))]
        fn on_epoch_begin(&self, epoch: usize) {}

        #[cfg(test)]
        fn on_epoch_begin(
            &self,
            #[cfg(not(test))] epoch: usize,
            #[cfg_attr(test, cfg(not(test)))] epochs: usize,
            #[allow(unused_variables)]
            #[cfg(test)]
            #[cfg_attr(test, allow(unused_variables), cfg(test))]
            iteration: usize,
        ) {
        }
    }

    assert_eq!(Sometimes.handlers(), [Handler::new(Hook::EpochBegin).names(&["iteration"])]);
    train(Sometimes);
}

#[test]
fn methods_that_are_not_hooks_are_left_alone() {
    #[derive(Default)]
    struct Count {
        batches: usize,
    }

    #[callback]
    impl Count {
        const STEP: usize = 1;

        /// The type's own documentation and attributes stay.
        #[inline]
        fn on_batch_end(&mut self, train: bool) {
            self.count(usize::from(train) * Self::STEP);
        }

        fn count(&mut self, more: usize) {
            self.batches += more;
        }

        fn batch_end() -> &'static str {
            "no hook"
        }
    }

    // A block without the attribute may have methods of any name.
    impl Count {
        fn on_demand(&self) -> usize {
            self.batches
        }
    }

    let (learn, _) = train(Count::default());
    assert_eq!(learn.get::<Count>().map(|count| count.on_demand()), Some(2));
    assert_eq!((Count::default().handlers().len(), Count::batch_end()), (1, "no hook"));
    // A hook is still a method.
    let mut count = Count::default();
    count.on_batch_end(true);
    assert_eq!(count.batches, 1);
}

#[test]
fn a_parameter_may_be_unused_mutable_or_spelt_in_other_ways() {
    type Number = usize;

    struct Spelt;

    #[callback]
    impl Spelt {
        #[rustfmt::skip]
        #[allow(unused_parens)]
        fn on_epoch_end(&self, _epochs: usize, mut epoch: Number, r#train: (bool), last_metrics: &'_ [f64]) {
            epoch += 1;
            assert!(epoch > 0 && train && last_metrics.len() == 1);
        }
    }

    assert_eq!(names(&Spelt, Hook::EpochEnd), Some(&["epochs", "epoch", "train", "last_metrics"][..]));
    train(Spelt);
}
