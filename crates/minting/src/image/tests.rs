//! Real bytes of every kind that may arrive.

use catalog::image::ImageFormat;

use super::*;
use crate::drawing;

const FORMATS: [ImageFormat; 4] = ImageFormat::ALL;

/// A sound file of that format, 120 × 160 pixels.
fn sound(format: ImageFormat) -> Vec<u8> {
    drawing::encode(&drawing::draw(1, 120, 160), format).expect("encoded")
}

fn refused(bytes: &[u8]) -> Option<ImageRefusal> {
    decode(bytes.to_vec()).err()
}

/// The checksum of PNG chunks (W3C PNG, annex D), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("short").to_be_bytes();
    let body = [&kind, data].concat();
    let crc = crc32(&body).to_be_bytes();
    [&length, &*body, &crc].concat()
}

/// Puts more chunks behind the header.
fn with_chunk(png: &[u8], chunk: &[u8]) -> Vec<u8> {
    let (header, rest) = png.split_at(8 + 25);
    [header, chunk, rest].concat()
}

/// A PNG file whose header claims another size, with the right checksum.
fn with_png_size(png: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut header = png[16..29].to_vec();
    header[..4].copy_from_slice(&width.to_be_bytes());
    header[4..8].copy_from_slice(&height.to_be_bytes());
    [&png[..8], &chunk(*b"IHDR", &header), &png[33..]].concat()
}

/// A JPEG file whose frame header claims another size.
fn with_jpeg_size(jpeg: &[u8], width: u16, height: u16) -> Vec<u8> {
    let mut file = jpeg.to_vec();
    let at = file.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("baseline");
    file[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    file[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    file
}

/// An Exif block that holds nothing but an orientation.
fn exif(orientation: u16) -> Vec<u8> {
    let [low, high] = orientation.to_le_bytes();
    [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(), &[low, high], &[0; 6]].concat()
}

fn with_jpeg_exif(jpeg: &[u8], exif: &[u8]) -> Vec<u8> {
    let data = [b"Exif\0\0", exif].concat();
    let length = u16::try_from(data.len() + 2).expect("short").to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &data, &jpeg[2..]].concat()
}

/// An uncompressed TIFF file of one strip, 8 bits a sample; the strip's data are `pixels`.
fn tiff(width: u32, height: u32, photometric: u32, samples: u32, pixels: &[u8]) -> Vec<u8> {
    let size = u32::try_from(pixels.len()).expect("short");
    // The bits of each sample stand at offset 8 unless they fit into their tag; the strip is at 24, the
    // directory behind it.
    let mut file = b"II*\0".to_vec();
    file.extend((24 + size).to_le_bytes());
    file.extend([8_u8, 0].repeat(8));
    file.extend(pixels);
    let tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, samples, 8),
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, 1, 24),
        (277, 3, 1, samples),
        (278, 4, 1, height),
        (279, 4, 1, size),
    ];
    file.extend(u16::try_from(tags.len()).expect("short").to_le_bytes());
    for (tag, kind, count, value) in tags {
        file.extend(u16::to_le_bytes(tag));
        file.extend(u16::to_le_bytes(kind));
        file.extend(u32::to_le_bytes(count));
        file.extend(u32::to_le_bytes(value));
    }
    file.extend([0; 4]);
    file
}

fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (kind, data) in chunks {
        body.extend(*kind);
        body.extend(u32::try_from(data.len()).expect("short").to_le_bytes());
        body.extend(*data);
        body.extend(vec![0; data.len() % 2]);
    }
    [b"RIFF", &u32::try_from(body.len()).expect("short").to_le_bytes()[..], &body].concat()
}

#[test]
fn all_four_formats_are_known_by_their_bytes() {
    for format in FORMATS {
        let decoded = decode(sound(format)).expect("sound");
        assert_eq!((decoded.format, decoded.width_px, decoded.height_px), (format, 120, 160));
    }
}

