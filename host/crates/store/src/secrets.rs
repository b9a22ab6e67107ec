//! The `secrets` table: what applications, accounts and subscriptions keep, sealed to its place.

use std::collections::HashMap;

use hookyard_model::secret::Secret;

use crate::db::{Pool, Row, Tx, Value};
use crate::seal::{DataKey, Place};
use crate::{Store, StoreError};

const TABLE: &str = "secrets";
/// Rows of one holder, as a bound: `limits::SECRET_VALUES_MAX` values of a hundred secrets and a hundred credentials.
const HOLDER_ROWS_MAX: i64 = 2_000;
/// Rows of all holders of one kind: `limits::FLOWS_PER_TENANT_MAX` times a hundred credentials, which is more than
/// `limits::SUBSCRIPTIONS_PER_TENANT_MAX` times `limits::SECRET_VALUES_MAX`.
const OWNER_ROWS_MAX: i64 = 25_000;

/// What the host attaches to fetches: by name.
pub type Credentials = Vec<(String, Secret)>;

/// Proves requests, or signs deliveries.
pub(crate) const SECRET: &str = "secret";
/// Is attached to fetches.
pub(crate) const CREDENTIAL: &str = "credential";

/// A secret that was opened.
pub(crate) struct Opened {
    holder: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) secret: Secret,
}

