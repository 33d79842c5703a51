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