#[test]
fn the_real_prints_decode() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/images");
    let sizes = [("great_wave", 928, 514), ("water_lilies", 1_600, 1_052), ("hoitsu_flowers", 750, 343)];
    for (name, width, height) in sizes {
        // The prints are not part of the repository.
        let Ok(bytes) = std::fs::read(folder.join(name).with_extension("jpg")) else { continue };
        let decoded = decode(bytes).expect(name);
        assert_eq!((decoded.width_px, decoded.height_px), (width, height), "{name}");
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for format in FORMATS {
        let file = sound(format);
        let cuts = (0..100).map(|percent| file.len() * percent / 100).chain([file.len() - 1]);
        for cut in cuts {
            assert!(refused(&file[..cut]).is_some(), "{} cut at {cut} of {}", format.as_str(), file.len());
        }
    }
    let half = |format| {
        let file = sound(format);
        refused(&file[..file.len() / 2])
    };
    assert_eq!(
        [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp].map(half),
        [Some(ImageRefusal::Truncated); 3]
    );
}

#[test]
fn a_damaged_huffman_code_in_a_jpeg_is_refused() {
    let mut file = sound(ImageFormat::Jpeg);
    let scan = file.windows(2).position(|pair| pair == [0xff, 0xda]).expect("a scan") + 14;
    let end = file.len() - 2;
    // Stuffed ones: the code of ones alone belongs to nobody.
    file.splice(scan + 20..end, [0xff, 0x00].repeat(200));
    assert_eq!(refused(&file), Some(ImageRefusal::Undecodable));
}

#[test]
fn a_damaged_byte_in_a_png_is_refused() {
    let mut file = sound(ImageFormat::Png);
    let middle = file.len() / 2;
    file[middle] ^= 1;
    assert_eq!(refused(&file), Some(ImageRefusal::Undecodable));
}

#[test]
fn headers_that_claim_too_many_pixels_are_refused_before_decoding() {
    let png = sound(ImageFormat::Png);
    let jpeg = sound(ImageFormat::Jpeg);
    // VP8L: one byte of signature, then 14 bits each of width − 1 and height − 1.
    let webp = riff(&[(b"VP8L", &[0x2f, 0xfe, 0xbf, 0xff, 0x0f, 0, 0, 0])]);
    let canvas = riff(&[
        (b"VP8X", &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        (b"VP8L", &sound(ImageFormat::Webp)[20..]),
    ]);
    let claims = [
        with_png_size(&png, 65_535, 65_535),
        with_png_size(&png, 0x7fff_ffff, 0x7fff_ffff),
        with_png_size(&png, 100_000_001, 1),
        with_jpeg_size(&jpeg, 65_535, 65_535),
        with_jpeg_size(&jpeg, 10_000, 10_001),
        tiff(65_535, 65_535, 2, 3, &[0; 3]),
        tiff(u32::MAX, u32::MAX, 1, 1, &[0]),
        webp,
        canvas,
    ];
    for (i, file) in claims.iter().enumerate() {
        assert_eq!(refused(file), Some(ImageRefusal::TooManyPixels), "claim {i}");
    }
}

#[test]
fn an_image_without_pixels_is_refused() {
    let png = with_png_size(&sound(ImageFormat::Png), 0, 160);
    let jpeg = with_jpeg_size(&sound(ImageFormat::Jpeg), 120, 0);
    for file in [png, jpeg, tiff(0, 1, 1, 1, &[0])] {
        assert_eq!(refused(&file), Some(ImageRefusal::Undecodable));
    }
}

#[test]
fn a_claim_of_more_pixels_than_the_file_holds_is_refused() {
    assert!(refused(&with_png_size(&sound(ImageFormat::Png), 5_000, 5_000)).is_some());
    assert_eq!(
        refused(&with_jpeg_size(&sound(ImageFormat::Jpeg), 5_000, 5_000)),
        Some(ImageRefusal::Truncated)
    );
    assert_eq!(refused(&tiff(5_000, 5_000, 1, 1, &[0])), Some(ImageRefusal::Truncated));
}

#[test]
fn other_types_are_refused_whatever_they_are_called() {
    let types: [&[u8]; 12] = [
        b"GIF89a\x01\0\x01\0\0\0\0;",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        b"<!DOCTYPE html><title>print.png</title>",
        b"PK\x03\x04\x14\0\0\0",
        b"\x7fELF\x02\x01\x01\0",
        b"\0\0\0\x18ftypmp42",
        b"\0\0\0\x20ftypavif",
        b"BM\x46\0\0\0",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"<?php echo 1;",
        b"\x89",
    ];
    for file in types {
        assert_eq!(refused(file), Some(ImageRefusal::TypeUnsupported), "{}", String::from_utf8_lossy(file));
    }
    assert_eq!(refused(b""), Some(ImageRefusal::Empty));
}

#[test]
fn animations_are_refused() {
    let png = sound(ImageFormat::Png);
    let apng = with_chunk(&png, &chunk(*b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]));
    let still = sound(ImageFormat::Webp);
    let picture = &still[20..];
    let flagged = riff(&[(b"VP8X", &[0b10, 0, 0, 0, 119, 0, 0, 159, 0, 0]), (b"VP8L", picture)]);
    let framed = riff(&[(b"VP8X", &[0, 0, 0, 0, 119, 0, 0, 159, 0, 0]), (b"ANMF", &[0; 16])]);
    for file in [apng, flagged, framed] {
        assert_eq!(refused(&file), Some(ImageRefusal::Animated));
    }
    let unflagged = riff(&[(b"VP8X", &[0, 0, 0, 0, 119, 0, 0, 159, 0, 0]), (b"VP8L", picture)]);
    assert_eq!(refused(&unflagged), None);
}

