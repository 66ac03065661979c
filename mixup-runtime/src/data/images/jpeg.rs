//! Checks that a JPEG is complete: its decoder fills what is missing with grey, and training would go on with that.

/// A JPEG ends before its end marker.
#[derive(Debug, thiserror::Error)]
#[error("it is cut off after {found} bytes, before its end marker")]
pub(super) struct CutOff {
    found: usize,
}

/// Rejects a JPEG without an end marker after its pixels, and accepts everything else.
///
/// Segments are skipped by their lengths, because a thumbnail in a segment has an end marker too. After the start of the first
/// scan every `FF D9` is the end, since there an `FF` in the data is followed by `00` (ITU-T T.81, B.1.1.5).
pub(super) fn check(bytes: &[u8]) -> Result<(), CutOff> {
    let cut_off = Err(CutOff { found: bytes.len() });
    let Some(mut rest) = bytes.strip_prefix(&[0xff, 0xd8]) else { return Ok(()) };
    loop {
        match *rest {
            // Fill bytes, and markers without a segment.
            [0xff, 0xff, ..] => rest = &rest[1..],
            [0xff, 0x01 | 0xd0..=0xd7, ..] => rest = &rest[2..],
            [0xff, 0xda, ref scan @ ..] => {
                return if scan.windows(2).any(|pair| pair == [0xff, 0xd9]) { Ok(()) } else { cut_off };
            }
            [0xff, _, high, low, ..] => match rest.get(2 + usize::from(u16::from_be_bytes([high, low]))..) {
                Some(after) => rest = after,
                None => return cut_off,
            },
            [] | [0xff] | [0xff, _] | [0xff, _, _] => return cut_off,
            // There is no marker where one must be: the decoder reports this.
            _ => return Ok(()),
        }
    }
}
