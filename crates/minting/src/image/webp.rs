//! The chunks of a WebP file (RFC 9649, section 2), read before the decoder.

use super::ImageRefusal;

/// Says whether `bytes` begin like a WebP file.
pub(super) fn is_webp(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP")
}

/// Walks the chunks: all must be there, and none may be an animation.
pub(super) fn inspect(bytes: &[u8]) -> Result<(), ImageRefusal> {
    let size = little_endian(bytes.get(4..).unwrap_or_default())?;
    let declared = bytes.get(8..size.saturating_add(8)).ok_or(ImageRefusal::Truncated)?;
    let mut rest = declared.get(4..).ok_or(ImageRefusal::Undecodable)?;
    let mut pictures = 0;
    while !rest.is_empty() {
        let (kind, tail) = rest.split_first_chunk::<4>().ok_or(ImageRefusal::Truncated)?;
        let length = little_endian(tail)?;
        let data = tail.get(4..length.saturating_add(4)).ok_or(ImageRefusal::Truncated)?;
        match (kind, data) {
            (b"ANIM" | b"ANMF", _) => return Err(ImageRefusal::Animated),
            (b"VP8X", [flags, ..]) if flags & 0b10 != 0 => return Err(ImageRefusal::Animated),
            (b"VP8X", [_, _, _, _, w0, w1, w2, h0, h1, h2, ..]) => {
                let pixels = |low, middle, high| u32::from_le_bytes([low, middle, high, 0]) + 1;
                super::check_pixels(pixels(*w0, *w1, *w2), pixels(*h0, *h1, *h2))?;
            }
            (b"VP8 " | b"VP8L", _) => pictures += 1,
            _ => {}
        }
        // A chunk of odd length is followed by a byte that counts to nobody; a writer may forget the last one.
        rest = tail.get(4 + length + length % 2..).unwrap_or_default();
    }
    if pictures == 1 { Ok(()) } else { Err(ImageRefusal::Undecodable) }
}

fn little_endian(bytes: &[u8]) -> Result<usize, ImageRefusal> {
    let number = bytes.first_chunk::<4>().ok_or(ImageRefusal::Truncated)?;
    Ok(u32::from_le_bytes(*number) as usize)
}
