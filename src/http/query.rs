//! Query strings, with field errors like those of bodies.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// A query string read into `T`.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let read = Query::<T>::try_from_uri(&parts.uri);
        read.map(|Query(query)| Self(query)).map_err(|rejection| {
            let text = rejection.body_text();
            ApiError::fields(&[workflows::plan::validate::Fault {
                loc: vec!["query".into()],
                msg: text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text).to_owned(),
                kind: "query".to_owned(),
            }])
        })
    }
}
