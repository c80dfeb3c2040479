use catalog::image::ImageFormat;

use super::*;
use crate::drawing;
use crate::image::decode;

fn decoded(picture: impl Into<DynamicImage>) -> DecodedImage {
    let mut file = std::io::Cursor::new(Vec::new());
    picture.into().write_to(&mut file, ::image::ImageFormat::Png).expect("encoded");
    decode(file.into_inner()).expect("sound")
}

fn size(jpeg: &[u8]) -> (u32, u32) {
    ::image::load_from_memory_with_format(jpeg, ::image::ImageFormat::Jpeg).expect("a JPEG file").dimensions()
}

#[test]
fn renditions_fit_their_sizes_and_are_never_larger_than_the_image() {
    let cases = [
        ((3_000, 1_500), (400, 200), (2_000, 1_000)),
        ((1_500, 2_001), (300, 400), (1_499, 2_000)),
        ((2_000, 10), (400, 2), (2_000, 10)),
        ((300, 200), (300, 200), (300, 200)),
        ((1, 5_000), (1, 400), (1, 2_000)),
        ((1, 1), (1, 1), (1, 1)),
    ];
    for ((width, height), thumb, display) in cases {
        let renditions = render(decoded(RgbImage::new(width, height))).expect("rendered");
        assert_eq!(size(&renditions.thumb), thumb, "{width} × {height}");
        assert_eq!(size(&renditions.display), display, "{width} × {height}");
    }
}

#[test]
fn transparency_is_laid_on_white() {
    let mut glass = ::image::RgbaImage::from_pixel(32, 16, Rgba([200, 0, 0, 0]));
    for x in 16..32 {
        (0..16).for_each(|y| glass.put_pixel(x, y, Rgba([0, 0, 0, 128])));
    }
    let display = render(decoded(glass)).expect("rendered").display;
    let display = ::image::load_from_memory(&display).expect("a JPEG file").into_rgb8();
    assert!(display.get_pixel(2, 8).0.iter().all(|channel| *channel > 250));
    assert!(display.get_pixel(29, 8).0.iter().all(|channel| channel.abs_diff(127) < 5));
}

#[test]
fn sixteen_bits_and_gray_become_eight_bits_of_color() {
    let deep = ::image::ImageBuffer::from_pixel(16, 16, ::image::Rgb([65_535_u16, 32_768, 0]));
    let display = render(decoded(deep)).expect("rendered").display;
    let display = ::image::load_from_memory(&display).expect("a JPEG file");
    assert_eq!(display.color(), ::image::ColorType::Rgb8);
    let [r, g, b] = display.into_rgb8().get_pixel(8, 8).0;
    assert!(r > 250 && g.abs_diff(128) < 5 && b < 5, "{r} {g} {b}");
}

#[test]
fn colors_are_converted_from_the_profile_of_the_image() {
    let muted = |profile| {
        let mut image = decoded(RgbImage::from_pixel(16, 16, ::image::Rgb([200, 120, 80])));
        image.profile = profile;
        let display = render(image).expect("rendered").display;
        ::image::load_from_memory(&display).expect("a JPEG file").into_rgb8().get_pixel(8, 8).0
    };
    let [r, _, b] = muted(Some(ColorProfile::new_display_p3().encode().expect("encoded")));
    // The same numbers mean a stronger orange in Display P3 than in sRGB.
    assert!(r > 207 && b < 76, "{r} {b}");
    let untouched = muted(None);
    assert_eq!(muted(Some(ColorProfile::new_srgb().encode().expect("encoded"))), untouched);
    assert_eq!(muted(Some(b"no profile at all".to_vec())), untouched);
}

#[test]
fn the_same_image_gives_the_same_bytes() {
    let file = drawing::encode(&drawing::draw(5, 900, 600), ImageFormat::Png).expect("encoded");
    let render_again = || render(decode(file.clone()).expect("sound")).expect("rendered");
    assert_eq!(render_again(), render_again());
}

#[test]
fn a_rendition_carries_none_of_the_metadata() {
    let file = drawing::encode(&drawing::draw(5, 450, 300), ImageFormat::Jpeg).expect("encoded");
    let note = b"\xff\xfe\x00\x0eowner's name\xff\xe1\x00\x10Exif\0\0position".as_slice();
    let talkative = [&file[..2], note, &file[2..]].concat();
    let renditions = render(decode(talkative).expect("sound")).expect("rendered");
    for jpeg in [renditions.thumb, renditions.display] {
        assert!(!jpeg.windows(5).any(|five| five == b"owner" || five == b"posit"));
        // Segments: application data other than JFIF's (E1 to EF) and comments (FE) must not be there.
        let mut at = 2;
        while jpeg[at + 1] != 0xda {
            assert!(!matches!(jpeg[at + 1], 0xe1..=0xef | 0xfe), "marker {:x}", jpeg[at + 1]);
            at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        }
    }
}
