//! Commit 3: attempts, and what follows from them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use hookyard_model::delivery::{DeliveryStatus, Next};
use hookyard_model::id::DeliveryId;
use hookyard_model::subscription::SubscriptionStatus;

use super::batch::{Broken, Care};
use crate::db::{Bulk, Tx, Value};
use crate::store::config_bump;
use crate::{DeliverySettlement, StoreError};

const DELIVERY_SETTLE_TEXT: &str = "-- delivery_settle()
    WITH settled (
        at_tenant, at_delivery, at_tries, new_status, new_due_at, new_attempts, new_last_status, new_last_error
    ) AS (VALUES {rows})
    UPDATE deliveries
    SET status = new_status, due_at = new_due_at, attempts = COALESCE(new_attempts, attempts),
        last_status = new_last_status, last_error = new_last_error
    FROM settled
    WHERE tenant_id = at_tenant AND delivery_id = at_delivery AND tries = at_tries AND due_at IS NOT NULL";
static DELIVERY_SETTLE: Bulk = Bulk::new(DELIVERY_SETTLE_TEXT, 8);
/// `RETURNING` cannot say whose column it means, on SQLite; hence the names of the settled ones.
static DELIVERY_SETTLE_EACH: Bulk = Bulk::with_suffix(DELIVERY_SETTLE_TEXT, 8, "\n    RETURNING delivery_id, tries");

static ATTEMPT_INSERT: Bulk = Bulk::new(
    "-- attempt_insert()
    INSERT INTO attempts (
        tenant_id, delivery_id, number, started_at, status, error, detail, request_headers, response_headers,
        response_body, response_truncated, address, timings
    )
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    13,
);

/// Settles all of them; for each, whether its claim held. Where not all do, it takes `care` to say which.
pub(super) async fn write(tx: &mut Tx, settlements: &[&DeliverySettlement], care: Care) -> Result<Vec<bool>, Broken> {
    if settlements.is_empty() {
        return Ok(vec![]);
    }
    let held = fence(tx, settlements, care).await?;
    let settled = || settlements.iter().zip(&held).filter(|(_, held)| **held).map(|(settlement, _)| *settlement);
    ATTEMPT_INSERT.execute(tx, settled().filter_map(attempt).flatten().collect()).await?;
    let mut disabled = false;
    for settlement in settled().filter(|settlement| settlement.next == Next::DeadAndDisable) {
        disable(tx, settlement).await?;
        disabled = true;
    }
    if disabled {
        config_bump(tx).await?;
    }
    Ok(held)
}

/// Which claims hold. Nearly always all of them, and then their number says so.
async fn fence(tx: &mut Tx, settlements: &[&DeliverySettlement], care: Care) -> Result<Vec<bool>, Broken> {
    let mut values = Vec::with_capacity(settlements.len().saturating_mul(8));
    let mut waiting: HashMap<(DeliveryId, u32), usize> = HashMap::with_capacity(settlements.len());
    for (at, settlement) in settlements.iter().enumerate() {
        // The same claim settled twice is settled once.
        let Entry::Vacant(entry) = waiting.entry((settlement.delivery, settlement.tries)) else { continue };
        entry.insert(at);
        let (status, due_at) = match &settlement.next {
            Next::Delivered => (DeliveryStatus::Delivered, None),
            Next::RetryAt(at) => (DeliveryStatus::Pending, Some(*at)),
            Next::Skipped(_) => (DeliveryStatus::Skipped, None),
            Next::Dead | Next::DeadAndDisable => (DeliveryStatus::Dead, None),
        };
        let attempt = settlement.attempt.as_ref();
        values.extend([
            settlement.tenant.into(),
            settlement.delivery.into(),
            settlement.tries.into(),
            status.as_str().into(),
            due_at.into(),
            attempt.map(|attempt| attempt.number).into(),
            attempt.and_then(|attempt| attempt.status).map(u32::from).into(),
            Value::free_text_or_null(last_error(settlement)),
        ]);
    }
    if care == Care::Little {
        let count = DELIVERY_SETTLE.execute(tx, values).await?;
        let all = usize::try_from(count).is_ok_and(|count| count == settlements.len());
        return if all { Ok(vec![true; settlements.len()]) } else { Err(Broken::Short) };
    }
    let mut held = vec![false; settlements.len()];
    for row in DELIVERY_SETTLE_EACH.rows(tx, values).await? {
        let mut cells = row.cells("deliveries");
        let claim = (cells.id("delivery_id")?, cells.count("tries")?);
        if let Some(held) = waiting.get(&claim).and_then(|at| held.get_mut(*at)) {
            *held = true;
        }
    }
    Ok(held)
}

/// The attempt's error; without an attempt, why there was none.
fn last_error(settlement: &DeliverySettlement) -> Option<&str> {
    match (&settlement.next, &settlement.attempt) {
        (Next::Skipped(why), _) => Some(why),
        (_, Some(attempt)) => attempt.error.as_deref(),
        (_, None) => settlement.reason.as_deref(),
    }
}

fn attempt(settlement: &DeliverySettlement) -> Option<[Value; 13]> {
    let attempt = settlement.attempt.as_ref()?;
    Some([
        settlement.tenant.into(),
        settlement.delivery.into(),
        attempt.number.into(),
        attempt.started_at.into(),
        attempt.status.map(u32::from).into(),
        Value::free_text_or_null(attempt.error.as_deref()),
        Value::free_text_or_null(attempt.detail.as_deref()),
        Value::free_text(&attempt.request_headers),
        Value::free_text(&attempt.response_headers),
        attempt.response_body.as_slice().into(),
        attempt.response_truncated.into(),
        attempt.address.as_deref().into(),
        Value::json(&attempt.timings),
    ])
}

/// The receiver wants nothing more.
async fn disable(tx: &mut Tx, settlement: &DeliverySettlement) -> Result<(), StoreError> {
    let sql = "-- subscription_disable_gone()
        UPDATE subscriptions
        SET status = $3, status_reason = $4
        WHERE tenant_id = $1 AND subscription_id = $2 AND status = $5";
    let (to, from) = (SubscriptionStatus::Disabled.as_str(), SubscriptionStatus::Active.as_str());
    let reason = Value::free_text("its receiver answered 410 Gone");
    let values = vec![settlement.tenant.into(), settlement.subscription.into(), to.into(), reason, from.into()];
    tx.execute(sql, values).await?;
    Ok(())
}
