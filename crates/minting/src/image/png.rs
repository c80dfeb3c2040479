//! The chunks of a PNG file (W3C PNG, third edition), read before any decoder sees them.

use super::ImageRefusal;

/// What every PNG file begins with.
pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Length, type and checksum around a chunk's data.
const FRAME: usize = 12;
/// Profiles of real devices stay below; a longer one is a bomb or a mistake.
const LONGEST_PROFILE: usize = 4 << 20;

/// The chunks that carry the picture, in a file of their own. Text chunks never reach the decoder, and neither
/// does anything behind the end of the image.
#[derive(Debug)]
pub(super) struct Essence {
    pub(super) file: Vec<u8>,
    pub(super) width_px: u32,
    pub(super) height_px: u32,
}

/// Walks the chunks up to `IEND`, which must be there.
pub(super) fn essence(bytes: &[u8]) -> Result<Essence, ImageRefusal> {
    let mut rest = bytes.get(SIGNATURE.len()..).ok_or(ImageRefusal::Truncated)?;
    let (width_px, height_px) = dimensions(rest)?;
    let mut file = SIGNATURE.to_vec();
    loop {
        let (&length, tail) = rest.split_first_chunk::<4>().ok_or(ImageRefusal::Truncated)?;
        let kind = tail.first_chunk::<4>().ok_or(ImageRefusal::Truncated)?;
        let length = u32::from_be_bytes(length) as usize;
        let whole = rest.get(..length.saturating_add(FRAME)).ok_or(ImageRefusal::Truncated)?;
        match kind {
            b"acTL" | b"fcTL" | b"fdAT" => return Err(ImageRefusal::Animated),
            b"IHDR" | b"PLTE" | b"tRNS" | b"IDAT" | b"eXIf" | b"IEND" => file.extend_from_slice(whole),
            b"iCCP" if length <= LONGEST_PROFILE => file.extend_from_slice(whole),
            _ => {}
        }
        if kind == b"IEND" {
            return Ok(Essence { file, width_px, height_px });
        }
        rest = &rest[whole.len()..];
    }
}

/// Width and height stand first in `IHDR`, which must be the first chunk.
fn dimensions(chunks: &[u8]) -> Result<(u32, u32), ImageRefusal> {
    let (head, rest) = chunks.split_first_chunk::<8>().ok_or(ImageRefusal::Truncated)?;
    if head != b"\0\0\0\x0dIHDR" {
        return Err(ImageRefusal::Undecodable);
    }
    let (&width, rest) = rest.split_first_chunk::<4>().ok_or(ImageRefusal::Truncated)?;
    let height = *rest.first_chunk::<4>().ok_or(ImageRefusal::Truncated)?;
    Ok((u32::from_be_bytes(width), u32::from_be_bytes(height)))
}
