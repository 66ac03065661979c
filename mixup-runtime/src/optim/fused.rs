//! One step of all parameters: on the CPU in one pass over the numbers of each, elsewhere with libtorch's operations.
//!
//! The pass reads each number of a parameter, of its gradient and of its moments once and writes it once, where libtorch's operations make about ten
//! passes. Numbers of half precision are computed in `f32` and rounded once.

#![allow(clippy::inline_always, reason = "only what is inlined into the kernel is compiled for wide registers")]

use std::ops::{Add, AddAssign, Div, Mul, Sub, SubAssign};

use half::slice::HalfFloatSliceExt;
use tch::{Device, TchError, Tensor};

use crate::kernel::{
    numbers::{Numbers, Slices, kept_kind},
    sets::{Set, with_sets},
    threads::{share_out, threads_for},
    wide::{Loop, in_widest_registers},
};

/// A kind of number that a step is computed in.
pub(super) trait Real:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + AddAssign + SubAssign
{
    fn of(number: f64) -> Self;
    fn sqrt(self) -> Self;
}

macro_rules! reals {
    ($($kind:ident),*) => {$(
        impl Real for $kind {
            #[inline(always)]
            fn of(number: f64) -> Self {
                number as $kind
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                self.sqrt()
            }
        }
    )*};
}

reals!(f32, f64);

/// An optimizer's formula for one step of one parameter, with all settings. `KEPT` tensors are kept of each parameter.
pub(super) trait Rule<const KEPT: usize>: Send + Sync {
    /// Takes the step on numbers. Mark it `#[inline(always)]`, so that it is compiled for the widest registers.
    fn on_numbers<F: Real>(&self, param: &mut [F], grad: &[F], kept: [&mut [F]; KEPT]);

    /// Takes the step with libtorch's operations. All tensors are of one kind.
    fn on_tensors(&self, param: &mut Tensor, grad: &Tensor, kept: &mut [Tensor; KEPT]) -> Result<(), TchError>;
}

/// A parameter whose step is due.
pub(super) struct Due<'a, R, const KEPT: usize> {
    pub param: Tensor,
    pub grad: Tensor,
    pub kept: &'a mut [Tensor; KEPT],
    pub rule: R,
}

/// Takes all steps.
pub(super) fn step<R: Rule<KEPT>, const KEPT: usize>(mut due: Vec<Due<'_, R, KEPT>>) -> Result<(), TchError> {
    let done = in_one_pass(&mut due);
    for (due, done) in due.iter_mut().zip(done) {
        if !done {
            alone(due)?;
        }
    }
    Ok(())
}

/// Takes the step of a parameter that can't be stepped together with the others, or not in one pass.
fn alone<R: Rule<KEPT>, const KEPT: usize>(due: &mut Due<'_, R, KEPT>) -> Result<(), TchError> {
    refit(&due.param, due.kept)?;
    if in_one_pass(std::slice::from_mut(due)).contains(&true) {
        return Ok(());
    }
    if let Some(copy) = grad_like_param(due) {
        due.grad = copy;
        if in_one_pass(std::slice::from_mut(due)).contains(&true) {
            return Ok(());
        }
    }
    let kind = due.param.f_kind()?;
    if kept_kind(kind) == kind {
        return due.rule.on_tensors(&mut due.param, &due.grad, due.kept);
    }
    let mut param = due.param.f_to_kind(kept_kind(kind))?;
    due.rule.on_tensors(&mut param, &due.grad.f_to_kind(kept_kind(kind))?, due.kept)?;
    due.param.f_copy_(&param)
}

/// The gradient in the parameter's order of memory, if both are on the CPU.
fn grad_like_param<R, const KEPT: usize>(due: &Due<'_, R, KEPT>) -> Option<Tensor> {
    let (param, grad) = (&due.param, &due.grad);
    if [param, grad].iter().any(|tensor| tensor.device() != Device::Cpu) || param.size() != grad.size() {
        return None;
    }
    let mut copy = param.f_zeros_like().ok()?;
    copy.f_copy_(grad).ok()?;
    Some(copy)
}

