//! Kinds of events: a tenant's accounts and the types that come through each.
//!
//! A list that is filtered by type, provider or account goes by the kinds that fit, so one index serves all three.
//! A kind is written down when its first event is logged, and remembered here so that the others cost nothing.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use hookyard_model::id::{AccountId, TenantId};

use crate::StoreError;
use crate::db::{Bulk, Tx, Value};

/// Kinds that are remembered; beyond that memory starts afresh.
const KNOWN_MAX: usize = 65_536;

static KIND_LOG: Bulk = Bulk::new(
    "-- event_kind_log()
    INSERT INTO event_kinds (tenant_id, account_id, event_type, provider, kind)
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    5,
);

/// Whose, through which account, and its number.
type Kind = (TenantId, Option<AccountId>, i64);

/// The kinds that are known to be written down.
#[derive(Debug, Default)]
pub(super) struct Kinds(Mutex<HashSet<Kind>>);

/// Kinds that a transaction met and that are not known yet.
#[derive(Debug, Default)]
pub(super) struct NewKinds<'a> {
    seen: HashSet<Kind>,
    rows: Vec<(Kind, &'a str, Option<&'a str>)>,
}

/// A number for an account and a type: FNV-1a, stable for ever because rows hold it. Two kinds may share one; that
/// makes a page a little slower and not wrong.
pub(crate) fn kind_of(account: Option<AccountId>, event_type: &str) -> i64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let account = account.map(AccountId::text).unwrap_or_default();
    let hash = account.bytes().chain([0]).chain(event_type.bytes());
    let hash = hash.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    hash.cast_signed()
}

impl Kinds {
    /// The kind's number; where it is not known, it is added to `new`.
    pub(super) fn note<'a>(
        &self,
        new: &mut NewKinds<'a>,
        (tenant, account): (TenantId, Option<AccountId>),
        (provider, event_type): (Option<&'a str>, &'a str),
    ) -> i64 {
        let number = kind_of(account, event_type);
        let kind = (tenant, account, number);
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&kind);
        if !known && new.seen.insert(kind) {
            new.rows.push((kind, event_type, provider));
        }
        number
    }

    /// Call this when the transaction is committed, and not before.
    pub(super) fn remember(&self, new: &NewKinds<'_>) {
        if new.seen.is_empty() {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len().saturating_add(new.seen.len()) > KNOWN_MAX {
            known.clear();
        }
        known.extend(&new.seen);
    }
}

impl NewKinds<'_> {
    /// Writes them down.
    pub(super) async fn write(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let values = self.rows.iter().flat_map(|((tenant, account, kind), event_type, provider)| {
            let (account, provider) = (Value::or_empty(*account), Value::or_empty(*provider));
            [(*tenant).into(), account, (*event_type).into(), provider, Value::from(*kind)]
        });
        KIND_LOG.execute(tx, values.collect()).await?;
        Ok(())
    }
}
