//! Distributes work over threads: over libtorch's own, or over rayon's if those are not available.
//!
//! libtorch's threads stay awake for a while after each of its calls. A second pool would have to be woken and would compete
//! with them for the cores.

#![allow(unsafe_code, reason = "libtorch's threads belong to GCC's OpenMP, which is called from C only")]

use std::sync::{Mutex, PoisonError};
#[cfg(target_os = "linux")]
use std::{
    any::Any,
    ffi::{CStr, c_int, c_uint, c_void},
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::OnceLock,
};

/// From how many bytes on work is distributed: below this, waking the threads takes longer than they save.
const SHARED_OUT: usize = 1024 * 1024;

/// How many threads to use for this many bytes: as many as libtorch uses, or one.
pub(crate) fn threads_for(bytes: usize) -> usize {
    if bytes < SHARED_OUT { 1 } else { usize::try_from(tch::get_num_threads()).unwrap_or(1) }
}

/// Works on each part once, on up to `threads` threads including the calling one. Each thread gets its own function from
/// `worker`, which may keep memory from part to part.
///
/// Each thread begins with its own share of the parts and then helps the others. The share is the same in each call, so the
/// thread's core may have it in its cache. A panic is passed on after all threads are done.
pub(crate) fn share_out<P: Send, W: FnMut(P)>(parts: Vec<P>, threads: usize, worker: impl Fn() -> W + Sync) {
    if threads <= 1 || parts.len() <= 1 {
        return parts.into_iter().for_each(worker());
    }
    let parts: Vec<_> = parts.into_iter().map(|part| Mutex::new(Some(part))).collect();
    let work = |number: usize| {
        let mut work = worker();
        let (others, own) = parts.split_at(number % threads * parts.len() / threads);
        for part in own.iter().chain(others) {
            // The lock can't be poisoned: nothing but `take` runs while it is held.
            let taken = part.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(part) = taken {
                work(part);
            }
        }
    };
    // OpenMP ends threads that a call leaves out and must start them again later, so it is asked for as many as libtorch uses.
    if !by_libtorch(threads, &work) {
        by_rayon(threads, &work);
    }
}

/// Calls `work` on up to `threads` of rayon's threads including the calling one, each with its number, and waits for all of
/// them. A panic is passed on after they are done.
fn by_rayon(threads: usize, work: &(dyn Fn(usize) + Sync)) {
    rayon::in_place_scope(|scope| {
        for number in 1..threads.min(rayon::current_num_threads()) {
            scope.spawn(move |_| work(number));
        }
        work(0);
    });
}

/// Calls `work` on up to `threads` of libtorch's threads including the calling one, each with its number, and waits for all of
/// them. A panic is passed on after they are done. Returns false and does nothing if the threads are not available.
#[cfg(target_os = "linux")]
fn by_libtorch(threads: usize, work: &(dyn Fn(usize) + Sync)) -> bool {
    struct Call<'a> {
        work: &'a (dyn Fn(usize) + Sync),
        thread_num: ThreadNum,
        panic: Mutex<Option<Box<dyn Any + Send>>>,
    }
    unsafe extern "C" fn call(argument: *mut c_void) {
        // SAFETY: the argument is the `Call` below. It outlives the work of all threads, and they may share it.
        let call = unsafe { &*argument.cast::<Call<'_>>() };
        // SAFETY: the function has no parameters, and every thread may call it.
        let number = unsafe { (call.thread_num)() };
        let work = || (call.work)(usize::try_from(number).unwrap_or(0));
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            call.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
        }
    }
    let (Some((parallel, thread_num)), Ok(threads)) = (openmp(), c_uint::try_from(threads)) else { return false };
    let done = Call { work, thread_num, panic: Mutex::new(None) };
    // SAFETY: `call` gets the argument that it expects, lets no panic out, and has returned on all threads when this returns.
    unsafe { parallel(call, (&raw const done).cast_mut().cast(), threads, 0) };
    if let Some(panic) = done.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
        resume_unwind(panic);
    }
    true
}

/// libtorch is built with GCC's OpenMP only on Linux.
#[cfg(not(target_os = "linux"))]
fn by_libtorch(_threads: usize, _work: &(dyn Fn(usize) + Sync)) -> bool {
    false
}

/// GCC's `GOMP_parallel`: calls a function with an argument on up to this many threads including the calling one, and waits for
/// all of them. The last number is for flags; none are used here.
#[cfg(target_os = "linux")]
type Parallel = unsafe extern "C" fn(unsafe extern "C" fn(*mut c_void), *mut c_void, c_uint, c_uint);

/// OpenMP's `omp_get_thread_num`: the number of this thread, from 0, which is the same in each call.
#[cfg(target_os = "linux")]
type ThreadNum = unsafe extern "C" fn() -> c_int;

