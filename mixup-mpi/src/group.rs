//! The protocol between ranks: all meet before each exchange, and hear whether one of them has ended.
//!
//! A rank that fails does not leave the others waiting: its next meeting is that of its end, in which it says why. So every
//! exchange is entered by all or by none, no request is ever left behind, and MPI can be finalized after every error. Where a
//! rank can't meet any more (it was killed), `mpirun` ends the others.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use mixup::{
    callback::StopTraining,
    training::{Interrupt, World},
};
use mpi::{
    collective::{CommunicatorCollectives as _, Root as _, SystemOperation},
    datatype::PartitionMut,
    environment::Universe,
    topology::{Communicator as _, SimpleCommunicator},
    traits::Equivalence,
};

use crate::{
    error::ParallelError,
    says::{End, Heard, Moment, News, Same, Says},
};

/// All ranks of a program.
pub(crate) struct Group {
    /// Finalizes MPI when it is dropped.
    universe: Universe,
    world: World,
    inner: Mutex<Inner>,
}

struct Inner {
    timeout: Duration,
    /// Whether a wait was given up.
    broken: bool,
    /// Whether one has ended in the training in progress, so that all know and meet no more.
    ended: bool,
    waited: Duration,
}

/// How long a rank tries to go on at once, before it sleeps between two looks.
const EAGER: Duration = Duration::from_micros(200);
/// How long it sleeps at most.
const NAP: Duration = Duration::from_micros(500);
/// How much of a message others hear.
const TEXT: usize = 2048;
/// How much is exchanged at once, in bytes.
const BUCKET: usize = 25 << 20;

impl Group {
    pub(crate) fn new(universe: Universe) -> Self {
        let comm = universe.world();
        let world = World::new(comm.rank().unsigned_abs() as usize, comm.size().unsigned_abs() as usize);
        let world = world.unwrap_or_default(); // MPI's rank is below its size
        let inner = Mutex::new(Inner {
            timeout: Duration::from_secs(30 * 60),
            broken: false,
            ended: false,
            waited: Duration::ZERO,
        });
        Self { universe, world, inner }
    }

    pub(crate) fn world(&self) -> World {
        self.world
    }

    pub(crate) fn set_timeout(&self, timeout: Duration) {
        self.inner().timeout = timeout;
    }

