//! Batches that threads gather ahead, while the learner trains on those before them.
//!
//! A batch is a function of its items and of their generators, whoever gathers it and whenever. So the threads can't change any number: the
//! loader takes a batch that was gathered ahead only if it has exactly the items and the generators that are asked for, and otherwise begins
//! anew from there. A learner that goes on in mid-epoch therefore needs nothing from here.
//!
//! Each thread gathers whole batches. They are taken in order, and no more than two for each thread are ever waiting.

use std::{
    collections::BTreeMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use super::{DataError, Dataset};
use crate::{
    batch::Batch,
    error::{or_refusal, panic_text},
    rng::ItemRngs,
};

/// Gathers the batches of a data set ahead.
pub(super) struct Ahead {
    dataset: Arc<dyn Dataset + Sync>,
    workers: usize,
    batch_size: usize,
    running: Mutex<Option<Running>>,
}

/// The threads, and what they gather.
struct Running {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    dataset: Arc<dyn Dataset + Sync>,
    rngs: ItemRngs,
    order: Vec<usize>,
    batch_size: usize,
    /// How many batches are gathered before they are asked for.
    most: usize,
    queue: Mutex<Queue>,
    /// There is something to gather, or nothing more to do.
    work: Condvar,
    /// A batch is there.
    ready: Condvar,
}

#[derive(Default)]
struct Queue {
    /// The next batch that a thread will take on.
    next: usize,
    /// The batch that is asked for next.
    asked: usize,
    done: BTreeMap<usize, Result<Batch, DataError>>,
    stop: bool,
}

impl Ahead {
    pub(super) fn new(dataset: Arc<dyn Dataset + Sync>, workers: usize, batch_size: usize) -> Self {
        Self { dataset, workers, batch_size, running: Mutex::new(None) }
    }

    /// Returns batch `k` of an order, gathered ahead if this is the batch after the last one. The first `batches` batches of the order will be
    /// asked for.
    pub(super) fn batch(&self, order: &[usize], k: usize, batches: usize, rngs: &ItemRngs) -> Result<Batch, DataError> {
        let mut running = locked(&self.running);
        if !running.as_ref().is_some_and(|running| running.has(order, k, rngs)) {
            *running = None; // the threads of the old order end before new ones begin
            *running = Some(self.begin(order, k, batches, rngs).map_err(|cause| DataError::Threads { cause })?);
        }
        let Some(begun) = &*running else { return Err(DataError::BatchIndex { batch: k, batches }) };
        let batch = begun.take(k);
        if batch.is_err() || k + 1 >= batches {
            *running = None;
        }
        batch
    }

    /// Ends the threads, after the batches that they are gathering.
    pub(super) fn stop(&self) {
        *locked(&self.running) = None;
    }

    fn begin(&self, order: &[usize], k: usize, batches: usize, rngs: &ItemRngs) -> io::Result<Running> {
        let end = batches.saturating_mul(self.batch_size).min(order.len());
        let shared = Arc::new(Shared {
            dataset: Arc::clone(&self.dataset),
            rngs: *rngs,
            order: order.get(..end).unwrap_or_default().to_vec(),
            batch_size: self.batch_size,
            most: self.workers * 2,
            queue: Mutex::new(Queue { next: k, asked: k, ..Queue::default() }),
            work: Condvar::new(),
            ready: Condvar::new(),
        });
        let mut running = Running { shared, threads: Vec::new() };
        for number in 0..self.workers {
            let shared = Arc::clone(&running.shared);
            let thread = thread::Builder::new().name(format!("mixup-loader-{number}"));
            running.threads.push(thread.spawn(move || shared.work())?);
        }
        Ok(running)
    }
}

impl Running {
    /// Whether batch `k` is the next one, with these items and generators.
    fn has(&self, order: &[usize], k: usize, rngs: &ItemRngs) -> bool {
        let size = self.shared.batch_size;
        let asked = order.chunks(size).nth(k);
        asked.is_some()
            && asked == self.shared.items(k)
            && self.shared.rngs == *rngs
            && locked(&self.shared.queue).asked == k
    }

    /// Waits for a batch. Each batch is taken on by a thread, and a thread always leaves a result.
    fn take(&self, k: usize) -> Result<Batch, DataError> {
        let mut queue = locked(&self.shared.queue);
        loop {
            if let Some(batch) = queue.done.remove(&k) {
                queue.asked = k + 1;
                self.shared.work.notify_all();
                return batch;
            }
            queue = self.shared.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        locked(&self.shared.queue).stop = true;
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            // A panic in a thread was caught and is an error already.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn items(&self, k: usize) -> Option<&[usize]> {
        self.order.chunks(self.batch_size).nth(k)
    }

    /// Gathers batches until there are no more, or nobody wants them.
    fn work(&self) {
        while let Some(k) = self.next() {
            let batch = self.gather(k);
            locked(&self.queue).done.insert(k, batch);
            self.ready.notify_all();
        }
    }

    /// Takes on the next batch, when there is room for it.
    fn next(&self) -> Option<usize> {
        let mut queue = locked(&self.queue);
        loop {
            let k = queue.next;
            if queue.stop || self.items(k).is_none() {
                return None;
            }
            if k < queue.asked + self.most {
                queue.next += 1;
                return Some(k);
            }
            queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn gather(&self, k: usize) -> Result<Batch, DataError> {
        let indices = self.items(k).unwrap_or_default();
        let gather = || or_refusal(|| super::loader::batch_of(&*self.dataset, indices, &self.rngs));
        catch_unwind(AssertUnwindSafe(gather)).unwrap_or_else(|payload| {
            Err(DataError::Panicked { item: "the data set".to_owned(), message: panic_text(&*payload) })
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
