//! Whether a JPEG is all there: its decoder fills what is missing with grey, and training would go on with that.

/// A JPEG that ends before its end marker.
#[derive(Debug, thiserror::Error)]
#[error("it is cut off after {found} bytes, before its end marker")]
pub(super) struct CutOff {
    found: usize,
}

/// Refuses a JPEG without an end marker after its pixels; lets everything else pass.
///
/// Segments are skipped by their lengths, for a thumbnail within one has an end marker too. From the first scan on every
/// `FF D9` is the end, since there `FF` within data is followed by `00` (ITU-T T.81, B.1.1.5).
pub(super) fn check(bytes: &[u8]) -> Result<(), CutOff> {
    let cut_off = Err(CutOff { found: bytes.len() });
    let Some(mut rest) = bytes.strip_prefix(&[0xff, 0xd8]) else { return Ok(()) };
    loop {
        match *rest {
            // Bytes that fill up, and markers that stand alone.
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
            // No marker where one must be: for the decoder to judge.
            _ => return Ok(()),
        }
    }
}