/// The functions with which libtorch calls its threads, if it is built with GCC's OpenMP or a replacement for that.
#[cfg(target_os = "linux")]
fn openmp() -> Option<(Parallel, ThreadNum)> {
    static OPENMP: OnceLock<Option<(Parallel, ThreadNum)>> = OnceLock::new();
    *OPENMP.get_or_init(|| {
        let find = |name: &CStr| {
            // SAFETY: the name is a C string that lives as long as the program; the search changes nothing.
            let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
            (!found.is_null()).then_some(found)
        };
        let (parallel, thread_num) = (find(c"GOMP_parallel")?, find(c"omp_get_thread_num")?);
        // SAFETY: these are the names of those functions, which have always had these signatures. Their library stays loaded: it
        // was loaded with the program, or the loader counts this search as a use of it.
        let functions = unsafe {
            (mem::transmute::<*mut c_void, Parallel>(parallel), mem::transmute::<*mut c_void, ThreadNum>(thread_num))
        };
        Some(functions)
    })
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::atomic::{AtomicUsize, Ordering},
        time::{Duration, Instant},
    };

    use super::*;

    type Call<'a> = &'a dyn Fn(usize, &(dyn Fn(usize) + Sync)) -> bool;

    /// libtorch may have only one thread, or none that can be called: then less is tested, but the same must hold.
    #[test]
    fn waits_for_all_threads_before_it_passes_a_panic_on() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads");
        let by_rayon = |threads, work: &(dyn Fn(usize) + Sync)| {
            pool.install(|| by_rayon(threads, work));
            true
        };
        let callers: [(usize, Call<'_>); 2] = [(1, &by_libtorch), (2, &by_rayon)];
        for (least, call) in callers {
            let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let count = || [&begun, &ended].map(|count| count.swap(0, Ordering::Relaxed));
            let work = |panics: bool| {
                let number = begun.fetch_add(1, Ordering::Relaxed);
                assert!(!panics || number > 0, "the first one");
                std::thread::sleep(Duration::from_millis(20));
                ended.fetch_add(1, Ordering::Relaxed);
            };
            if !call(2, &|_| work(false)) {
                continue;
            }
            let [called, through] = count();
            assert!(called >= least && called == through, "{called} called, {through} through");
            let panic = catch_unwind(AssertUnwindSafe(|| call(2, &|_| work(true)))).expect_err("one of them panics");
            assert_eq!(panic.downcast_ref(), Some(&"the first one"));
            let [called, through] = count();
            assert!(called >= least && called == through + 1, "{called} called, {through} through");
        }
    }

    #[test]
    fn works_on_each_part_once_and_each_thread_begins_with_its_own_share() {
        for threads in [1, 2] {
            let (arrived, firsts, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Mutex::new(Vec::new()));
            share_out((0..8).collect(), threads, || {
                // The threads begin together, so that none finishes its share before another begins.
                arrived.fetch_add(1, Ordering::Relaxed);
                let limit = Instant::now() + Duration::from_millis(500);
                while arrived.load(Ordering::Relaxed) < threads && Instant::now() < limit {
                    std::thread::yield_now();
                }
                let mut first = true;
                let (firsts, done) = (&firsts, &done);
                move |part: usize| {
                    if std::mem::replace(&mut first, false) {
                        firsts.lock().expect("nobody panics").push(part);
                    }
                    std::thread::sleep(Duration::from_millis(20));
                    done.lock().expect("nobody panics").push(part);
                }
            });
            let sorted = |parts: Mutex<Vec<usize>>| {
                let mut parts = parts.into_inner().expect("nobody panics");
                parts.sort_unstable();
                parts
            };
            assert_eq!(sorted(done), (0..8).collect::<Vec<_>>());
            let shares = if arrived.into_inner() == 2 { vec![0, 4] } else { vec![0] };
            assert_eq!(sorted(firsts), shares);
        }
    }

    #[test]
    fn a_panic_on_one_thread_reaches_the_caller_after_the_others_finish_their_work() {
        let (threads, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            share_out((0..64).collect(), 2, || {
                threads.fetch_add(1, Ordering::Relaxed);
                |part: usize| {
                    assert!(part > 0, "the first part");
                    std::thread::sleep(Duration::from_millis(1));
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }));
        assert!(panicked.is_err());
        assert!(done.into_inner() > 0 || threads.into_inner() == 1, "the other thread had some, where there was one");
        let done = AtomicUsize::new(0);
        share_out((0..8).collect(), 2, || |_: usize| _ = done.fetch_add(1, Ordering::Relaxed));
        assert_eq!(done.into_inner(), 8, "and more can be done");
    }
}
