//! What the host asks about the whole store: how much waits, whether the configuration moved, and what may go.

mod purge;

use hookyard_model::instant::Instant;

use crate::db::Row;
use crate::{Store, StoreError};

/// How much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Events that are due.
    pub events_due: u64,
    /// Deliveries that are due.
    pub deliveries_due: u64,
    /// Runs that are due.
    pub runs_due: u64,
    /// Pushes that are due.
    pub pushes_due: u64,
    /// Since when the one that waits longest is due.
    pub oldest_due_at: Option<Instant>,
}

impl Store {
    /// How much is due now; counts stop at 10,000.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.backlog", level = "debug", skip_all)]
    pub async fn backlog(&self) -> Result<Backlog, StoreError> {
        let now = self.now();
        let sql = "-- backlog_events()
            SELECT count(*), min(due_at)
            FROM (SELECT due_at FROM events WHERE due_at <= $1 ORDER BY due_at LIMIT 10000) AS due";
        let (events_due, events_since) = read_due(self.pool().row(sql, vec![now.into()]).await?, "events")?;
        let sql = "-- backlog_deliveries()
            SELECT count(*), min(due_at)
            FROM (SELECT due_at FROM deliveries WHERE due_at <= $1 ORDER BY due_at LIMIT 10000) AS due";
        let (deliveries_due, since) = read_due(self.pool().row(sql, vec![now.into()]).await?, "deliveries")?;
        let sql = "-- backlog_runs()
            SELECT count(*), min(due_at)
            FROM (SELECT due_at FROM runs WHERE due_at <= $1 ORDER BY due_at LIMIT 10000) AS due";
        let (runs_due, runs_since) = read_due(self.pool().row(sql, vec![now.into()]).await?, "runs")?;
        let sql = "-- backlog_pushes()
            SELECT count(*), min(due_at)
            FROM (SELECT due_at FROM pushes WHERE due_at <= $1 ORDER BY due_at LIMIT 10000) AS due";
        let (pushes_due, pushes_since) = read_due(self.pool().row(sql, vec![now.into()]).await?, "pushes")?;
        let oldest_due_at = [events_since, since, runs_since, pushes_since].into_iter().flatten().min();
        Ok(Backlog { events_due, deliveries_due, runs_due, pushes_due, oldest_due_at })
    }

    /// Counts the changes of tenants, keys, secrets, accounts, plugins, flows, destinations and subscriptions: another
    /// number, another configuration.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.config_version", level = "debug", skip_all)]
    pub async fn config_version(&self) -> Result<i64, StoreError> {
        let sql = "-- config_version()
            SELECT value
            FROM config
            WHERE name = 'version'";
        let missing = || StoreError::Undecodable { table: "config", column: "value", row: "version".to_owned() };
        self.pool().row(sql, vec![]).await?.ok_or_else(missing)?.cells("config").int("value")
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.ping", level = "debug", skip_all)]
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.pool().row("-- ping()\nSELECT 1", vec![]).await?;
        Ok(())
    }
}

/// A count, and since when the first of them is due.
fn read_due(row: Option<Row>, table: &'static str) -> Result<(u64, Option<Instant>), StoreError> {
    let Some(row) = row else { return Ok((0, None)) };
    let mut cells = row.cells(table);
    Ok((cells.int("count")?.unsigned_abs(), cells.instant_or_null("due_at")?))
}