#[test]
fn text_chunks_and_what_follows_the_image_never_reach_the_decoder() {
    let png = sound(ImageFormat::Png);
    let talkative = with_chunk(&png, &chunk(*b"zTXt", b"Comment\0\0not a zlib stream"));
    let talkative = [talkative.as_slice(), b"PK\x03\x04 a second file"].concat();
    let essence = png::essence(&talkative).expect("sound").file;
    assert!(!essence.windows(4).any(|four| four == b"zTXt" || four == b"PK\x03\x04"));
    assert_eq!(decode(talkative).expect("sound").pixels, decode(png).expect("sound").pixels);
}

#[test]
fn a_bomb_in_the_pixels_or_in_the_profile_inflates_no_further_than_the_header_says() {
    let zeros = ::image::GrayImage::new(8_000, 8_000);
    let mut large = Cursor::new(Vec::new());
    zeros.write_to(&mut large, ::image::ImageFormat::Png).expect("encoded");
    let large = large.into_inner();
    assert!(large.len() < 400_000, "64 million pixels in {} bytes", large.len());
    let bomb = with_png_size(&large, 1, 1);
    let shown = decode(bomb).map(|decoded| decoded.pixels.as_bytes().len());
    assert!(matches!(shown, Ok(1) | Err(ImageRefusal::Undecodable)), "{shown:?}");

    let profile = [b"icc\0\0".as_slice(), &vec![7; LONGEST]].concat();
    let essence = png::essence(&with_chunk(&large, &chunk(*b"iCCP", &profile))).expect("sound");
    assert_eq!(essence.file.len(), large.len() - unneeded(&large));
}

/// Longer than any profile that is read.
const LONGEST: usize = 5 << 20;

/// The bytes of chunks that are not handed on, in a file of our own encoder.
fn unneeded(png: &[u8]) -> usize {
    png.len() - png::essence(png).expect("sound").file.len()
}

