//! The mixing kernel's four unsafe steps: a tensor's memory as a slice, loops in the processor's widest registers, memory that
//! is asked for before it is read, and work for libtorch's own threads.
//!
//! This is the only file of the project with `unsafe` in it. What is done with the slices is safe code and stands in
//! [`cycles`]. How it was checked: the tests of `cycles` and all of `tests/mixup`, which holds the whole to a
//! reference in `f64` over kinds, shapes, layouts and permutations, in place and not, were run with the compiler's address
//! sanitizer.
#![allow(unsafe_code, reason = "the memory of a tensor can't be had as a slice in another way")]
#![allow(
    clippy::inline_always,
    reason = "what runs in the widest registers must become part of the function that may use them"
)]

#[cfg(target_os = "linux")]
use std::{
    any::Any,
    ffi::{CStr, c_int, c_uint, c_void},
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Mutex, OnceLock, PoisonError},
};

use half::{bf16, f16, slice::HalfFloatSliceExt as _};
use tch::{Device, Kind, Tensor};

use super::cycles::{self, Pairs};

/// From this size on a batch is shared out to threads: below it, waking them takes longer than they save.
const SHARED_OUT: usize = 1024 * 1024;

/// Blends the rows of a batch in its own memory. False, and nothing is done, where the batch is not on the CPU, or its rows
/// don't lie dense one behind the other, or its numbers are of another kind.
pub(super) fn in_place(x: &mut Tensor, pairs: &Pairs<'_>) -> bool {
    fn run<T: Number>(x: &mut Tensor, pairs: &Pairs<'_>) -> bool {
        let threads = threads(x);
        Memory::of::<T>(x).is_some_and(|memory| {
            // SAFETY: `memory` is all of `x`'s, and of this kind, as `Memory::of` has looked up; it stays as long as `x`
            // is borrowed. Nobody else reads or writes it meanwhile: a batch that may be changed is this step's alone
            // (`Fresh`), and where a data set says so of memory that it shares with another thread, the same race is in
            // each in-place function of libtorch.
            let numbers = unsafe { std::slice::from_raw_parts_mut(memory.begin.cast::<T>(), memory.numbers) };
            cycles::in_place(numbers, pairs, threads)
        })
    }
    match x.kind() {
        Kind::Float => run::<f32>(x, pairs),
        Kind::Double => run::<f64>(x, pairs),
        Kind::Half => run::<f16>(x, pairs),
        Kind::BFloat16 => run::<bf16>(x, pairs),
        _ => false,
    }
}

/// Writes the blends of a batch's rows into `out`, a tensor of the same shape, kind and layout with memory of its own. False,
/// and nothing is done, where it is not that, or where [`in_place`] would say so.
pub(super) fn into(out: &mut Tensor, x: &Tensor, pairs: &Pairs<'_>) -> bool {
    fn run<T: Number>(out: &mut Tensor, x: &Tensor, pairs: &Pairs<'_>) -> bool {
        let (Some(to), Some(from)) = (Memory::of::<T>(out), Memory::of::<T>(x)) else { return false };
        if to.overlaps::<T>(&from) {
            return false;
        }
        // SAFETY: each is all of its tensor's memory, and of this kind, as `Memory::of` has looked up; the two don't overlap;
        // they stay as long as the tensors are borrowed. `out` is a buffer that only this library writes to.
        let (to, from) = unsafe {
            (
                std::slice::from_raw_parts_mut(to.begin.cast::<T>(), to.numbers),
                std::slice::from_raw_parts(from.begin.cast::<T>().cast_const(), from.numbers),
            )
        };
        cycles::into(to, from, pairs, threads(x))
    }
    if out.kind() != x.kind() || out.size() != x.size() || out.stride() != x.stride() {
        return false;
    }
    match x.kind() {
        Kind::Float => run::<f32>(out, x, pairs),
        Kind::Double => run::<f64>(out, x, pairs),
        Kind::Half => run::<f16>(out, x, pairs),
        Kind::BFloat16 => run::<bf16>(out, x, pairs),
        _ => false,
    }
}

