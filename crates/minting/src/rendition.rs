//! Smaller pictures of a print image, for pages and wallets: JPEG, sRGB with 8 bits, upright, on white where the
//! image is transparent, never larger than the image, and without any of its metadata (place, owner, camera).
//!
//! The same image gives the same bytes with the same program on the same kind of processor. The digest on chain
//! is that of the image, never of a rendition.

use ::image::codecs::jpeg::JpegEncoder;
use ::image::{DynamicImage, GenericImageView, ImageError, RgbImage, Rgba};
use fast_image_resize::{ResizeError, Resizer};
use moxcms::{ColorProfile, Layout, TransformOptions};

use crate::image::DecodedImage;

/// The media type of every rendition.
pub const MEDIA_TYPE: &str = "image/jpeg";
/// JPEG quality: at this value people do not see the difference on a page.
const QUALITY: u8 = 85;

/// The kinds of rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rendition {
    /// For lists.
    Thumb,
    /// For a page of its own.
    Display,
}

impl Rendition {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Thumb, Self::Display];

    /// The word in URLs and in the image store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Thumb => "thumb",
            Self::Display => "display",
        }
    }

    /// The kind that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rendition| rendition.as_str() == word)
    }

    /// The most pixels on its longer side.
    #[must_use]
    pub fn longest_side_px(self) -> u32 {
        match self {
            Self::Thumb => 400,
            Self::Display => 2_000,
        }
    }
}

/// The renditions of one image, as JPEG files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renditions {
    /// [`Rendition::Thumb`].
    pub thumb: Vec<u8>,
    /// [`Rendition::Display`].
    pub display: Vec<u8>,
}

/// A rendition that could not be made of a sound image: our fault.
#[derive(Debug, thiserror::Error)]
pub enum RenditionError {
    /// Resampling failed.
    #[error("could not resample the image")]
    Resample(#[source] ResizeError),
    /// Encoding failed.
    #[error("could not encode the rendition")]
    Encode(#[source] ImageError),
}

/// Makes both renditions. Blocks for as long as that takes.
pub fn render(image: DecodedImage) -> Result<Renditions, RenditionError> {
    let DecodedImage { pixels, orientation, profile, .. } = image;
    let flat = flatten(pixels);
    let mut display = DynamicImage::from(shrink(flat, Rendition::Display)?);
    display.apply_orientation(orientation);
    let display = to_srgb(display.into_rgb8(), profile.as_deref());
    let display_jpeg = encode(&display)?;
    let thumb = shrink(display, Rendition::Thumb)?;
    Ok(Renditions { thumb: encode(&thumb)?, display: display_jpeg })
}

/// Eight bits a channel, on white paper.
fn flatten(pixels: DynamicImage) -> RgbImage {
    if !pixels.color().has_alpha() {
        return pixels.into_rgb8();
    }
    let over_white = |value: u8, alpha: u8| {
        let sum = u32::from(value) * u32::from(alpha) + 255 * (255 - u32::from(alpha));
        u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
    };
    let mut flat = RgbImage::new(pixels.width(), pixels.height());
    for ((_, _, Rgba([r, g, b, alpha])), to) in pixels.pixels().zip(flat.pixels_mut()) {
        to.0 = [over_white(r, alpha), over_white(g, alpha), over_white(b, alpha)];
    }
    flat
}

/// The size whose longer side is at most `most`, and no side less than one pixel.
fn fit(width: u32, height: u32, most: u32) -> (u32, u32) {
    let longer = width.max(height);
    if longer <= most {
        return (width, height);
    }
    let scaled = |side: u32| {
        let side = (u64::from(side) * u64::from(most) + u64::from(longer) / 2) / u64::from(longer);
        u32::try_from(side).unwrap_or(most).max(1)
    };
    (scaled(width), scaled(height))
}

fn shrink(image: RgbImage, rendition: Rendition) -> Result<RgbImage, RenditionError> {
    let (width, height) = fit(image.width(), image.height(), rendition.longest_side_px());
    if (width, height) == image.dimensions() {
        return Ok(image);
    }
    let mut small = RgbImage::new(width, height);
    Resizer::new().resize(&image, &mut small, None).map_err(RenditionError::Resample)?;
    Ok(small)
}

/// The same colors in sRGB. A profile that cannot be read or does not fit is ignored, as viewers do.
fn to_srgb(image: RgbImage, profile: Option<&[u8]>) -> RgbImage {
    let convert = |profile: &[u8]| {
        let source = ColorProfile::new_from_slice(profile).ok()?;
        let to = ColorProfile::new_srgb();
        let transform =
            source.create_transform_8bit(Layout::Rgb, &to, Layout::Rgb, TransformOptions::default()).ok()?;
        let mut converted = RgbImage::new(image.width(), image.height());
        transform.transform(&image, &mut converted).ok()?;
        Some(converted)
    };
    profile.and_then(convert).unwrap_or(image)
}

fn encode(image: &RgbImage) -> Result<Vec<u8>, RenditionError> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, QUALITY).encode_image(image).map_err(RenditionError::Encode)?;
    Ok(file)
}

#[cfg(test)]
mod tests;