#[test]
fn many_scans_over_many_pixels_are_refused() {
    let frame = [0xff, 0xc2, 0, 11, 8, 0x27, 0x10, 0x27, 0x10, 1, 1, 0x11, 0];
    let scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0, 0x55];
    let data = vec![0; 200_000];
    let file = |scans| [&[0xff, 0xd8], &frame[..], &scan.repeat(scans), &data, &[0xff, 0xd9]].concat();
    assert!(jpeg::inspect(&file(20)).is_ok());
    assert_eq!(refused(&file(21)), Some(ImageRefusal::TooComplex));
    assert_eq!(refused(&file(0)), Some(ImageRefusal::Undecodable));
}

#[test]
fn cmyk_and_twelve_bits_are_refused_in_clear_words() {
    let jpeg = sound(ImageFormat::Jpeg);
    let at = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("baseline");
    let mut cmyk = jpeg.clone();
    cmyk[at + 9] = 4;
    let mut deep = jpeg.clone();
    deep[at + 4] = 12;
    for file in [cmyk, deep, tiff(1, 1, 5, 4, &[0, 0, 0, 0])] {
        assert_eq!(refused(&file), Some(ImageRefusal::EncodingUnsupported));
    }
    assert_eq!(refused(&tiff(1, 1, 2, 3, &[1, 2, 3])), None);
}

#[test]
fn every_orientation_is_made_upright_and_odd_ones_are_ignored() {
    // Left half dark, right half light, and the upper left corner darkest: all eight ways differ.
    let picture = ::image::GrayImage::from_fn(64, 32, |x, y| {
        ::image::Luma([if x >= 32 {
            230
        } else if y < 16 {
            10
        } else {
            120
        }])
    });
    let mut jpeg = Cursor::new(Vec::new());
    picture.write_to(&mut jpeg, ::image::ImageFormat::Jpeg).expect("encoded");
    let jpeg = jpeg.into_inner();
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ::image::ImageFormat::Png).expect("encoded");
    let png = png.into_inner();
    // The corners as seen: upper left, upper right, lower left, lower right. D dark, M middle, L light.
    let seen = [
        (0, "DLML"),
        (1, "DLML"),
        (2, "LDLM"),
        (3, "LMLD"),
        (4, "MLDL"),
        (5, "DMLL"),
        (6, "MDLL"),
        (7, "LLMD"),
        (8, "LLDM"),
        (9, "DLML"),
        (65_535, "DLML"),
    ];
    for (orientation, corners) in seen {
        let files = [
            with_jpeg_exif(&jpeg, &exif(orientation)),
            with_chunk(&png, &chunk(*b"eXIf", &exif(orientation))),
        ];
        for file in files {
            let decoded = decode(file).expect("sound");
            let turned = (5..=8).contains(&orientation);
            let size = if turned { (32, 64) } else { (64, 32) };
            assert_eq!((decoded.width_px, decoded.height_px), size, "orientation {orientation}");
            let display = crate::rendition::render(decoded).expect("rendered").display;
            let display = ::image::load_from_memory(&display).expect("a JPEG file").into_luma8();
            assert_eq!(display.dimensions(), size, "orientation {orientation}");
            let (right, low) = (size.0 - 5, size.1 - 5);
            let letter = |(x, y)| match display.get_pixel(x, y).0[0] {
                0..60 => 'D',
                60..180 => 'M',
                _ => 'L',
            };
            let found: String = [(4, 4), (right, 4), (4, low), (right, low)].map(letter).iter().collect();
            assert_eq!(found, corners, "orientation {orientation}");
        }
    }
}

#[test]
fn a_file_over_the_limit_is_refused_unread() {
    let limit = usize::try_from(MAX_BYTES).expect("fits");
    assert_eq!(refused(&vec![0; limit + 1]), Some(ImageRefusal::TooLarge));
}

#[test]
fn every_refusal_has_a_code_of_its_own() {
    let codes: std::collections::BTreeSet<_> = ImageRefusal::ALL.map(ImageRefusal::code).into();
    assert_eq!(codes.len(), ImageRefusal::ALL.len());
    assert!(codes.iter().all(|code| code.starts_with("image_")));
}
