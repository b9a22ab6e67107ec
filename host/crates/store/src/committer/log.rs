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
        received_by, status, due_at, tries, payload, caused_by, run_id, lead_id, depth
    )
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    18,
);

/// Inserts all of them; an id that is there already stays as it is.
pub(super) async fn write<'a>(
    tx: &mut Tx,
    events: &[&'a LoggedEvent],
    now: Instant,
    kinds: &Kinds,
    new_kinds: &mut NewKinds<'a>,
) -> Result<(), StoreError> {
    let mut values = Vec::with_capacity(events.len().saturating_mul(18));
    for LoggedEvent { event, claim } in events {
        let kind = kinds.note(new_kinds, (event.tenant, event.account), (event.provider.as_deref(), &event.event_type));
        let (due_at, tries) = match claim {
            Claim::BornClaimed => (now.plus(limits::LEASE), 1_i64),
            Claim::Due => (now, 0),
        };
        values.extend([
            event.tenant.into(),
            event.id.into(),
            Value::or_empty(event.account),
            Value::or_empty(event.provider.as_deref()),
            event.event_type.as_str().into(),
            kind.into(),
            Value::free_text_or_null(event.provider_event_id.as_deref()),
            event.occurred_at.into(),
            event.received_at.into(),
            Value::json_or_null(event.received_by.as_ref()),
            EventStatus::Received.as_str().into(),
            due_at.into(),
            tries.into(),
            Value::free_text(&event.payload),
        ]);
        let cause = event.cause.as_ref();
        values.extend([
            cause.map(|cause| cause.event).into(),
            cause.and_then(|cause| cause.run).into(),
            cause.and_then(|cause| cause.lead).into(),
            cause.map_or(0, |cause| cause.depth).into(),
        ]);
    }
    EVENT_LOG.execute(tx, values).await?;
    Ok(())
}
