//! `backup` and `restore`: one tar file with database, uploads and keys.

use std::fs::File;
use std::path::{Component, Path, PathBuf};

use crate::config::Config;
use crate::store::StoreError;
use crate::store::sqlite::Db;

/// The database's name inside the file.
const DATABASE: &str = "super-manager.db";
/// Directories of the data directory that go along.
const DIRECTORIES: [&str; 2] = ["uploads", "keys"];

/// Why a backup or restore did not happen.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file is there already.
    #[error("{0} exists already; it is not overwritten")]
    Exists(PathBuf),
    /// There is nothing to back up.
    #[error("there is no database at {0}")]
    NoDatabase(PathBuf),
    /// The data directory is not empty.
    #[error("{0} is not empty; a restore needs an empty data directory")]
    NotEmpty(PathBuf),
    /// The file holds what no backup holds.
    #[error("this is no backup of Super Manager: {0}")]
    NoBackup(String),
    /// The file system failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes a backup; works beside a running service.
///
/// # Errors
/// See [`BackupError`].
pub async fn backup(config: &Config, file: &Path) -> Result<(), BackupError> {
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    if !config.database.exists() {
        return Err(BackupError::NoDatabase(config.database.clone()));
    }
    let copy = file.with_extension("db-copy");
    let written = async {
        // The copy goes into an empty file that is private from the beginning.
        drop(private(&copy)?);
        Db::open_shared(&config.database).await?.copy_to(&copy).await?;
        write_tar(config, file, &copy)
    };
    let result = written.await;
    // The copy is in the tar file now, or the backup failed: either way it is of no more use.
    let _gone = std::fs::remove_file(&copy);
    if result.is_err() {
        // Half a backup would be taken for one; it was not there before, so it is ours.
        let _gone = std::fs::remove_file(file);
    }
    result
}

/// A new file that only its owner may read: a backup holds everything.
fn private(file: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().write(true).create_new(true).mode(0o600).open(file)
}

fn write_tar(config: &Config, file: &Path, copy: &Path) -> Result<(), BackupError> {
    let mut tar = tar::Builder::new(private(file)?);
    tar.follow_symlinks(false);
    tar.append_path_with_name(copy, DATABASE)?;
    for name in DIRECTORIES {
        let directory = config.data_dir.join(name);
        if directory.is_dir() {
            tar.append_dir_all(name, directory)?;
        }
    }
    tar.into_inner()?.sync_all()?;
    Ok(())
}

/// Fills an empty data directory. Effects that were under way when the backup was made are unknown
/// in the restored database: their leases belong to no process any more.
///
/// # Errors
/// See [`BackupError`].
pub fn restore(config: &Config, file: &Path) -> Result<(), BackupError> {
    config.make_data_dir()?;
    if std::fs::read_dir(&config.data_dir)?.next().is_some() || config.database.exists() {
        return Err(BackupError::NotEmpty(config.data_dir.clone()));
    }
    let mut names = Vec::new();
    for entry in tar::Archive::new(File::open(file)?).entries()? {
        names.push(checked(&entry?)?);
    }
    if !names.iter().any(|name| name == Path::new(DATABASE)) {
        return Err(BackupError::NoBackup(format!("it has no {DATABASE}")));
    }
    for entry in tar::Archive::new(File::open(file)?).entries()? {
        let mut entry = entry?;
        let name = checked(&entry)?;
        let target = if name == Path::new(DATABASE) { config.database.clone() } else { config.data_dir.join(name) };
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        entry.unpack(target)?;
    }
    Ok(())
}

/// An entry's name, when it is one that a backup may hold: nothing may lead out of the directory.
fn checked(entry: &tar::Entry<'_, File>) -> Result<PathBuf, BackupError> {
    let name = entry.path()?.into_owned();
    let kind = entry.header().entry_type();
    let plain = name.components().all(|part| matches!(part, Component::Normal(_)));
    let known = name == Path::new(DATABASE) || DIRECTORIES.iter().any(|directory| name.starts_with(directory));
    if !plain || !known || !(kind.is_file() || kind.is_dir()) {
        return Err(BackupError::NoBackup(format!("it holds {}", name.display())));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(dir: &Path) -> Config {
        let values = std::collections::BTreeMap::from([("DATA_DIR".to_owned(), dir.display().to_string())]);
        crate::config::from_values(&values, Vec::new()).expect("a configuration")
    }

    #[tokio::test]
    async fn a_backup_of_an_open_database_restores_into_an_empty_directory_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let (from, to) = (config(&dir.path().join("a")), config(&dir.path().join("b")));
        std::fs::create_dir_all(from.data_dir.join("uploads")).expect("a directory");
        std::fs::write(from.data_dir.join("uploads/photo"), b"x").expect("a file");
        let db = Db::open(&from.database).await.expect("a database");
        let file = dir.path().join("backup.tar");
        backup(&from, &file).await.expect("a backup");
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).expect("the file"));
        assert_eq!(mode & 0o777, 0o600, "nobody else may read a backup");
        assert!(!dir.path().join("backup.db-copy").exists());
        assert!(matches!(backup(&from, &file).await, Err(BackupError::Exists(_))));
        restore(&to, &file).expect("a restore");
        assert_eq!(std::fs::read(to.data_dir.join("uploads/photo")).expect("the file"), b"x");
        Db::open(&to.database).await.expect("the restored database opens");
        assert!(matches!(restore(&to, &file), Err(BackupError::NotEmpty(_))));
        drop(db);
    }

    #[test]
    fn nothing_in_a_backup_leads_out_of_the_directory() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["../evil", "uploads/../../evil", "/etc/evil", "other/file"] {
            let file = dir.path().join("evil.tar");
            let mut tar = tar::Builder::new(File::create(&file).expect("a file"));
            let mut header = tar::Header::new_gnu();
            let bytes = name.as_bytes();
            header.as_mut_bytes()[..bytes.len()].copy_from_slice(bytes);
            header.set_size(1);
            header.set_cksum();
            tar.append(&header, &b"x"[..]).expect("an entry");
            tar.into_inner().expect("the end");
            let to = config(&dir.path().join("to"));
            assert!(matches!(restore(&to, &file), Err(BackupError::NoBackup(_))), "{name}");
            assert!(std::fs::read_dir(&to.data_dir).expect("the directory").next().is_none());
        }
    }
}