/// As many as libtorch uses, where the batch is large enough.
fn threads(x: &Tensor) -> usize {
    if x.numel() * x.kind().elt_size_in_bytes() < SHARED_OUT {
        return 1;
    }
    usize::try_from(tch::get_num_threads()).unwrap_or(1)
}

/// GCC's `GOMP_parallel`: has a function called with an argument by up to so many threads, this one among them, and waits for
/// all of them; the last number is flags, and has none.
#[cfg(target_os = "linux")]
type Parallel = unsafe extern "C" fn(unsafe extern "C" fn(*mut c_void), *mut c_void, c_uint, c_uint);

/// OpenMP's `omp_get_thread_num`: which of those threads this one is, counted from 0, the same one from call to call.
#[cfg(target_os = "linux")]
type ThreadNum = unsafe extern "C" fn() -> c_int;

/// The functions by which libtorch calls its threads, where it is built with GCC's OpenMP, or one that stands in for that.
#[cfg(target_os = "linux")]
fn openmp() -> Option<(Parallel, ThreadNum)> {
    static OPENMP: OnceLock<Option<(Parallel, ThreadNum)>> = OnceLock::new();
    *OPENMP.get_or_init(|| {
        let find = |name: &CStr| {
            // SAFETY: the name is a C string that stands as long as the program, and to look for it changes nothing.
            let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
            (!found.is_null()).then_some(found)
        };
        let (parallel, thread_num) = (find(c"GOMP_parallel")?, find(c"omp_get_thread_num")?);
        // SAFETY: what have these names are those functions, and have had these parameters as long as the names exist; their
        // library stays: it was loaded with the program, or the loader counts this look-up as a use of it.
        let functions = unsafe {
            (mem::transmute::<*mut c_void, Parallel>(parallel), mem::transmute::<*mut c_void, ThreadNum>(thread_num))
        };
        Some(functions)
    })
}

/// Has `work` called by up to so many of libtorch's threads, this one among them, each with its number; and waits for all of
/// them; a panic goes on only then. False, and nothing is done, where they can't be had.
///
/// After each of libtorch's own calls these threads stay awake for a while. A pool beside them would have to be woken, and
/// would have to share the cores with them.
#[cfg(target_os = "linux")]
pub(super) fn by_libtorch(threads: usize, work: &(dyn Fn(usize) + Sync)) -> bool {
    struct Call<'a> {
        work: &'a (dyn Fn(usize) + Sync),
        thread_num: ThreadNum,
        panic: Mutex<Option<Box<dyn Any + Send>>>,
    }
    unsafe extern "C" fn call(argument: *mut c_void) {
        // SAFETY: the argument is the `Call` below, which stays until the last thread is through, and which all may look at.
        let call = unsafe { &*argument.cast::<Call<'_>>() };
        // SAFETY: it takes nothing, and may be called by every thread.
        let number = unsafe { (call.thread_num)() };
        let work = || (call.work)(usize::try_from(number).unwrap_or(0));
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            call.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
        }
    }
    let (Some((parallel, thread_num)), Ok(threads)) = (openmp(), c_uint::try_from(threads)) else { return false };
    let done = Call { work, thread_num, panic: Mutex::new(None) };
    // SAFETY: `call` gets what it wants, lets no panic out, and is through in all threads when this returns.
    unsafe { parallel(call, (&raw const done).cast_mut().cast(), threads, 0) };
    if let Some(panic) = done.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
        resume_unwind(panic);
    }
    true
}

/// Nowhere but on Linux is libtorch built with GCC's OpenMP.
#[cfg(not(target_os = "linux"))]
pub(super) fn by_libtorch(_threads: usize, _work: &(dyn Fn(usize) + Sync)) -> bool {
    false
}

