//! Moving the pixels of CutMix, as few of them as can be: what is outside of the boxes is not touched where the batch may be
//! changed in place, and is else copied once.

use tch::{TchError, Tensor};

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
        let mut pasted = images.f_empty_like()?;
        pasted.f_copy_(images)?;
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

/// All that is to be moved is set aside first: a partner's pixels may be gone when their turn comes.
fn in_place(images: &Tensor, cuts: &Cuts, sent: &Sent<'_>) -> Result<(), TchError> {
    if let [one] = cuts.boxes() {
        if one.height * one.width > 0 {
            let mut hole = within(images, *one)?;
            let patches = hole.f_index_select(0, &sent.partner()?)?;
            hole.f_copy_(&patches)?;
        }
        return Ok(());
    }
    let each = images.f_unbind(0)?;
    let aside = |(_, cut, partner): (usize, CutBox, usize)| {
        let patch = within(&each[partner], cut)?;
        let mut aside = patch.f_empty_like()?;
        aside.f_copy_(&patch)?;
        Ok(aside)
    };
    let patches = cuts.each().map(aside).collect::<Result<Vec<_>, TchError>>()?;
    for ((image, cut, _), patch) in cuts.each().zip(patches) {
        within(&each[image], cut)?.f_copy_(&patch)?;
    }
    Ok(())
}

/// Into memory that holds a copy of the images already.
fn elsewhere(images: &Tensor, pasted: &Tensor, cuts: &Cuts, sent: &Sent<'_>) -> Result<(), TchError> {
    if let [one] = cuts.boxes() {
        if one.height * one.width > 0 {
            let patches = within(images, *one)?.f_index_select(0, &sent.partner()?)?;
            within(pasted, *one)?.f_copy_(&patches)?;
        }
        return Ok(());
    }
    let from = images.f_unbind(0)?;
    // One view for each image, not all at once: autograd lets no view of several be written to.
    for (image, cut, partner) in cuts.each() {
        within(&pasted.f_get(image as i64)?, cut)?.f_copy_(&within(&from[partner], cut)?)?;
    }
    Ok(())
}

/// The part of an image, or of several, that is in the box.
fn within(images: &Tensor, cut: CutBox) -> Result<Tensor, TchError> {
    images.f_narrow(-2, cut.top as i64, cut.height as i64)?.f_narrow(-1, cut.left as i64, cut.width as i64)
}
