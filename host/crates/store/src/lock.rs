//! The lock file beside a SQLite database: one process at a time.
//!
//! Two processes would not damage the file, but each would believe that it is the only writer and the only claimer.
//! The lock is the operating system's and goes with the process, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::OpenError;

/// How long the process before may take to be gone, as when a supervisor restarts it.
const PATIENCE: u32 = 20;
const STEP: Duration = Duration::from_millis(50);

/// Held while the database is open.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) async fn take(database: &Path) -> Result<Self, OpenError> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let shown = || path.display().to_string();
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|source| OpenError::File { path: shown(), source })?;
        for _ in 0..PATIENCE {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(STEP).await,
                Err(TryLockError::Error(source)) => return Err(OpenError::File { path: shown(), source }),
            }
        }
        Err(OpenError::Locked { path: shown() })
    }
}
