//! Moving the pixels of CutMix, as few of them as can be: what is outside of the boxes is not touched where the batch may be
//! changed in place, and is else copied once.

use tch::{Device, TchError, Tensor};

use super::{CutBox, Cuts, mix::Mixer, sent::Sent};

/// Images `[n, c, h, w]` with the boxes of their partners: in their own memory where it may be changed, else in the mixer's
/// buffer, or in fresh memory where autograd follows.
pub(super) fn paste(
    images: &Tensor,
    cuts: &Cuts,
    sent: &Sent<'_>,
    mixer: &mut Mixer,
    may_change: bool,
) -> Result<Tensor, TchError> {
    if images.requires_grad() {
        let pasted = copied(images)?;
        elsewhere(images, &pasted, cuts, sent)?;
        return Ok(pasted);
    }
    let _no_grad = tch::no_grad_guard();
    if may_change {
        in_place(images, cuts, sent)?;
        return Ok(images.shallow_clone());
    }
    let mut pasted = mixer.buffer(0, images)?;
    pasted.f_copy_(images)?;
    elsewhere(images, &pasted, cuts, sent)?;
    Ok(pasted)
}

/// A partner's pixels may be gone when their turn comes: with a box for each image all that is to be moved is set aside first,
/// with one box for all only what the first image of each cycle of the permutation has there.
fn in_place(images: &Tensor, cuts: &Cuts, sent: &Sent<'_>) -> Result<(), TchError> {
    if let [one] = cuts.boxes() {
        return one_box(images, images, *one, sent);
    }
    let each = images.f_unbind(0)?;
    let patch = |(_, cut, partner): (usize, CutBox, usize)| copied(&within(&each[partner], cut)?);
    let patches = cuts.each().map(patch).collect::<Result<Vec<_>, _>>()?;
    for ((image, cut, _), patch) in cuts.each().zip(patches) {
        within(&each[image], cut)?.f_copy_(&patch)?;
    }
    Ok(())
}

/// Into memory that holds a copy of the images already.
fn elsewhere(images: &Tensor, pasted: &Tensor, cuts: &Cuts, sent: &Sent<'_>) -> Result<(), TchError> {
    if let [one] = cuts.boxes() {
        return one_box(images, pasted, *one, sent);
    }
    let from = images.f_unbind(0)?;
    // One view for each image, not all at once: autograd lets no view of several be written to.
    for (image, cut, partner) in cuts.each() {
        within(&pasted.f_get(image as i64)?, cut)?.f_copy_(&within(&from[partner], cut)?)?;
    }
    Ok(())
}

/// One box for all images, from `images` to `pasted`, which may be the same. On the CPU image by image, since libtorch gathers
/// parts of images slowly there; elsewhere, and where autograd follows, in two steps.
fn one_box(images: &Tensor, pasted: &Tensor, cut: CutBox, sent: &Sent<'_>) -> Result<(), TchError> {
    if cut.height * cut.width == 0 {
        return Ok(());
    }
    let (from, mut to) = (within(images, cut)?, within(pasted, cut)?);
    let pairs = if images.device() == Device::Cpu && !images.requires_grad() { sent.pairs() } else { None };
    let Some(pairs) = pairs else { return to.f_copy_(&from.f_index_select(0, &sent.partner()?)?) };
    let (from, mut to) = (from.f_unbind(0)?, to.f_unbind(0)?);
    for cycle in pairs.cycles() {
        // Each row's partner is the next, and the last one's the first.
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

/// The part of an image, or of several, that is in the box.
fn within(images: &Tensor, cut: CutBox) -> Result<Tensor, TchError> {
    images.f_narrow(-2, cut.top as i64, cut.height as i64)?.f_narrow(-1, cut.left as i64, cut.width as i64)
}