    /// How long this rank has waited for others so far.
    pub(crate) fn waited(&self) -> Duration {
        self.inner().waited
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn comm(&self) -> SimpleCommunicator {
        self.universe.world()
    }

    /// Meets the others: waits until all are here, and tells and hears how it goes.
    pub(crate) fn meet(&self, says: &Says<'_>) -> Result<Heard, ParallelError> {
        self.wait(says.at)?;
        let code = says.end.map_or(0, |(end, _)| end as i64);
        let own_rank = i64::from(u32::MAX) - self.world.rank() as i64;
        let ended = if code > 0 { code << 32 | own_rank } else { 0 };
        let pair = |number: i64| [number, number.wrapping_neg()];
        let same = [says.at.number(), says.layout, says.settings, says.items].map(pair);
        let [at, layout, settings, items] = same;
        let sent = [[ended, -code], at, layout, settings, items, [i64::from(says.interrupted), 0]];
        let mut most = [[0_i64; 2]; 6];
        self.comm().all_reduce_into(sent.as_flattened(), most.as_flattened_mut(), SystemOperation::max());
        let [[ended, mildest], at, layout, settings, items, [interrupted, _]] = most;
        if let Some(end) = End::of(ended >> 32) {
            let rank = (i64::from(u32::MAX) - (ended & 0xffff_ffff)) as usize;
            let text = self.hear(rank, says.end.map_or("", |(_, text)| text));
            return Ok(Heard::Ended(News { rank, end, text, all: -mildest == end as i64 }));
        }
        let is_same = |[most, least]: [i64; 2]| most == least.wrapping_neg();
        let [last, first] = at;
        if !is_same(at) {
            return Err(ParallelError::Apart { first: Moment::of(-first), last: Moment::of(last) });
        }
        let same = Same { layout: is_same(layout), settings: is_same(settings), items: is_same(items) };
        Ok(Heard::All { same, interrupted: interrupted > 0 })
    }

    /// Begins a training.
    pub(crate) fn begin(&self) {
        self.inner().ended = false;
    }

    /// Whether all know how the training in progress has ended on one of them.
    pub(crate) fn knows(&self) -> bool {
        self.inner().ended
    }

    /// Meets the others on the way, and returns a request to stop if one has stopped. If one was interrupted, all are from now on.
    ///
    /// # Errors
    /// If another rank has failed, or is somewhere else.
    pub(crate) fn go_on(&self, mut says: Says<'_>, interrupt: &Interrupt) -> Result<Met, ParallelError> {
        says.interrupted = interrupt.is_used();
        match self.meet(&says)? {
            Heard::All { same, interrupted } => {
                if interrupted {
                    interrupt.interrupt();
                    interrupt.release();
                }
                Ok(Met::All(same))
            }
            Heard::Ended(news) => {
                self.inner().ended = true;
                heed(news, says.at).map(Met::Stop)
            }
        }
    }

    /// Waits until all ranks are here. It does not keep the core busy: others may still compute.
    fn wait(&self, here: Moment) -> Result<(), ParallelError> {
        let mut inner = self.inner();
        if inner.broken {
            return Err(ParallelError::Broken);
        }
        let began = Instant::now();
        let mut request = self.comm().immediate_barrier();
        loop {
            request = match request.test() {
                Ok(_) => break,
                Err(request) => request,
            };
            let waited = began.elapsed();
            if waited > inner.timeout {
                // It can't be completed without the others, and has no memory of ours. MPI can't be finalized any more.
                std::mem::forget(request);
                (inner.broken, inner.ended) = (true, true);
                return Err(ParallelError::Late { after: waited, here });
            }
            if waited < EAGER { thread::yield_now() } else { thread::sleep((waited / 8).min(NAP)) }
        }
        inner.waited += began.elapsed();
        Ok(())
    }

    /// Hears a text of a rank.
    fn hear(&self, rank: usize, own: &str) -> String {
        let mut bytes = vec![0_u8; TEXT];
        if rank == self.world.rank() {
            let text = own.as_bytes();
            let len = text.len().min(TEXT);
            bytes[..len].copy_from_slice(&text[..len]);
        }
        self.comm().process_at_rank(rank as i32).broadcast_into(&mut bytes[..]);
        let len = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    }

    /// The sum over all ranks of each number.
    pub(crate) fn sum<T: Equivalence>(&self, numbers: &[T], sums: &mut [T]) {
        let step = BUCKET / size_of::<T>();
        for (numbers, sums) in numbers.chunks(step).zip(sums.chunks_mut(step)) {
            self.comm().all_reduce_into(numbers, sums, SystemOperation::sum());
        }
    }

    /// The largest of all ranks of each number.
    pub(crate) fn max(&self, numbers: &[i64]) -> Vec<i64> {
        let mut most = vec![0; numbers.len()];
        self.comm().all_reduce_into(numbers, &mut most[..], SystemOperation::max());
        most
    }

    /// The numbers of the first rank, in place.
    pub(crate) fn take_first<T: Equivalence>(&self, numbers: &mut [T]) {
        for part in numbers.chunks_mut(BUCKET / size_of::<T>()) {
            self.comm().process_at_rank(0).broadcast_into(part);
        }
    }

    /// The bytes of all ranks, in their order.
    ///
    /// # Errors
    /// [`ParallelError::TooMuch`], on all ranks.
    pub(crate) fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, ParallelError> {
        let mut counts = vec![0_u64; self.world.size()];
        self.comm().all_gather_into(&(own.len() as u64), &mut counts[..]);
        let bytes = counts.iter().sum();
        if i32::try_from(bytes).is_err() {
            return Err(ParallelError::TooMuch { bytes });
        }
        let counts: Vec<i32> = counts.iter().map(|&count| count as i32).collect();
        let begins: Vec<i32> = counts.iter().scan(0, |end, count| Some(std::mem::replace(end, *end + count))).collect();
        let mut all = vec![0_u8; bytes as usize];
        let mut parts = PartitionMut::new(&mut all[..], &counts[..], &begins[..]);
        self.comm().all_gather_varcount_into(own, &mut parts);
        let of_rank = |(&begin, &count): (&i32, &i32)| all[begin as usize..][..count as usize].to_vec();
        Ok(begins.iter().zip(&counts).map(of_rank).collect())
    }

    /// Tells the others that this program ends, until all do.
    fn leave(&self) -> Result<(), ParallelError> {
        loop {
            let says = Says { end: Some((End::Left, "")), ..Says::at(Moment::Exit) };
            if let Heard::Ended(News { end: End::Left, all: true, .. }) = self.meet(&says)? {
                return Ok(());
            }
        }
    }
}

/// MPI is finalized when all programs have ended, so that none waits for one that has.
impl Drop for Group {
    fn drop(&mut self) {
        if let Err(error) = self.leave() {
            tracing::error!("{error}; all ranks are ended");
            self.comm().abort(1);
        }
    }
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.world)
    }
}

/// How a meeting of ranks that train has gone.
pub(crate) enum Met {
    All(Same),
    Stop(StopTraining),
}

/// What a rank that goes on does about the end of another one.
pub(crate) fn heed(news: News, here: Moment) -> Result<StopTraining, ParallelError> {
    let News { rank, end, text, .. } = news;
    match end {
        End::Failed => Err(ParallelError::Failed { rank, error: text }),
        End::Interrupted => Err(ParallelError::Interrupted { rank }),
        End::Stopped => Ok(StopTraining::because(format!("rank {rank} was {text}"))),
        End::Finished => Err(ParallelError::Gone { rank, what: "has finished its training", here }),
        End::Left => Err(ParallelError::Gone { rank, what: "has ended its program", here }),
    }
}