/// Makes the kept tensors fit a parameter that has got another kind, device or order of memory since the last step.
fn refit(param: &Tensor, kept: &mut [Tensor]) -> Result<(), TchError> {
    let kind = kept_kind(param.f_kind()?);
    for tensor in kept {
        if tensor.f_kind()? != kind || tensor.device() != param.device() {
            *tensor = kept_like(param, Some(tensor))?;
        } else if param.device() == Device::Cpu && tensor.stride() != param.stride() {
            let new = kept_like(param, Some(tensor))?;
            if new.stride() != tensor.stride() {
                *tensor = new;
            }
        }
    }
    Ok(())
}

/// A tensor to keep of a parameter, with the numbers of a saved one, or with zeros. It has the parameter's layout if that is dense.
pub(super) fn kept_like(param: &Tensor, saved: Option<&Tensor>) -> Result<Tensor, TchError> {
    let kind = kept_kind(param.f_kind()?);
    match saved {
        // A state that was loaded before the parameters were known may have any shape; the step then reports the difference.
        Some(saved) if saved.size() != param.size() => saved.f_to_device(param.device())?.f_to_kind(kind),
        _ => {
            let mut kept = param.f_zeros_like()?.f_to_kind(kind)?;
            saved.map_or(Ok(()), |saved| kept.f_copy_(saved))?;
            Ok(kept)
        }
    }
}

/// How many numbers of a parameter a thread takes at a time.
const PART: usize = 16 * 1024;

/// Takes those steps that can be taken in one pass over the numbers; tells for each whether it was.
fn in_one_pass<R: Rule<KEPT>, const KEPT: usize>(due: &mut [Due<'_, R, KEPT>]) -> Vec<bool> {
    let (mut sets, mut rules) = (Vec::with_capacity(due.len()), Vec::with_capacity(due.len()));
    for Due { param, grad, kept, rule } in due {
        sets.push(Set { changed: param, read: grad, kept });
        rules.push(&*rule);
    }
    with_sets(&mut sets, |all| {
        let done = all.iter().map(Option::is_some).collect();
        let steps = all.into_iter().zip(&rules);
        let steps: Vec<_> = steps.filter_map(|(numbers, &rule)| Some(Step { rule, numbers: numbers? })).collect();
        let threads = threads_for(steps.iter().map(|step| step.numbers.bytes()).sum());
        if threads > 1 {
            let mut parts = Vec::new();
            for Step { rule, numbers } in steps {
                numbers.cut(PART, |numbers| parts.push(Step { rule, numbers }));
            }
            share_out(parts, threads, || |part: Step<'_, R, KEPT>| in_widest_registers(part));
        } else {
            for step in steps {
                in_widest_registers(step);
            }
        }
        done
    })
}

/// The step of some numbers.
struct Step<'a, R, const KEPT: usize> {
    rule: &'a R,
    numbers: Numbers<'a, KEPT>,
}

impl<R: Rule<KEPT>, const KEPT: usize> Loop for Step<'_, R, KEPT> {
    #[inline(always)]
    fn run(self) {
        match self.numbers {
            Numbers::Float(Slices { changed, read, kept }) => self.rule.on_numbers(changed, read, kept),
            Numbers::Double(Slices { changed, read, kept }) => self.rule.on_numbers(changed, read, kept),
            Numbers::Half(slices) => in_single(self.rule, slices),
            Numbers::BFloat16(slices) => in_single(self.rule, slices),
        }
    }
}

/// How many numbers of half precision are converted to `f32` at a time.
const CONVERTED: usize = 256;

/// Takes a step of numbers of half precision in `f32`.
#[inline(always)]
fn in_single<T, R: Rule<KEPT>, const KEPT: usize>(rule: &R, slices: Slices<'_, T, f32, KEPT>)
where
    [T]: HalfFloatSliceExt,
{
    let (mut params, mut grads) = ([0.0_f32; CONVERTED], [0.0_f32; CONVERTED]);
    slices.cut(CONVERTED, |Slices { changed, read, kept }| {
        let (params, grads) = (&mut params[..changed.len()], &mut grads[..read.len()]);
        changed.convert_to_f32_slice(params);
        read.convert_to_f32_slice(grads);
        rule.on_numbers(params, grads, kept);
        changed.convert_from_f32_slice(params);
    });
}
