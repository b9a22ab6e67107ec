//! A database for each test: a file of its own, or a database of its own on the server that `tests/run` starts.

use std::path::Path;

use data_encoding::HEXLOWER;
use tempfile::TempDir;

/// Which databases a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Databases {
    /// A file.
    Sqlite,
    /// A database on the server in `HOOKYARD_TEST_POSTGRES`.
    Postgres,
}

/// One database, gone when dropped.
pub struct TestDatabase {
    folder: TempDir,
    postgres: Option<(String, String)>,
}

impl TestDatabase {
    /// A new, empty one.
    ///
    /// # Panics
    /// There is no server: run the tests by `tests/run`, which starts one.
    #[must_use]
    pub fn new(which: Databases) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let postgres = (which == Databases::Postgres).then(|| {
            let server = std::env::var("HOOKYARD_TEST_POSTGRES").expect(
                "HOOKYARD_TEST_POSTGRES names a PostgreSQL server: run the tests by `tests/run`, which starts one",
            );
            let name = format!("hookyard_test_{}", HEXLOWER.encode(&hookyard::ids::random::<8>()));
            psql(&server, &format!("CREATE DATABASE {name}"));
            (server, name)
        });
        Self { folder, postgres }
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's URL with this database, where it is one.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        let (server, name) = self.postgres.as_ref()?;
        let (base, _) = server.rsplit_once('/')?;
        Some(format!("{base}/{name}"))
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.postgres {
            psql(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

/// The server's own client: tests have no other business with SQL.
fn psql(server: &str, sql: &str) {
    let output = std::process::Command::new("psql").args([server, "-q", "-c", sql]).output();
    let output = output.expect("psql is installed with PostgreSQL: run the tests by `tests/run`");
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
}
