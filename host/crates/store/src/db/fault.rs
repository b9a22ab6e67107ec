//! Sorting a database's errors by what may be done about them, and remembering the one that nothing can be done about.
//!
//! After a failed `fsync` SQLite says so once, and says yes to the next commit as if nothing had happened. So an I/O
//! error or a damaged file is remembered here, every later write is refused, and the host is told to stop.

use std::sync::Arc;

use sqlx::Error;
use tokio::sync::watch;

use crate::StoreError;

/// Whether the database can still be trusted.
#[derive(Debug, Clone)]
pub(crate) struct Latch(Arc<watch::Sender<bool>>);

impl Latch {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    pub(crate) fn is_fatal(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves once the database cannot be trusted.
    pub(crate) async fn fatal(self) {
        let mut receiver = self.0.subscribe();
        if receiver.wait_for(|fatal| *fatal).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Gives an error its place in [`StoreError`].
    pub(crate) fn sort(&self, error: Error) -> StoreError {
        match verdict(&error) {
            Verdict::Fatal => {
                if !self.0.send_replace(true) {
                    tracing::error!(error = %error, "the database file can no longer be trusted: {error}");
                }
                StoreError::Fatal
            }
            Verdict::Unavailable => StoreError::Unavailable(Arc::new(error)),
            Verdict::Refused => StoreError::Query(Arc::new(error)),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Fatal,
    Unavailable,
    Refused,
}

/// Whether this is a second row where a key allows one.
pub(crate) fn is_unique_violation(error: &StoreError) -> bool {
    let StoreError::Query(cause) = error else { return false };
    let error = (&**cause as &(dyn std::error::Error + 'static)).downcast_ref::<Error>();
    error.and_then(Error::as_database_error).is_some_and(|error| error.is_unique_violation())
}

fn verdict(error: &Error) -> Verdict {
    match error {
        Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            match code.parse::<u32>() {
                Ok(code) if code_is_sqlite(&**database) => sqlite(code),
                _ => postgres(&code),
            }
        }
        Error::Io(_) | Error::Tls(_) | Error::Protocol(_) => Verdict::Unavailable,
        Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed | Error::BeginFailed => Verdict::Unavailable,
        _ => Verdict::Refused,
    }
}

fn code_is_sqlite(error: &dyn sqlx::error::DatabaseError) -> bool {
    error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some()
}

/// By primary result code. `IOERR_SHMSIZE` is a full disk that was met while the index of the log grew: nothing was
/// written, and nothing is lost by going on.
fn sqlite(code: u32) -> Verdict {
    const IOERR_SHMSIZE: u32 = 4874;
    match (code, code & 0xff) {
        (IOERR_SHMSIZE, _) => Verdict::Unavailable,
        // IOERR, CORRUPT, NOTADB.
        (_, 10 | 11 | 26) => Verdict::Fatal,
        // PERM, BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, FULL, CANTOPEN, PROTOCOL.
        (_, 3 | 5 | 6 | 7 | 8 | 9 | 13 | 14 | 15) => Verdict::Unavailable,
        _ => Verdict::Refused,
    }
}

/// By SQLSTATE class: connections, transactions that lost a race, resources, an operator's hand, the system itself.
fn postgres(code: &str) -> Verdict {
    let class = code.get(..2).unwrap_or_default();
    if matches!(class, "08" | "25" | "40" | "53" | "55" | "57" | "58" | "XX") {
        Verdict::Unavailable
    } else {
        Verdict::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untrustworthy_file_is_fatal_and_a_full_disk_is_not() {
        for code in [10, 1034, 266, 11, 26] {
            assert_eq!(sqlite(code), Verdict::Fatal, "{code}");
        }
        for code in [13, 5, 4874] {
            assert_eq!(sqlite(code), Verdict::Unavailable, "{code}");
        }
        assert_eq!(sqlite(1299), Verdict::Refused, "a constraint");
    }

    #[test]
    fn postgres_is_tried_again_where_that_can_help() {
        for code in ["08006", "40001", "40P01", "57P01", "53300", "53100"] {
            assert_eq!(postgres(code), Verdict::Unavailable, "{code}");
        }
        for code in ["22021", "23505", "42601"] {
            assert_eq!(postgres(code), Verdict::Refused, "{code}");
        }
    }
}
