//! Moves the pixels of CutMix, as few as possible: pixels outside of the boxes are not touched if the batch may be changed in
//! place, and copied once if not.

use tch::{Device, TchError, Tensor};

use super::{CutBox, Cuts, device_draws::DeviceDraws, mix::Mixer};
use crate::{batch::in_place::may_change, kernel::span::Strided};

/// Images `[n, c, h, w]` with the boxes of their partners: in their own memory if it may be changed, else in the mixer's buffer;
/// in fresh memory if autograd records.
pub(super) fn paste(
    images: &Tensor,
    cuts: &Cuts,
    draws: &DeviceDraws<'_>,
    mixer: &mut Mixer,
) -> Result<Tensor, TchError> {
    let Some(strided) = Strided::of(images).filter(|_| !images.requires_grad()) else {
        let pasted = copied(images)?;
        elsewhere(images, &pasted, cuts, draws)?;
        return Ok(pasted);
    };
    let _no_grad = tch::no_grad_guard();
    if may_change(images) {
        in_place(images, cuts, draws)?;
        return Ok(images.shallow_clone());
    }
    let mut pasted = mixer.buffer(0, images, strided)?;
    pasted.f_copy_(images)?;
    elsewhere(images, &pasted, cuts, draws)?;
    Ok(pasted)
}

/// A partner's pixels may be overwritten when their turn comes. So with a box for each image, everything that moves is set aside
/// first; with one box for all, only that of the first image of each cycle of the permutation.
fn in_place(images: &Tensor, cuts: &Cuts, draws: &DeviceDraws<'_>) -> Result<(), TchError> {
    if let [one] = cuts.boxes() {
        return one_box(images, images, *one, draws);
    }
    let each = images.f_unbind(0)?;
    let patch = |(_, cut, partner): (usize, CutBox, usize)| copied(&within(&each[partner], cut)?);
    let patches = cuts.each().map(patch).collect::<Result<Vec<_>, _>>()?;
    for ((image, cut, _), patch) in cuts.each().zip(patches) {
        within(&each[image], cut)?.f_copy_(&patch)?;
    }
    Ok(())
}

/// Into memory that already holds a copy of the images.
fn elsewhere(images: &Tensor, pasted: &Tensor, cuts: &Cuts, draws: &DeviceDraws<'_>) -> Result<(), TchError> {
    if let [one] = cuts.boxes() {
        return one_box(images, pasted, *one, draws);
    }
    let from = images.f_unbind(0)?;
    // One view for each image, not all at once: autograd does not allow writing to one view of several.
    for (image, cut, partner) in cuts.each() {
        within(&pasted.f_get(image as i64)?, cut)?.f_copy_(&within(&from[partner], cut)?)?;
    }
    Ok(())
}

/// One box for all images, from `images` to `pasted`, which may be the same tensor. On the CPU image by image, since libtorch
/// gathers parts of images slowly there; elsewhere, and if autograd records, in two steps.
fn one_box(images: &Tensor, pasted: &Tensor, cut: CutBox, draws: &DeviceDraws<'_>) -> Result<(), TchError> {
    if cut.height * cut.width == 0 {
        return Ok(());
    }
    let (from, mut to) = (within(images, cut)?, within(pasted, cut)?);
    let pairs = if images.device() == Device::Cpu && !images.requires_grad() { draws.pairs() } else { None };
    let Some(pairs) = pairs else { return to.f_copy_(&from.f_index_select(0, &draws.partner()?)?) };
    let (from, mut to) = (from.f_unbind(0)?, to.f_unbind(0)?);
    for cycle in pairs.cycles() {
        // The partner of each row is the next one, that of the last is the first.
        if let [first, .., last] = cycle {
            let aside = copied(&from[*first])?;
            for pair in cycle.windows(2) {
                to[pair[0]].f_copy_(&from[pair[1]])?;
            }
            to[*last].f_copy_(&aside)?;
        }
    }
    Ok(())
}

/// The same numbers in memory of their own.
fn copied(x: &Tensor) -> Result<Tensor, TchError> {
    let mut copy = x.f_empty_like()?;
    copy.f_copy_(x)?;
    Ok(copy)
}

/// The part of an image, or of several images, within the box.
fn within(images: &Tensor, cut: CutBox) -> Result<Tensor, TchError> {
    images.f_narrow(-2, cut.top as i64, cut.height as i64)?.f_narrow(-1, cut.left as i64, cut.width as i64)
}
