//! JPEG files (ITU-T T.81, annex B). The markers are walked up to the end of the image before the decoder runs,
//! and the decoder is strict: left to itself it forgives a file that ends early and fills the rest with gray.
//!
//! Not seen here: a file that was cut and then closed with an end marker by some program. The standard has no
//! length to hold against it, and the decoder shows what is missing as gray.

use ::image::metadata::Orientation;
use ::image::{DynamicImage, GrayImage, RgbImage};
use catalog::image::ImageFormat;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{DecodedImage, ImageRefusal};

/// What every JPEG file begins with.
pub(super) const SIGNATURE: &[u8] = b"\xff\xd8\xff";
/// Scans times pixels: twenty scans over the largest image. Ordinary progressive files have about ten.
const MOST_WORK: u64 = 20 * super::MAX_PIXELS;

/// What the frame header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) width_px: u32,
    pub(super) height_px: u32,
    components: u8,
}

/// Decodes a file that [`inspect`] found whole.
pub(super) fn decode(bytes: &[u8], frame: Frame) -> Result<DecodedImage, ImageRefusal> {
    let colors = if frame.components == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    let options = DecoderOptions::new_safe()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(usize::MAX)
        .jpeg_set_out_colorspace(colors);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let pixels = decoder.decode().map_err(|error| refusal(&error))?;
    let (width, height) = (frame.width_px, frame.height_px);
    let pixels = if frame.components == 1 {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    };
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let pixels = pixels.ok_or(ImageRefusal::Undecodable)?;
    Ok(DecodedImage::new(ImageFormat::Jpeg, pixels, orientation, decoder.icc_profile()))
}

fn refusal(error: &DecodeErrors) -> ImageRefusal {
    match error {
        DecodeErrors::Unsupported(_) => ImageRefusal::EncodingUnsupported,
        DecodeErrors::LargeDimensions(_) => ImageRefusal::TooManyPixels,
        _ => ImageRefusal::Undecodable,
    }
}

/// Walks the markers up to the end of the image, which must be there.
pub(super) fn inspect(bytes: &[u8]) -> Result<Frame, ImageRefusal> {
    let mut rest = bytes.get(2..).ok_or(ImageRefusal::Truncated)?;
    let mut frame = None;
    let mut scans = 0_u64;
    loop {
        let (marker, tail) = next_marker(rest)?;
        rest = tail;
        match marker {
            0xd9 => break,
            // Markers without a segment.
            0x01 | 0xd0..=0xd8 => continue,
            // Start of frame, unless a table (C4, C8, CC).
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let read = read_frame(segment(rest)?)?;
                super::check_pixels(read.width_px, read.height_px)?;
                // Each block of 64 pixels takes a bit at the least.
                if read.pixels() / 64 > 8 * bytes.len() as u64 {
                    return Err(ImageRefusal::Truncated);
                }
                frame = Some(read);
            }
            0xda => scans += 1,
            _ => {}
        }
        rest = &rest[2 + segment(rest)?.len()..];
        let work = frame.map_or(0, |frame: Frame| frame.pixels()).saturating_mul(scans);
        if work > MOST_WORK {
            return Err(ImageRefusal::TooComplex);
        }
    }
    match frame {
        Some(frame) if scans > 0 && matches!(frame.components, 1 | 3) => Ok(frame),
        Some(_) if scans > 0 => Err(ImageRefusal::EncodingUnsupported),
        _ => Err(ImageRefusal::Undecodable),
    }
}

impl Frame {
    fn pixels(self) -> u64 {
        u64::from(self.width_px) * u64::from(self.height_px)
    }
}

/// The next marker and what follows it. Bytes before it are compressed data (where FF 00 stands for FF, and
/// restart markers are part of the data) or padding.
fn next_marker(bytes: &[u8]) -> Result<(u8, &[u8]), ImageRefusal> {
    let mut rest = bytes;
    loop {
        let at = rest.iter().position(|byte| *byte == 0xff).ok_or(ImageRefusal::Truncated)?;
        rest = &rest[at + 1..];
        match rest.split_first().ok_or(ImageRefusal::Truncated)? {
            (0x00 | 0xd0..=0xd7, tail) => rest = tail,
            (0xff, _) => {}
            (marker, tail) => return Ok((*marker, tail)),
        }
    }
}

/// The data of the segment that begins here, without its length.
fn segment(bytes: &[u8]) -> Result<&[u8], ImageRefusal> {
    let length = *bytes.first_chunk::<2>().ok_or(ImageRefusal::Truncated)?;
    let end = usize::from(u16::from_be_bytes(length));
    if end < 2 {
        return Err(ImageRefusal::Undecodable);
    }
    bytes.get(2..end).ok_or(ImageRefusal::Truncated)
}

fn read_frame(segment: &[u8]) -> Result<Frame, ImageRefusal> {
    match segment {
        [8, h1, h0, w1, w0, components, ..] => Ok(Frame {
            width_px: u32::from(u16::from_be_bytes([*w1, *w0])),
            height_px: u32::from(u16::from_be_bytes([*h1, *h0])),
            components: *components,
        }),
        [_, _, _, _, _, _, ..] => Err(ImageRefusal::EncodingUnsupported),
        _ => Err(ImageRefusal::Undecodable),
    }
}
