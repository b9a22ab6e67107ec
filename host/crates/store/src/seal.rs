//! Sealing: what a secret looks like in a row.
//!
//! Every owner (a tenant, or the operator) has a random data key, which is stored wrapped under a key derived from
//! the master key. A secret is sealed by XChaCha20-Poly1305 under its owner's data key, and its place (table, owner,
//! holder, name, position, key) is authenticated with it: a sealed value that is copied to another row, tenant or
//! name does not open there. Nothing here knows what a secret is for.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hookyard_model::instant::Instant;
use zeroize::Zeroizing;

use crate::db::{Pool, Tx, Value};
use crate::master_key::MasterKey;
use crate::{OpenError, StoreError};

const NONCE_BYTES: usize = 24;
/// The key that every owner has. Another number will be another key, and old rows will still name this one.
const KEY_ID: i64 = 1;

/// Where a secret stands. Moving any part of it makes the secret unreadable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) owner: &'a str,
    pub(crate) holder: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
    pub(crate) position: i64,
    pub(crate) key_id: i64,
}

/// An owner's data key.
pub(crate) struct DataKey {
    pub(crate) id: i64,
    cipher: XChaCha20Poly1305,
}

/// The master key and the data keys that were needed so far.
pub(crate) struct Seals {
    master: MasterKey,
    wrap: XChaCha20Poly1305,
    known: RwLock<HashMap<String, Arc<DataKey>>>,
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl DataKey {
    pub(crate) fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        seal(&self.cipher, &place, plain)
    }

    /// Nothing where the value was not sealed here, at this place, under this key.
    pub(crate) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open(&self.cipher, &place, sealed)
    }
}

impl Seals {
    pub(crate) fn new(master: MasterKey) -> Self {
        let wrap = XChaCha20Poly1305::new((&*master.derive("wrap")).into());
        Self { master, wrap, known: RwLock::default() }
    }

    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        // A prefix of its own, so that nobody asks for the key that wraps.
        *self.master.derive(&format!("purpose/{purpose}"))
    }

    /// Opens the operator's data key, or makes it at the very first start.
    pub(crate) async fn check(&self, pool: &Pool, owner: &str, now: Instant) -> Result<(), OpenError> {
        let mut tx = pool.begin().await?;
        self.create(&mut tx, owner, now).await?;
        tx.commit().await?;
        match self.data_key(pool, owner).await {
            Ok(_) => Ok(()),
            Err(StoreError::Undecodable { .. }) => Err(OpenError::WrongMasterKey),
            Err(other) => Err(other.into()),
        }
    }

    /// Makes an owner's data key, unless it has one.
    pub(crate) async fn create(&self, tx: &mut Tx, owner: &str, now: Instant) -> Result<(), StoreError> {
        let mut key = Zeroizing::new([0; 32]);
        random(key.as_mut_slice())?;
        let wrapped = seal(&self.wrap, &wrap_place(owner, KEY_ID), key.as_slice())?;
        let values = vec![owner.into(), KEY_ID.into(), wrapped.into(), now.into()];
        tx.execute(
            "-- data_key_create()
            INSERT INTO data_keys (owner_id, key_id, wrapped, created_at)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT DO NOTHING",
            values,
        )
        .await?;
        Ok(())
    }

    /// An owner's data key; from memory after the first time.
    pub(crate) async fn data_key(&self, pool: &Pool, owner: &str) -> Result<Arc<DataKey>, StoreError> {
        if let Some(key) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(owner) {
            return Ok(Arc::clone(key));
        }
        let missing = || StoreError::Undecodable { table: "data_keys", column: "wrapped", row: owner.to_owned() };
        let sql = "-- data_key_get()
            SELECT owner_id, wrapped
            FROM data_keys
            WHERE owner_id = $1 AND key_id = $2";
        let row = pool.row(sql, vec![owner.into(), Value::from(KEY_ID)]).await?.ok_or_else(missing)?;
        let mut cells = row.cells("data_keys");
        cells.text("owner_id")?;
        let wrapped = cells.bytes("wrapped")?;
        let key = open(&self.wrap, &wrap_place(owner, KEY_ID), &wrapped).ok_or_else(missing)?;
        let cipher = XChaCha20Poly1305::new_from_slice(&key).map_err(|_| missing())?;
        let key = Arc::new(DataKey { id: KEY_ID, cipher });
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(owner.to_owned(), Arc::clone(&key));
        Ok(key)
    }
}

/// Fills `bytes` from the operating system.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), StoreError> {
    getrandom::fill(bytes).map_err(|error| StoreError::Unavailable(Arc::new(error)))
}

fn wrap_place(owner: &str, key_id: i64) -> Place<'_> {
    Place { table: "data_keys", owner, holder: "", kind: "", name: "", position: 0, key_id }
}

fn seal(cipher: &XChaCha20Poly1305, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut nonce = [0; NONCE_BYTES];
    random(&mut nonce)?;
    let aad = place.bytes();
    let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad });
    let sealed = sealed.map_err(|error| StoreError::Query(Arc::new(Unsealable(error))))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn open(cipher: &XChaCha20Poly1305, place: &Place<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let aad = place.bytes();
    cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &aad }).ok().map(Zeroizing::new)
}

#[derive(Debug, thiserror::Error)]
#[error("a secret could not be sealed: {0}")]
struct Unsealable(chacha20poly1305::aead::Error);

impl Place<'_> {
    /// Every part behind its length, so that no two places read the same.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(192);
        for part in [self.table, self.owner, self.holder, self.kind, self.name] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes.extend_from_slice(&self.position.to_be_bytes());
        bytes.extend_from_slice(&self.key_id.to_be_bytes());
        bytes
    }
}
