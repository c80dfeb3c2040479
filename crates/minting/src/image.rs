//! Decides from a file's bytes whether they are a print image, and decodes it. Names and content types of files
//! are never asked.
//!
//! The structure is walked first and the header checked before the decoder may allocate, so that a file of a few
//! bytes cannot claim gigabytes. [`decode`] is pure and blocking; `image_intake` runs it aside, a few at a time.

mod jpeg;
mod png;
mod refusal;
mod webp;

#[cfg(test)]
mod tests;

use std::io::{Cursor, ErrorKind};

use ::image::codecs::png::PngDecoder;
use ::image::codecs::tiff::TiffDecoder;
use ::image::codecs::webp::WebPDecoder;
use ::image::metadata::Orientation;
use ::image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageError, Limits};
use catalog::image::ImageFormat;

pub use refusal::ImageRefusal;

/// The largest file that is taken in: 64 MiB.
pub const MAX_BYTES: u64 = 64 << 20;
/// The most pixels that an image may have: 100 megapixels.
pub const MAX_PIXELS: u64 = 100_000_000;
/// The most memory that decoded pixels may take: 100 megapixels with four channels of 16 bits fit, floating-point
/// ones do not.
const MAX_DECODED_BYTES: u64 = 8 * MAX_PIXELS;
/// What a decoder may use beside its output: profiles, rows, strips.
const WORKING_BYTES: u64 = 128 << 20;

/// A print image, decoded.
#[derive(Debug)]
pub struct DecodedImage {
    /// The format, read from the bytes.
    pub format: ImageFormat,
    /// Width in pixels as a viewer sees it: upright.
    pub width_px: u32,
    /// Height in pixels as a viewer sees it: upright.
    pub height_px: u32,
    /// The pixels as they lie in the file, not yet upright.
    pub(crate) pixels: DynamicImage,
    /// How they must be turned to be upright (Exif orientation).
    pub(crate) orientation: Orientation,
    /// The color profile (ICC.1) that says what the numbers mean; sRGB when there is none.
    pub(crate) profile: Option<Vec<u8>>,
}

impl DecodedImage {
    fn new(
        format: ImageFormat,
        pixels: DynamicImage,
        orientation: Option<Orientation>,
        profile: Option<Vec<u8>>,
    ) -> Self {
        let orientation = orientation.unwrap_or(Orientation::NoTransforms);
        let (width_px, height_px) = match orientation {
            Orientation::NoTransforms
            | Orientation::Rotate180
            | Orientation::FlipHorizontal
            | Orientation::FlipVertical => (pixels.width(), pixels.height()),
            Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH => (pixels.height(), pixels.width()),
        };
        Self { format, width_px, height_px, pixels, orientation, profile }
    }
}

/// The format that the first bytes show.
fn recognize(bytes: &[u8]) -> Result<ImageFormat, ImageRefusal> {
    // TIFF and its 64-bit form, in both byte orders.
    const TIFF: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];
    if bytes.is_empty() {
        Err(ImageRefusal::Empty)
    } else if bytes.starts_with(png::SIGNATURE) {
        Ok(ImageFormat::Png)
    } else if bytes.starts_with(jpeg::SIGNATURE) {
        Ok(ImageFormat::Jpeg)
    } else if webp::is_webp(bytes) {
        Ok(ImageFormat::Webp)
    } else if TIFF.iter().any(|signature| bytes.starts_with(signature)) {
        Ok(ImageFormat::Tiff)
    } else {
        Err(ImageRefusal::TypeUnsupported)
    }
}

/// Checks and decodes a whole file. Blocks for as long as that takes: about a second for 100 megapixels.
pub fn decode(bytes: Vec<u8>) -> Result<DecodedImage, ImageRefusal> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ImageRefusal::TooLarge);
    }
    let format = recognize(&bytes)?;
    match format {
        ImageFormat::Png => {
            let essence = png::essence(&bytes)?;
            drop(bytes);
            check_pixels(essence.width_px, essence.height_px)?;
            let mut limits = Limits::no_limits();
            limits.max_alloc = Some(WORKING_BYTES.max(16 * u64::from(essence.width_px)));
            read(PngDecoder::with_limits(Cursor::new(essence.file), limits).map_err(refusal)?, format)
        }
        ImageFormat::Jpeg => {
            let frame = jpeg::inspect(&bytes)?;
            jpeg::decode(&bytes, frame)
        }
        ImageFormat::Webp => {
            webp::inspect(&bytes)?;
            read(WebPDecoder::new(Cursor::new(bytes)).map_err(refusal)?, format)
        }
        ImageFormat::Tiff => read(TiffDecoder::new(Cursor::new(bytes)).map_err(refusal)?, format),
    }
}

fn check_pixels(width_px: u32, height_px: u32) -> Result<(), ImageRefusal> {
    match u64::from(width_px) * u64::from(height_px) {
        0 => Err(ImageRefusal::Undecodable),
        pixels if pixels > MAX_PIXELS => Err(ImageRefusal::TooManyPixels),
        _ => Ok(()),
    }
}

fn read(mut decoder: impl ImageDecoder, format: ImageFormat) -> Result<DecodedImage, ImageRefusal> {
    let (width_px, height_px) = decoder.dimensions();
    check_pixels(width_px, height_px)?;
    if decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(ImageRefusal::TooManyPixels);
    }
    // Without a profile-aware conversion, CMYK would be shown in colors that the print does not have.
    if matches!(decoder.original_color_type(), ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16) {
        return Err(ImageRefusal::EncodingUnsupported);
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(decoder.total_bytes() + WORKING_BYTES);
    decoder.set_limits(limits).map_err(refusal)?;
    // A damaged note about the image does not make the image damaged.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().unwrap_or_default();
    let pixels = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    Ok(DecodedImage::new(format, pixels, Some(orientation), profile))
}

/// What a decoder's complaint means to whoever sent the file.
fn refusal(error: ImageError) -> ImageRefusal {
    match error {
        ImageError::Limits(_) => ImageRefusal::TooManyPixels,
        ImageError::Unsupported(_) => ImageRefusal::EncodingUnsupported,
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => ImageRefusal::Truncated,
        ImageError::IoError(_)
        | ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_) => ImageRefusal::Undecodable,
    }
}
