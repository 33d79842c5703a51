//! From the driver's errors to ours.

use workflows::ports::StoreError;

/// SQLite's primary result codes that mean something to us.
const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const NOTADB: i32 = 26;

/// Sorts a driver's error.
pub(super) fn driver(error: sqlx::Error) -> StoreError {
    match primary(&error) {
        Some(FULL | READONLY | IOERR) => StoreError::Full(Box::new(error)),
        Some(CORRUPT | NOTADB) => StoreError::Corrupt(format!(
            "the database file is damaged ({error}); restore a backup, or move the file away to begin anew"
        )),
        Some(_) | None => StoreError::Driver(Box::new(error)),
    }
}

/// The same error for everyone in a batch.
pub(super) fn copy(error: &StoreError) -> StoreError {
    match error {
        StoreError::Conflict => StoreError::Conflict,
        StoreError::Spent { left } => StoreError::Spent { left: *left },
        StoreError::Busy => StoreError::Busy,
        StoreError::Full(source) => StoreError::Full(source.to_string().into()),
        StoreError::Driver(source) => StoreError::Driver(source.to_string().into()),
        StoreError::Corrupt(text) => StoreError::Corrupt(text.clone()),
    }
}

/// An error in our own words.
pub(super) fn plain(text: &str) -> StoreError {
    StoreError::Driver(text.into())
}

fn primary(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?.parse::<i32>().ok()?;
    Some(code & 0xff)
}