/// Where a tensor's numbers lie, without gaps.
struct Memory {
    begin: *mut std::ffi::c_void,
    numbers: usize,
}

impl Memory {
    /// None unless the tensor lies in the CPU's memory, row behind row, each row dense and all in one order of dimensions;
    /// and unless numbers of type `T`, whose kind the caller has compared, may lie where it begins.
    fn of<T>(x: &Tensor) -> Option<Self> {
        let numbers = x.numel();
        if x.device() != Device::Cpu || x.is_sparse() || x.is_mkldnn() || numbers == 0 || x.is_neg() {
            return None; // a tensor that is to be read with another sign has numbers that its memory has not
        }
        let (size, stride) = (x.size(), x.stride());
        let (rows, between) = (*size.first()?, *stride.first()?);
        let mut behind: Vec<_> = stride.into_iter().zip(size).skip(1).filter(|(_, n)| *n > 1).collect();
        behind.sort_unstable();
        let mut row = 1;
        for (stride, n) in behind {
            if stride != row {
                return None;
            }
            row *= n;
        }
        let begin = x.data_ptr();
        let dense = rows == 1 || between == row;
        (dense && !begin.is_null() && begin.cast::<T>().is_aligned()).then_some(Self { begin, numbers })
    }

    fn overlaps<T>(&self, other: &Self) -> bool {
        let end = |memory: &Self| memory.begin.addr() + memory.numbers * size_of::<T>();
        self.begin.addr() < end(other) && other.begin.addr() < end(self)
    }
}

/// Numbers that can be blended, each kind in its way: slices are of equal length.
pub(super) trait Number: Copy + Send + Sync {
    /// In what numbers of this kind are weighed and summed.
    type Weight: Copy + Send + Sync;

    /// A weight, rounded to what this kind is weighed in.
    fn weight(weight: f64) -> Self::Weight;

    /// `own` becomes λ·own + (1−λ)·other.
    fn blend(own: &mut [Self], other: &[Self], weight: Self::Weight);

    /// `out` becomes λ·own + (1−λ)·other.
    fn blend_into(out: &mut [Self], own: &[Self], other: &[Self], weight: Self::Weight);
}

/// [`Number::blend`], in the widest registers that there are. Meanwhile as many numbers are fetched from where `ahead` begins,
/// which will be read next.
pub(super) fn blend<T: Number>(own: &mut [T], other: &[T], weight: T::Weight, ahead: Ahead<T>) {
    #[inline(always)]
    fn steps<T: Number>(own: &mut [T], other: &[T], weight: T::Weight, ahead: Ahead<T>) {
        let step = ahead.step(own.len());
        for (at, (own, other)) in own.chunks_mut(step).zip(other.chunks(step)).enumerate() {
            ahead.fetch(at * step, own.len());
            T::blend(own, other, weight);
        }
    }
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn wide<T: Number>(own: &mut [T], other: &[T], weight: T::Weight, ahead: Ahead<T>) {
            steps(own, other, weight, ahead);
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: this processor has AVX2, as the line above has asked.
            return unsafe { wide(own, other, weight, ahead) };
        }
    }
    steps(own, other, weight, ahead);
}

/// [`Number::blend_into`], in the widest registers that there are, and with `ahead` as in [`blend`].
pub(super) fn blend_into<T: Number>(out: &mut [T], own: &[T], other: &[T], weight: T::Weight, ahead: Ahead<T>) {
    #[inline(always)]
    fn steps<T: Number>(out: &mut [T], own: &[T], other: &[T], weight: T::Weight, ahead: Ahead<T>) {
        let step = ahead.step(own.len());
        for (at, ((out, own), other)) in out.chunks_mut(step).zip(own.chunks(step)).zip(other.chunks(step)).enumerate()
        {
            ahead.fetch(at * step, own.len());
            T::blend_into(out, own, other, weight);
        }
    }
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn wide<T: Number>(out: &mut [T], own: &[T], other: &[T], weight: T::Weight, ahead: Ahead<T>) {
            steps(out, own, other, weight, ahead);
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: this processor has AVX2, as the line above has asked.
            return unsafe { wide(out, own, other, weight, ahead) };
        }
    }
    steps(out, own, other, weight, ahead);
}

