//! The header of an `.npy` file: a magic, a version, a length, and a dictionary as Python writes it.
//!
//! The format is that of NumPy's NEP 1 and `numpy.lib.format`. The crate `npyz` reads it too, but it parses any Python literal, by recursion and
//! with memory for any length that the file gives, and a file may be anybody's. Here only the one dictionary is known.

use std::{fs::File, io};

use super::{ArrayFault, Form, NumberKind, read_up_to};

const MAGIC: &[u8] = b"\x93NUMPY";
/// The longest header: what the format 1.0 can have. The later formats are for the names of columns, which a plain array does not have.
const LONGEST_HEADER: u64 = u16::MAX as u64;

/// Reads the header. The outer error is the disk's.
pub(super) fn read(file: &mut File) -> io::Result<Result<Form, ArrayFault>> {
    let start = read_up_to(file, 8)?;
    if !start.starts_with(MAGIC) {
        let found = start.iter().take(MAGIC.len()).copied().collect();
        return Ok(Err(ArrayFault::Magic { found }));
    }
    let width = match start.get(MAGIC.len()..) {
        Some(&[1, 0]) => 2,
        Some(&[2 | 3, 0]) => 4,
        Some(&[major, minor]) => return Ok(Err(ArrayFault::Format { major, minor })),
        _ => return Ok(Err(ArrayFault::HeaderCut { found: start.len() as u64 })),
    };
    let length = read_up_to(file, width)?;
    let before = (start.len() + length.len()) as u64;
    if (length.len() as u64) < width {
        return Ok(Err(ArrayFault::HeaderCut { found: before }));
    }
    let bytes = length.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte));
    if bytes > LONGEST_HEADER {
        return Ok(Err(ArrayFault::HeaderLength { bytes, limit: LONGEST_HEADER }));
    }
    let header = read_up_to(file, bytes)?;
    let offset = before + header.len() as u64;
    if (header.len() as u64) < bytes {
        return Ok(Err(ArrayFault::HeaderCut { found: offset }));
    }
    Ok(parse(&header, offset))
}

/// Parses the dictionary.
fn parse(header: &[u8], offset: u64) -> Result<Form, ArrayFault> {
    let mut at = Cursor { header, at: 0 };
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    at.take(b'{', "`{`")?;
    while !at.takes(b'}') {
        let key = at.at;
        let name = at.string("a name in quotes")?;
        at.take(b':', "`:`")?;
        let known = match name {
            b"descr" => descr.replace(at.string("a kind in quotes, such as '<f4',")?).is_none(),
            b"fortran_order" => fortran.replace(at.boolean()?).is_none(),
            b"shape" => shape.replace(at.sizes()?).is_none(),
            _ => false,
        };
        if !known {
            at.at = key;
            return Err(at.expected("`descr`, `fortran_order` or `shape`, once each,"));
        }
        if !at.takes(b',') {
            at.take(b'}', "`,` or `}`")?;
            break;
        }
    }
    if at.peek().is_some() {
        return Err(at.expected("nothing more"));
    }
    let (Some(descr), Some(fortran), Some(shape)) = (descr, fortran, shape) else {
        return Err(at.expected("each of `descr`, `fortran_order` and `shape` before the end"));
    };
    let descr = String::from_utf8_lossy(descr);
    let kind =
        NumberKind::of_npy(&descr).ok_or_else(|| ArrayFault::Kind { found: descr.chars().take(20).collect() })?;
    // A single dimension has the same order both ways.
    if fortran && shape.len() > 1 {
        return Err(ArrayFault::FortranOrder);
    }
    Ok(Form { kind, shape, offset })
}

/// Goes through a header. Blanks before each part are skipped.
struct Cursor<'a> {
    header: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.header.get(self.at..)?;
        self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.header.get(self.at).copied()
    }

    /// Whether the next byte is this one, which is then passed.
    fn takes(&mut self, wanted: u8) -> bool {
        let is = self.peek() == Some(wanted);
        self.at += usize::from(is);
        is
    }

    fn take(&mut self, wanted: u8, name: &'static str) -> Result<(), ArrayFault> {
        if self.takes(wanted) { Ok(()) } else { Err(self.expected(name)) }
    }

    /// The following bytes of one sort.
    fn run(&mut self, of: impl Fn(&u8) -> bool) -> &'a [u8] {
        self.peek();
        let rest = self.header.get(self.at..).unwrap_or_default();
        let run = rest.get(..rest.iter().take_while(|byte| of(byte)).count()).unwrap_or_default();
        self.at += run.len();
        run
    }

    /// A string in quotes of either sort, without escapes: no name of a kind has one.
    fn string(&mut self, what: &'static str) -> Result<&'a [u8], ArrayFault> {
        let start = self.at;
        let Some(quote @ (b'\'' | b'"')) = self.peek() else { return Err(self.expected(what)) };
        self.at += 1;
        let rest = self.header.get(self.at..).unwrap_or_default();
        let Some(length) = rest.iter().position(|&byte| byte == quote) else {
            self.at = start;
            return Err(self.expected(what));
        };
        self.at += length + 1;
        Ok(rest.get(..length).unwrap_or_default())
    }

    fn boolean(&mut self) -> Result<bool, ArrayFault> {
        match self.run(u8::is_ascii_alphabetic) {
            b"True" => Ok(true),
            b"False" => Ok(false),
            _ => Err(self.expected("True or False")),
        }
    }

    /// A tuple of sizes. Python 2 wrote an `L` after each.
    fn sizes(&mut self) -> Result<Vec<usize>, ArrayFault> {
        let mut sizes = Vec::new();
        self.take(b'(', "`(`")?;
        while !self.takes(b')') {
            let digits = std::str::from_utf8(self.run(u8::is_ascii_digit)).unwrap_or_default();
            sizes.push(digits.parse().map_err(|_| self.expected("a size that can be counted"))?);
            self.takes(b'L');
            if !self.takes(b',') {
                if sizes.len() == 1 {
                    return Err(self.expected("`,`, since one size alone is written (60,),"));
                }
                self.take(b')', "`,` or `)`")?;
                break;
            }
        }
        Ok(sizes)
    }

    fn expected(&self, expected: &'static str) -> ArrayFault {
        ArrayFault::Header { at: self.at, expected }
    }
}
