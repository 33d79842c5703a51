//! Files that people sent, after their time: what is old goes, and so does what nobody knows of.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use workflows::ports::Clock;

use crate::store::{PhotoStore, StoreError};

/// How long a file is kept. A request that is planned anew after that goes by its words, and says so.
const KEPT: TimeDelta = TimeDelta::days(30);
/// How long a file that nobody knows of is left alone: it may just have been written, and not yet noted.
const UNKNOWN: TimeDelta = TimeDelta::days(1);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(6 * 3_600);

/// Why nothing, or not all, was taken out.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error("the folder cannot be read or changed")]
    Folder(#[from] std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes out what is over, again and again.
pub(crate) async fn tend(folder: PathBuf, store: Arc<dyn PhotoStore>, clock: Arc<dyn Clock>, until: CancellationToken) {
    let round = async {
        loop {
            match sweep(&folder, &*store, clock.now()).await {
                Ok(0) => {}
                Ok(files) => info!(files, "files that were sent long ago are gone"),
                Err(error) => warn!(%error, "files that were sent long ago cannot be let go of now"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = until.cancelled() => {}
        () = round => {}
    }
}

/// Takes out what is over; how many files that were.
///
/// # Errors
/// When the folder or the store cannot be read or changed.
async fn sweep(folder: &Path, store: &dyn PhotoStore, now: DateTime<Utc>) -> Result<u64, SweepError> {
    let before = now - KEPT;
    // A door may note the whole path; the name is what counts.
    let name = |path: &str| Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
    let sent: HashMap<String, DateTime<Utc>> =
        store.uploads().await?.into_iter().filter_map(|(path, at)| Some((name(&path)?, at))).collect();
    let mut gone = 0;
    let mut files = match tokio::fs::read_dir(folder).await {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    while let Some(file) = files.next_entry().await? {
        // One that has gone meanwhile was being written.
        let Ok(about) = file.metadata().await else { continue };
        let is_over = match sent.get(&*file.file_name().to_string_lossy()) {
            Some(at) => *at < before,
            None => DateTime::<Utc>::from(about.modified()?) < now - UNKNOWN,
        };
        if !is_over || !about.is_file() {
            continue;
        }
        match tokio::fs::remove_file(file.path()).await {
            Ok(()) => gone += 1,
            Err(error) => warn!(%error, file = %file.path().display(), "a file that is over cannot be taken out"),
        }
    }
    // Last: what is not noted is told by the age of its file alone.
    store.forget_uploads(before).await?;
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use workflows::ids::PersonId;

    use super::*;
    use crate::store::photos::{KeptPhoto, PhotoQuota};
    use crate::store::sqlite::Db;

    #[tokio::test]
    async fn what_is_old_or_known_to_nobody_goes_and_the_rest_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        let db = Db::open(&dir.path().join("test.db")).await.expect("a database");
        let folder = dir.path().join("uploads");
        assert_eq!(sweep(&folder, &db, DateTime::UNIX_EPOCH).await.expect("no folder is no trouble"), 0);
        std::fs::create_dir(&folder).expect("a folder");
        // Files are as old as the machine's clock says, so that is now.
        let now = std::fs::metadata(&folder).and_then(|folder| folder.modified()).map(DateTime::<Utc>::from);
        let now = now.expect("a time") + TimeDelta::hours(1);
        let quota = PhotoQuota { since: now - TimeDelta::days(400), max: 100 };
        for (file, days) in [("new", 0), ("young", 29), ("old", 31)] {
            std::fs::write(folder.join(file), b"x").expect("a file");
            let photo = KeptPhoto {
                id: file.to_owned(),
                person_id: PersonId::from("ann"),
                file: file.to_owned(),
                bytes: 1,
                at: now - TimeDelta::days(days),
            };
            assert!(db.put_photo(&photo, quota).await.expect("a note"));
        }
        std::fs::write(folder.join("unknown"), b"x").expect("a file");
        std::fs::create_dir(folder.join("a folder of somebody's")).expect("a folder");
        let left = || {
            let files = std::fs::read_dir(&folder).expect("a folder");
            let mut names: Vec<String> =
                files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(sweep(&folder, &db, now).await.expect("a sweep"), 1);
        assert_eq!(left(), ["a folder of somebody's", "new", "unknown", "young"]);
        assert_eq!(db.uploads().await.expect("notes").len(), 2);
        assert_eq!(sweep(&folder, &db, now).await.expect("a sweep"), 0);
        assert_eq!(sweep(&folder, &db, now + TimeDelta::days(2)).await.expect("a sweep"), 2);
        assert_eq!(left(), ["a folder of somebody's", "new"]);
    }
}
