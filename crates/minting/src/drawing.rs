//! Draws a print of our own, for whoever has no image at hand: sea, sun and mountain in the manner of a color
//! woodblock, each block inked with its wood grain and printed a hair out of register.
//!
//! The same seed gives the same picture with the same program on the same kind of machine.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "pixels are counted in thousands and colors in 0 to 255: every cast here is exact enough to look at"
)]

mod grain;
mod scene;
mod wave;

use std::io::Cursor;

use ::image::{ImageError, Rgb, RgbImage};
use catalog::image::ImageFormat;

use self::grain::{Noise, smooth};
use self::scene::Scene;

/// Width of the demo's print in pixels.
pub const WIDTH_PX: u32 = 1_200;
/// Height of the demo's print in pixels.
pub const HEIGHT_PX: u32 = 1_600;

/// A color or a mixture of inks, each channel 0 to 1.
type Ink = [f32; 3];

const PAPER: Ink = [0.957, 0.929, 0.863];
const VERMILION: Ink = [0.776, 0.224, 0.149];

/// Lays `ink` over `under`: `cover` 0 leaves it, 1 hides it.
fn over(under: Ink, ink: Ink, cover: f32) -> Ink {
    let cover = cover.clamp(0.0, 1.0);
    std::array::from_fn(|i| under[i] + (ink[i] - under[i]) * cover)
}

/// Draws the print that belongs to `seed`.
#[must_use]
pub fn draw(seed: u64, width_px: u32, height_px: u32) -> RgbImage {
    let (width, height) = (width_px as f32, height_px as f32);
    let noise = Noise::new(seed);
    let margin = 0.062 * width.min(height);
    let scene = Scene::new(noise, width - 2.0 * margin, height - 2.6 * margin);
    RgbImage::from_fn(width_px, height_px, |x, y| {
        let (x, y) = (x as f32 + 0.5, y as f32 + 0.5);
        let sheet = paper(noise, x, y);
        // The block's edge is cut by hand.
        let wobble = |along: f32| 1.6 * (noise.at(along * 0.013, 7.0) - 0.5);
        let (u, v) = (x - margin, y - margin);
        let inside = [
            u + wobble(y),
            v + wobble(x),
            scene.width - u + wobble(y + 999.0),
            scene.height - v + wobble(x + 999.0),
        ];
        let edge = inside.into_iter().fold(f32::MAX, f32::min);
        let mut color = sheet;
        if edge > -1.0 {
            let printed = scene.color(noise, u, v);
            let tint: Ink = std::array::from_fn(|i| printed[i] * sheet[i] / PAPER[i]);
            color = over(color, tint, smooth(-0.5, 0.9, edge));
        }
        color =
            over(color, VERMILION, 0.9 * seal(noise, x - (width - margin), y - (height - margin), margin));
        Rgb(color.map(|channel| (channel * 255.0 + 0.5).clamp(0.0, 255.0) as u8))
    })
}

/// Handmade paper: cloudy, with a few long fibers.
fn paper(noise: Noise, x: f32, y: f32) -> Ink {
    let cloud = noise.cloud(x * 0.006, y * 0.006) - 0.5;
    let tooth = noise.at(x * 0.71, y * 0.71) - 0.5;
    let strand = noise.cloud(x * 0.011 + 40.0, y * 0.045);
    let fiber = 1.0 - smooth(0.0, 0.012, (strand - 0.5).abs());
    let light = 1.0 + 0.035 * cloud + 0.022 * tooth - 0.03 * fiber;
    PAPER.map(|channel| channel * light)
}

/// The seal under the lower right corner: strokes left white in a red square. `x` and `y` count from that corner.
fn seal(noise: Noise, x: f32, y: f32, margin: f32) -> f32 {
    let side = 0.8 * margin;
    let (u, v) = ((x + side) / side, (y + 0.42 * margin) / side);
    let inset = [u, v, 1.0 - u, 1.0 - v].into_iter().fold(f32::MAX, f32::min);
    if inset < 0.0 {
        return 0.0;
    }
    let wear = smooth(0.16, 0.3, noise.cloud(x * 0.09, y * 0.09));
    let near = |distance: f32| 1.0 - smooth(0.035, 0.06, distance.abs());
    let within = |from: f32, to: f32, at: f32| f32::from(u8::from((from..to).contains(&at)));
    let ring = near(inset - 0.1);
    let strokes = [
        near(u - 0.5) * within(0.2, 0.8, v),
        near(v - 0.34) * within(0.24, 0.76, u),
        near(v - 0.54) * within(0.3, 0.7, u),
        near(v - 0.78) * within(0.24, 0.76, u),
        near(u - 0.27) * within(0.54, 0.8, v),
        near(u - 0.73) * within(0.54, 0.8, v),
    ];
    let white = strokes.into_iter().fold(ring, f32::max);
    smooth(0.0, 0.03, inset) * (1.0 - white) * wear
}

/// Encodes a drawing as a file of that format.
pub fn encode(drawing: &RgbImage, format: ImageFormat) -> Result<Vec<u8>, ImageError> {
    let format = match format {
        ImageFormat::Png => ::image::ImageFormat::Png,
        ImageFormat::Jpeg => ::image::ImageFormat::Jpeg,
        ImageFormat::Tiff => ::image::ImageFormat::Tiff,
        ImageFormat::Webp => ::image::ImageFormat::WebP,
    };
    let mut file = Cursor::new(Vec::new());
    drawing.write_to(&mut file, format)?;
    Ok(file.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::digest::Sha256Digest;

    #[test]
    fn a_seed_draws_one_picture_and_another_seed_another() {
        let digest = |seed| Sha256Digest::of(draw(seed, 120, 160).as_raw());
        assert_eq!(digest(1), digest(1));
        assert_ne!(digest(1), digest(2));
    }

    #[test]
    fn a_drawing_decodes_to_itself_from_every_lossless_format() {
        let drawing = draw(7, 90, 120);
        for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Webp] {
            let file = encode(&drawing, format).expect("encoded");
            let decoded = crate::image::decode(file).expect("decoded");
            assert_eq!(decoded.format, format);
            assert_eq!(decoded.pixels.into_rgb8(), drawing);
        }
    }
}
