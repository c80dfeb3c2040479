//! Why a file is not taken in as a print image.

/// Why a file is not taken in as a print image: always the file's fault, never ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ImageRefusal {
    /// No bytes at all.
    #[error("the image is empty")]
    Empty,
    /// More bytes than the limit.
    #[error("the image is larger than {most} bytes", most = super::MAX_BYTES)]
    TooLarge,
    /// The bytes are none of the four formats, whatever the file's name says.
    #[error("the file is not a PNG, JPEG, TIFF or WebP image")]
    TypeUnsupported,
    /// The file ends before the image does.
    #[error("the image ends too early: the file is truncated")]
    Truncated,
    /// The bytes contradict their format.
    #[error("the image cannot be decoded: the file is damaged")]
    Undecodable,
    /// More pixels than the limit, or more memory than they may take.
    #[error("the image has more than {most} pixels", most = super::MAX_PIXELS)]
    TooManyPixels,
    /// More than one frame.
    #[error("the image is animated; a print is a still image")]
    Animated,
    /// A color model or compression that cannot be shown truthfully, CMYK above all.
    #[error(
        "the image's color model or compression is not supported: save it as RGB or grayscale with 8 or 16 bits"
    )]
    EncodingUnsupported,
    /// A file built to keep a decoder busy: many scans over many pixels.
    #[error("the image takes too much work to decode: save it again with ordinary settings")]
    TooComplex,
}

impl ImageRefusal {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Empty,
        Self::TooLarge,
        Self::TypeUnsupported,
        Self::Truncated,
        Self::Undecodable,
        Self::TooManyPixels,
        Self::Animated,
        Self::EncodingUnsupported,
        Self::TooComplex,
    ];

    /// The stable code that a client may match on.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "image_empty",
            Self::TooLarge => "image_too_large",
            Self::TypeUnsupported => "image_type_unsupported",
            Self::Truncated => "image_truncated",
            Self::Undecodable => "image_undecodable",
            Self::TooManyPixels => "image_too_many_pixels",
            Self::Animated => "image_animated",
            Self::EncodingUnsupported => "image_encoding_unsupported",
            Self::TooComplex => "image_too_complex",
        }
    }
}
