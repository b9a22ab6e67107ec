//! Commit 1: events as they are logged.

use hookyard_model::event::EventStatus;
use hookyard_model::instant::Instant;
use hookyard_model::limits;

use super::kinds::{Kinds, NewKinds};
use crate::db::{Bulk, Tx, Value};
use crate::{Claim, LoggedEvent, StoreError};

static EVENT_LOG: Bulk = Bulk::new(
    "-- event_log()
    INSERT INTO events (
        tenant_id, event_id, account_id, provider, event_type, kind, provider_event_id, occurred_at, received_at,
        received_by, status, due_at, tries, payload
    )
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    14,
);

/// Inserts all of them; an id that is there already stays as it is.
pub(super) async fn write<'a>(
    tx: &mut Tx,
    events: &[&'a LoggedEvent],
    now: Instant,
    kinds: &Kinds,
    new_kinds: &mut NewKinds<'a>,
) -> Result<(), StoreError> {
    let mut values = Vec::with_capacity(events.len().saturating_mul(14));
    for LoggedEvent { event, claim } in events {
        let kind = kinds.note(new_kinds, (event.tenant, event.account), (&event.provider, &event.event_type));
        let (due_at, tries) = match claim {
            Claim::BornClaimed => (now.plus(limits::LEASE), 1_i64),
            Claim::Due => (now, 0),
        };
        values.extend([
            event.tenant.into(),
            event.id.into(),
            event.account.into(),
            event.provider.as_str().into(),
            event.event_type.as_str().into(),
            kind.into(),
            Value::free_text_or_null(event.provider_event_id.as_deref()),
            event.occurred_at.into(),
            event.received_at.into(),
            Value::json(&event.received_by),
            EventStatus::Received.as_str().into(),
            due_at.into(),
            tries.into(),
            Value::free_text(&event.payload),
        ]);
    }
    EVENT_LOG.execute(tx, values).await?;
    Ok(())
}
