//! Files that are sent to us, bounded.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};

use super::error::ApiError;
use crate::address_book::vcard::FILE_BYTES_MAX;

/// Names that vCard files go by (RFC 6350, section 10.1, and older ones).
const KINDS: [&str; 4] = ["text/vcard", "text/x-vcard", "text/directory", "application/vcard"];

/// A request body that is a vCard file.
#[derive(Debug)]
pub struct VCards(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for VCards {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !KINDS.contains(&kind.as_str()) {
            let text = "The body must be text/vcard";
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_vcard", text));
        }
        // Not the limit of other bodies: pictures make these larger.
        axum::body::to_bytes(request.into_body(), FILE_BYTES_MAX).await.map(Self).map_err(|_| {
            let text = format!("The file has more than {} MiB; export it without pictures", FILE_BYTES_MAX >> 20);
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", text)
        })
    }
}

/// Largest picture, in bytes.
pub const PHOTO_BYTES_MAX: usize = 10 << 20;

/// A request body that is a picture, by what is in it and not by what is said of it.
#[derive(Debug)]
pub struct Picture {
    /// All of it.
    pub bytes: Bytes,
    /// How the name of its file ends.
    pub ending: &'static str,
}

impl<S: Send + Sync> FromRequest<S> for Picture {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        // Not the limit of other bodies, as with vCards.
        let bytes = axum::body::to_bytes(request.into_body(), PHOTO_BYTES_MAX).await.map_err(|_| {
            let text = format!("The photo has more than {} MiB", PHOTO_BYTES_MAX >> 20);
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", text)
        })?;
        let Some(ending) = ending(&bytes) else {
            let text = "The photo must be a JPEG, PNG or WebP picture";
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_a_photo", text));
        };
        Ok(Self { bytes, ending })
    }
}

/// What kind of picture begins like that (ITU T.81, B.1.1.3; RFC 2083, 3.1; RFC 9649, 2.4).
fn ending(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\xff\xd8\xff") {
        Some("jpg")
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("png")
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some("webp")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_its_first_bytes() {
        assert_eq!(ending(b"\xff\xd8\xff\xe0\x00\x10JFIF"), Some("jpg"));
        assert_eq!(ending(b"\x89PNG\r\n\x1a\n\0\0"), Some("png"));
        assert_eq!(ending(b"RIFF\x10\0\0\0WEBPVP8 "), Some("webp"));
        for other in [b"RIFF\x10\0\0\0WAVEfmt ".as_slice(), b"<svg onload=x>", b"GIF89a", b"RIFF", b""] {
            assert_eq!(ending(other), None);
        }
    }
}