/// Puts the live values of one name, newest first, in place of what was there; none deletes it.
pub(crate) async fn secrets_put(
    tx: &mut Tx,
    key: &DataKey,
    (owner, holder, kind, name): (&str, &str, &'static str, &str),
    values: &[Secret],
) -> Result<(), StoreError> {
    let sql = "-- secrets_clear()
        DELETE FROM secrets
        WHERE owner_id = $1 AND holder = $2 AND kind = $3 AND name = $4";
    tx.execute(sql, vec![owner.into(), holder.into(), kind.into(), name.into()]).await?;
    for (position, secret) in (0_i64..).zip(values) {
        let place = Place { table: TABLE, owner, holder, kind, name, position, key_id: key.id };
        let sealed = key.seal(place, secret.expose())?;
        let sql = "-- secrets_put()
            INSERT INTO secrets (owner_id, holder, kind, name, position, key_id, sealed)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let place = vec![owner.into(), holder.into(), kind.into(), name.into(), position.into(), key.id.into()];
        tx.execute(sql, place.into_iter().chain([Value::from(sealed)]).collect()).await?;
    }
    Ok(())
}

/// Puts credentials under their names, in place of theirs; other names stay.
pub(crate) async fn credentials_put(
    tx: &mut Tx,
    key: &DataKey,
    (owner, holder): (&str, &str),
    credentials: &[(String, Secret)],
) -> Result<(), StoreError> {
    for (name, value) in credentials {
        secrets_put(tx, key, (owner, holder, CREDENTIAL, name), std::slice::from_ref(value)).await?;
    }
    Ok(())
}

/// Forgets all that a holder keeps.
pub(crate) async fn secrets_delete(tx: &mut Tx, owner: &str, holder: &str) -> Result<(), StoreError> {
    let sql = "-- secrets_delete()
        DELETE FROM secrets
        WHERE owner_id = $1 AND holder = $2";
    tx.execute(sql, vec![owner.into(), holder.into()]).await?;
    Ok(())
}

/// The names that a holder keeps values under, without opening them.
pub(crate) async fn secret_names(pool: &Pool, owner: &str, holder: &str) -> Result<Vec<String>, StoreError> {
    let sql = "-- secret_names()
        SELECT name
        FROM secrets
        WHERE owner_id = $1 AND holder = $2 AND position = 0
        ORDER BY name
        LIMIT $3";
    let rows = pool.rows(sql, vec![owner.into(), holder.into(), HOLDER_ROWS_MAX.into()]).await?;
    rows.iter().map(|row| row.cells(TABLE).text("name")).collect()
}

impl Store {
    /// Opens all that a holder keeps, each name's newest first.
    pub(crate) async fn secrets_open(&self, owner: &str, holder: &str) -> Result<Vec<Opened>, StoreError> {
        let sql = "-- secrets_open()
            SELECT owner_id, holder, kind, name, position, key_id, sealed
            FROM secrets
            WHERE owner_id = $1 AND holder = $2
            ORDER BY kind, name, position
            LIMIT $3";
        let rows = self.pool().rows(sql, vec![owner.into(), holder.into(), HOLDER_ROWS_MAX.into()]).await?;
        self.open_rows(owner, &rows).await
    }

    /// Opens all that an owner's holders keep whose ids begin with `prefix`: by holder, the newest first.
    pub(crate) async fn secrets_open_all(
        &self,
        owner: &str,
        prefix: &str,
    ) -> Result<HashMap<String, Vec<Secret>>, StoreError> {
        let mut held: HashMap<String, Vec<Secret>> = HashMap::new();
        for opened in self.open_all(owner, prefix).await? {
            held.entry(opened.holder).or_default().push(opened.secret);
        }
        Ok(held)
    }

    /// As [`secrets_open_all`](Self::secrets_open_all), each with its name.
    pub(crate) async fn credentials_open_all(
        &self,
        owner: &str,
        prefix: &str,
    ) -> Result<HashMap<String, Credentials>, StoreError> {
        let mut held: HashMap<String, Credentials> = HashMap::new();
        for opened in self.open_all(owner, prefix).await? {
            held.entry(opened.holder).or_default().push((opened.name, opened.secret));
        }
        Ok(held)
    }

    async fn open_all(&self, owner: &str, prefix: &str) -> Result<Vec<Opened>, StoreError> {
        let sql = "-- secrets_open_all()
            SELECT owner_id, holder, kind, name, position, key_id, sealed
            FROM secrets
            WHERE owner_id = $1 AND holder > $2 AND holder < $3
            ORDER BY holder, kind, name, position
            LIMIT $4";
        let until = format!("{prefix}~");
        let rows =
            self.pool().rows(sql, vec![owner.into(), prefix.into(), until.into(), OWNER_ROWS_MAX.into()]).await?;
        self.open_rows(owner, &rows).await
    }

    async fn open_rows(&self, owner: &str, rows: &[Row]) -> Result<Vec<Opened>, StoreError> {
        if rows.is_empty() {
            return Ok(vec![]);
        }
        let key = self.seals().data_key(self.pool(), owner).await?;
        rows.iter().map(|row| open_row(&key, owner, row)).collect()
    }
}

fn open_row(key: &DataKey, owner: &str, row: &Row) -> Result<Opened, StoreError> {
    let mut cells = row.cells(TABLE);
    cells.text("owner_id")?;
    let (holder, kind, name) = (cells.text("holder")?, cells.text("kind")?, cells.text("name")?);
    let (position, key_id) = (cells.int("position")?, cells.int("key_id")?);
    let sealed = cells.bytes("sealed")?;
    let place = Place { table: TABLE, owner, holder: &holder, kind: &kind, name: &name, position, key_id };
    let plain = key.open(place, &sealed).ok_or_else(|| cells.undecodable("sealed"))?;
    let secret = Secret::from_bytes(plain.to_vec()).map_err(|_| cells.undecodable("sealed"))?;
    Ok(Opened { holder, kind, name, secret })
}

/// Puts values of the same name together; they come in order.
pub(crate) fn by_name(opened: impl IntoIterator<Item = Opened>) -> Vec<(String, Vec<Secret>)> {
    let mut named: Vec<(String, Vec<Secret>)> = Vec::new();
    for Opened { name, secret, .. } in opened {
        match named.last_mut() {
            Some((last, values)) if *last == name => values.push(secret),
            _ => named.push((name, vec![secret])),
        }
    }
    named
}
