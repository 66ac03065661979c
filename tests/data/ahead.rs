//! Batches that threads gather ahead.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use mixup::{
    data::{Array, Collated, Item, Items, Loader},
    prelude::*,
};
use tch::{Kind, Tensor, nn};

type Outcome = Result<(), BoxError>;

/// Items with a number of their own and one that is drawn. `at` is told each index before the item is made.
struct Numbers<F> {
    items: usize,
    at: F,
    made: Arc<AtomicUsize>,
}

impl<F: Fn(usize) -> Result<(), DataError> + Send + Sync> Items for Numbers<F> {
    fn len(&self) -> usize {
        self.items
    }

    fn get(&self, index: usize, rng: &mut Rng) -> Result<Item, DataError> {
        self.made.fetch_add(1, Ordering::SeqCst);
        (self.at)(index)?;
        let input = Array::new([2], vec![index as f32, rng.random::<f32>()])?;
        Ok(Item { input, label: Array::new([1], vec![index as f32 / 100.0])?.into() })
    }

    fn name(&self, index: usize) -> String {
        format!("photos/{index}.jpg")
    }
}

fn numbers<F: Fn(usize) -> Result<(), DataError> + Send + Sync>(items: usize, at: F) -> Numbers<F> {
    Numbers { items, at, made: Arc::default() }
}

fn learner<F>(items: Numbers<F>, workers: usize) -> Result<Learner, BoxError>
where
    F: Fn(usize) -> Result<(), DataError> + Send + Sync + 'static,
{
    let valid = numbers(7, |_| Ok(()));
    let data =
        Data::builder(Collated::new(items)).valid(Collated::new(valid)).batch_size(4).workers(workers).build()?;
    // Weights of their own: other tests draw from libtorch's generator at the same time.
    let first = nn::LinearConfig { ws_init: nn::Init::Const(0.1), bs_init: Some(nn::Init::Const(0.0)), bias: true };
    let model = move |vs: &mixup::model::Vars<'_>| nn::linear(vs, 2, 1, first);
    Ok(Learner::builder(data, model).loss(Mse).seed(7).quiet().build()?)
}

pub fn weights(learn: &Learner) -> Vec<f32> {
    let all: std::collections::BTreeMap<_, _> = learn.params().var_store().variables().into_iter().collect();
    let all: Vec<Tensor> = all.into_values().map(|tensor| tensor.flatten(0, -1)).collect();
    Vec::try_from(Tensor::cat(&all, 0).to_kind(Kind::Float)).expect("numbers")
}

/// The threads of this process that gather batches.
#[cfg(target_os = "linux")]
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux has it");
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with("mixup-loader")).count()
}

