//! Pictures that people sent.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use workflows::ids::PersonId;
use workflows::ports::StoreError;

/// A picture whose file is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPhoto {
    /// What its person calls it by.
    pub id: String,
    /// Whose.
    pub person_id: PersonId,
    /// Its name among what was uploaded.
    pub file: String,
    /// How large it is.
    pub bytes: u64,
    /// When it came.
    pub at: DateTime<Utc>,
}

/// How many pictures somebody may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhotoQuota {
    /// Those after this time count.
    pub since: DateTime<Utc>,
    /// So many may be sent.
    pub max: u32,
}

/// Keeping pictures. Every method fails when the store does.
#[async_trait]
pub trait PhotoStore: Send + Sync {
    /// Whether the person may send another one.
    async fn may_send(&self, person: &PersonId, quota: PhotoQuota) -> Result<bool, StoreError>;

    /// Notes a picture, unless its person has sent as many as they may; whether it did.
    async fn put_photo(&self, photo: &KeptPhoto, quota: PhotoQuota) -> Result<bool, StoreError>;

    /// The file of the person's picture of that id; `None` for a missing one and for another's.
    async fn photo_file(&self, person: &PersonId, id: &str) -> Result<Option<String>, StoreError>;

    /// Every file that was sent, by whatever door, and when.
    async fn uploads(&self) -> Result<Vec<(String, DateTime<Utc>)>, StoreError>;

    /// Forgets those that were sent before.
    async fn forget_uploads(&self, before: DateTime<Utc>) -> Result<(), StoreError>;
}
