//! What a store is opened with.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use crate::master_key::MasterKey;

/// How to open a store.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the rows are.
    pub database: Database,
    /// What seals the secrets among them.
    pub master_key: MasterKey,
    /// Whether leases follow the clock that was handed in, as it is. Tests say yes; a node on PostgreSQL says no and
    /// follows the database's, because nodes disagree about the time.
    pub trust_clock: bool,
    /// Connections to PostgreSQL, or readers of SQLite, that are open at the same time.
    pub connections_max: u32,
    /// Who is told of each of the committer's transactions. For tests that end the process there.
    pub watch: Option<CommitWatch>,
}

/// Is called on the committer's thread, and holds it up as long as it takes.
#[derive(Clone)]
pub struct CommitWatch(pub Arc<dyn Fn(Moment) + Send + Sync>);

/// A moment in the life of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// All of it is written, and nothing is durable.
    BeforeCommit,
    /// All of it is durable, and nobody has been told.
    AfterCommit,
}

impl std::fmt::Debug for CommitWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CommitWatch")
    }
}

/// Which database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// One file, one process.
    Sqlite {
        /// The file; made where there is none. Its lock stands beside it.
        path: PathBuf,
    },
    /// A server, shared by several nodes.
    Postgres {
        /// `postgres://user:password@host/database`.
        url: String,
    },
}

impl Config {
    /// A store that follows the defaults.
    #[must_use]
    pub fn new(database: Database, master_key: MasterKey) -> Self {
        Self { database, master_key, trust_clock: false, connections_max: 16, watch: None }
    }
}

impl FromStr for Database {
    type Err = std::convert::Infallible;

    /// A URL that begins with `postgres://` or `postgresql://`, or else a path, with or without `sqlite://`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres { url: text.to_owned() });
        }
        Ok(Self::Sqlite { path: PathBuf::from(text.strip_prefix("sqlite://").unwrap_or(text)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_postgres_and_anything_else_a_file() {
        let read = |text: &str| text.parse::<Database>().unwrap();
        assert_eq!(read("postgres://a@b/c"), Database::Postgres { url: "postgres://a@b/c".into() });
        assert_eq!(read("data/hookyard.db"), Database::Sqlite { path: "data/hookyard.db".into() });
        assert_eq!(read("sqlite:///var/x.db"), Database::Sqlite { path: "/var/x.db".into() });
    }
}