/// Waits until no thread is left. Other tests of this program have threads too, but they end.
#[cfg(target_os = "linux")]
fn no_thread_is_left() {
    for _ in 0..200 {
        if threads() == 0 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{} threads are left", threads());
}

#[test]
fn trainings_have_the_same_bits_for_any_number_of_workers() -> Outcome {
    let trained = |workers| -> Result<_, BoxError> {
        let mut learn = learner(numbers(50, |_| Ok(())), workers)?;
        let report = learn.fit(3, 1e-2)?;
        Ok((weights(&learn), report.epochs.last().map(|epoch| epoch.valid_loss)))
    };
    let alone = trained(0)?;
    for workers in [1, 2, 5] {
        assert_eq!(trained(workers)?, alone, "{workers} workers");
    }
    Ok(())
}

#[test]
fn batches_come_in_order_from_wherever_a_pass_begins() -> Outcome {
    let loader = Loader::new(Collated::new(numbers(23, |_| Ok(()))), 5)?.workers(3);
    let alone = Loader::new(Collated::new(numbers(23, |_| Ok(()))), 5)?;
    let (order, rngs): (Vec<usize>, _) = ((0..23).rev().collect(), ItemRngs::new(1, 0));
    // In turn, from the middle, twice the same, back, and with the generators of another epoch.
    for (k, epoch) in [(0, 0), (1, 0), (2, 0), (4, 0), (4, 0), (1, 0), (2, 1), (3, 1), (3, 0)] {
        let rngs = if epoch == 0 { rngs } else { ItemRngs::new(1, epoch) };
        let [ahead, plain] = [&loader, &alone].map(|loader| loader.batch(&order, k, &rngs));
        assert!(ahead?.input.one()?.equal(plain?.input.one()?), "batch {k} of epoch {epoch}");
    }
    assert!(matches!(loader.batch(&order, 5, &rngs), Err(DataError::BatchIndex { batch: 5, batches: 5 })));
    Ok(())
}

#[test]
fn no_more_batches_are_gathered_than_two_for_each_thread() -> Outcome {
    let items = numbers(1000, |_| Ok(()));
    let made = Arc::clone(&items.made);
    let loader = Loader::new(Collated::new(items), 1)?.workers(2);
    let order: Vec<usize> = (0..1000).collect();
    loader.batch(&order, 0, &ItemRngs::new(0, 0))?;
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(made.load(Ordering::SeqCst), 1 + 4);
    Ok(())
}

#[test]
fn an_error_or_a_panic_in_a_thread_ends_the_training_and_names_the_item() -> Outcome {
    for workers in [0, 3] {
        let fails = |index| if index == 17 { Err(DataError::other("photos/17.jpg is too dark")) } else { Ok(()) };
        let error = learner(numbers(50, fails), workers)?.fit(1, 1e-2).expect_err("an error");
        assert!(error.to_string().ends_with(": photos/17.jpg is too dark"), "{error}");

        let panics = |index| {
            assert!(index != 17, "no such colour");
            Ok(())
        };
        let mut learn = learner(numbers(50, panics), workers)?;
        let error = learn.fit(1, 1e-2).expect_err("a panic");
        assert!(error.to_string().ends_with(": photos/17.jpg panicked: no such colour"), "{error}");
    }
    Ok(())
}

#[test]
#[cfg(target_os = "linux")]
fn no_thread_is_left_after_a_training_however_it_ends() -> Outcome {
    let mut learn = learner(numbers(50, |_| Ok(())), 3)?;
    learn.fit(1, 1e-2)?;
    let stop = hook!(on_batch_end, train, |iteration: usize| (iteration == 2).then(|| StopTraining::because("enough")));
    let mut stopped = learner(numbers(50, |_| Ok(())), 3)?;
    stopped.callback(stop);
    stopped.fit(1, 1e-2)?;
    let fails = |index| if index == 9 { Err(DataError::other("broken")) } else { Ok(()) };
    let mut failed = learner(numbers(50, fails), 3)?;
    failed.fit(1, 1e-2).expect_err("an error");
    let loader = Loader::new(Collated::new(numbers(50, |_| Ok(()))), 4)?.workers(2);
    learn.callback(hook!(on_predict_batch_end, || Err::<(), _>("enough")));
    learn.predictions_on(&loader).expect_err("an error after the first batch");
    no_thread_is_left();
    Ok(())
}

#[test]
#[cfg(target_os = "linux")]
fn an_interrupt_while_threads_are_busy_ends_the_training_with_its_ends_and_leaves_no_thread() -> Outcome {
    use std::sync::atomic::AtomicBool;

    // Of the 32 items in the first eight batches, two that are used and six that are ahead, the last ones wait for the interrupt.
    let (begun, waiting, interrupted) =
        (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let items = numbers(400, {
        let (waiting, interrupted) = (Arc::clone(&waiting), Arc::clone(&interrupted));
        move |_| {
            if begun.fetch_add(1, Ordering::SeqCst) >= 24 {
                waiting.fetch_add(1, Ordering::SeqCst);
                while !interrupted.load(Ordering::SeqCst) {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            }
            Ok(())
        }
    });
    let made = Arc::clone(&items.made);
    let mut learn = learner(items, 3)?;
    let (handle, ends) = (learn.interrupt_handle(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&ends);
    learn.callback(hook!(on_train_end, move || {
        counted.fetch_add(1, Ordering::SeqCst);
    }));
    learn.callback(hook!(on_batch_end, train, move |iteration: usize| {
        if iteration == 1 {
            while waiting.load(Ordering::SeqCst) == 0 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            handle.interrupt();
            interrupted.store(true, Ordering::SeqCst);
        }
    }));
    let error = learn.fit(1, 1e-2).expect_err("it is interrupted");
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    assert_eq!(ends.load(Ordering::SeqCst), 1);
    no_thread_is_left();
    assert!(made.load(Ordering::SeqCst) < 60, "the threads went on with the epoch");
    Ok(())
}