/// Where the numbers begin that will be read next, or nowhere.
///
/// Within a row the processor reads ahead by itself. The next row of a cycle lies anywhere, so it would wait for each one's
/// first numbers, and read it slowly at first: a third of the time where the batch comes from main memory.
#[derive(Clone, Copy)]
pub(super) struct Ahead<T>(Option<*const T>);

impl<T> Ahead<T> {
    /// How many bytes are fetched, and then as many blended.
    const STEP: usize = 1024;

    pub(super) const NOWHERE: Self = Self(None);

    pub(super) fn of(numbers: &[T]) -> Self {
        Self(Some(numbers.as_ptr()))
    }

    /// How many numbers are to be blended at a time: all `len` where nothing is fetched.
    fn step(self, len: usize) -> usize {
        if self.0.is_some() { Self::STEP / size_of::<T>() } else { len.max(1) }
    }

    /// Has the `len` numbers from the `at`-th on brought into the cache.
    #[inline(always)]
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "other processors are not asked"))]
    fn fetch(self, at: usize, len: usize) {
        #[cfg(target_arch = "x86_64")]
        if let Self(Some(begin)) = self {
            const LINE: usize = 64;
            for line in (0..len).step_by(LINE / size_of::<T>()) {
                let line = begin.wrapping_add(at + line).cast();
                // SAFETY: this reads nothing that the program could see and changes nothing, whatever the address is.
                unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(line) };
            }
        }
    }
}

/// Kinds that are weighed in themselves.
macro_rules! in_itself {
    ($kind:ident) => {
        impl Number for $kind {
            type Weight = $kind;

            fn weight(weight: f64) -> $kind {
                weight as $kind
            }

            #[inline(always)]
            fn blend(own: &mut [$kind], other: &[$kind], weight: $kind) {
                let rest = 1.0 - weight;
                for (own, other) in own.iter_mut().zip(other) {
                    *own = weight * *own + rest * *other;
                }
            }

            #[inline(always)]
            fn blend_into(out: &mut [$kind], own: &[$kind], other: &[$kind], weight: $kind) {
                let rest = 1.0 - weight;
                for ((out, own), other) in out.iter_mut().zip(own).zip(other) {
                    *out = weight * *own + rest * *other;
                }
            }
        }
    };
}

in_itself!(f32);
in_itself!(f64);

/// How many numbers of half precision are turned into `f32` at a time.
const WIDENED: usize = 256;

/// Kinds of half precision: weighed and summed in `f32`, and rounded once.
macro_rules! in_single {
    ($kind:ident) => {
        impl Number for $kind {
            type Weight = f32;

            fn weight(weight: f64) -> f32 {
                weight as f32
            }

            #[inline(always)]
            fn blend(own: &mut [$kind], other: &[$kind], weight: f32) {
                let (mut wide, mut wide_other) = ([0.0_f32; WIDENED], [0.0_f32; WIDENED]);
                for (own, other) in own.chunks_mut(WIDENED).zip(other.chunks(WIDENED)) {
                    let (wide, wide_other) = (&mut wide[..own.len()], &mut wide_other[..other.len()]);
                    own.convert_to_f32_slice(wide);
                    other.convert_to_f32_slice(wide_other);
                    f32::blend(wide, wide_other, weight);
                    own.convert_from_f32_slice(wide);
                }
            }

            #[inline(always)]
            fn blend_into(out: &mut [$kind], own: &[$kind], other: &[$kind], weight: f32) {
                out.copy_from_slice(own);
                Self::blend(out, other, weight);
            }
        }
    };
}

in_single!(f16);
in_single!(bf16);
