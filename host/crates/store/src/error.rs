//! What can go wrong between Hookyard and its database, sorted by what the caller can do about it.
//!
//! Absence is not in here: it is an `Option` or a `bool`. Neither is a duplicate or a lost claim, which are answers.
//! A caller retries [`StoreError::Unavailable`], tells its user of [`StoreError::Conflict`], parks what is
//! [`StoreError::Undecodable`] and stops the process at [`StoreError::Fatal`].

use std::sync::Arc;

/// Why the database did not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// What is there already does not allow it.
    #[error("conflicts with what is there already: {what}")]
    Conflict {
        /// What is in the way: `account key of a shared provider`.
        what: &'static str,
    },
    /// Nothing is known to be wrong with the request: try again. The change may even have been made.
    #[error("the database is not available at the moment")]
    Unavailable(#[source] Cause),
    /// The database's file can no longer be trusted; the process must stop. See [`crate::Store::fatal`].
    #[error("the database failed in a way that writing on would make worse")]
    Fatal,
    /// A row holds what this version cannot read. Trying again will not help.
    #[error("column `{column}` of `{table}` in row `{row}` cannot be read")]
    Undecodable {
        /// Which table.
        table: &'static str,
        /// Which of its columns.
        column: &'static str,
        /// Which row, as far as it is known.
        row: String,
    },
    /// The database refused the statement or its values. Trying again will not help.
    #[error("the database refused a statement")]
    Query(#[source] Cause),
}

/// The database's own error, shared by all whose changes went into one transaction.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds it.
    #[error("`{path}` is in use by another process")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// A file or folder cannot be used.
    #[error("could not use `{path}`")]
    File {
        /// Which one.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The master key is not the one that this database was made with.
    #[error("the master key is not the one that sealed this database's secrets")]
    WrongMasterKey,
    /// The text or file is no master key.
    #[error("a master key is 32 bytes, written in base64 or hexadecimal")]
    NotAMasterKey,
    /// The database does not promise what Hookyard promises in turn.
    #[error("the database says `{setting}` is `{found}`, and Hookyard needs {needed}")]
    Setting {
        /// Which setting.
        setting: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        needed: &'static str,
    },
    /// The tables could not be brought up to date.
    #[error("could not bring the database's tables up to date")]
    Migrate(#[source] Cause),
    /// A check of the file found damage. Restore the latest backup.
    #[error("the database file is damaged: {found}")]
    Damaged {
        /// What the check said first.
        found: String,
    },
    /// Anything else that the store met on its way up.
    #[error("could not open the database")]
    Store(#[from] StoreError),
}
