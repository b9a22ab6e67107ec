//! What runs bring about: what they remember, the events that they emit, what they change of leads, and pushes.
//!
//! All of it goes into the transaction that ends the run. A run that was over before it had a row gets its row and
//! its journal here as well.

use std::collections::{BTreeMap, BTreeSet};

use hookyard_model::id::{LeadId, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::lead::CleanLead;
use hookyard_model::run::change_lead;

use super::kinds::{Kinds, NewKinds};
use super::log;
use super::run_rows::write_finished;
use super::settle_push::insert_pushes;
use super::state::{States, Touch};
use crate::db::{Bulk, Tx, Value};
use crate::{EventEnd, EventSettlement, FinishedRun, LeadChange, LoggedEvent, RunEffects, RunNext, RunSettlement};
use crate::{Settled, StoreError};

static LEAD_LOCK: Bulk = Bulk::locking(
    "-- lead_lock()
    WITH wanted (at_tenant, at_lead) AS (VALUES {rows})
    SELECT tenant_id, lead_id, lead
    FROM wanted CROSS JOIN leads
    WHERE tenant_id = at_tenant AND lead_id = at_lead",
    2,
    "leads",
);

static LEAD_CHANGE: Bulk = Bulk::new(
    "-- lead_change()
    WITH changed (at_tenant, at_lead, new_lead) AS (VALUES {rows})
    UPDATE leads
    SET lead = new_lead
    FROM changed
    WHERE tenant_id = at_tenant AND lead_id = at_lead",
    3,
);

/// A run whose effects go into the transaction.
pub(super) enum Ended<'a> {
    /// It was claimed, and has succeeded.
    Claimed(&'a RunSettlement, &'a RunEffects),
    /// It was over before it had a row.
    Finished {
        run: &'a FinishedRun,
        /// Whether one of its id may be there already.
        again: bool,
        /// Whether it changes its lead here; a run of stage `before` has done so in its event's items.
        with_lead: bool,
    },
}

impl<'a> Ended<'a> {
    /// Nothing where it has not succeeded.
    pub(super) fn claimed(settlement: &'a RunSettlement) -> Option<Self> {
        match &settlement.next {
            RunNext::Succeeded(effects) => Some(Self::Claimed(settlement, effects)),
            RunNext::Waits { .. } | RunNext::Failed => None,
        }
    }

    /// Runs of stage `before`, without those that ran for what turned out to be a duplicate.
    pub(super) fn before(settlement: &'a EventSettlement, settled: &Settled) -> Vec<Self> {
        let Settled::Done { duplicates } = settled else { return vec![] };
        let duplicate = |run: &&FinishedRun| match &settlement.end {
            EventEnd::Understood { items, .. } => {
                items.iter().zip(duplicates).any(|(item, duplicate)| *duplicate && item.id == run.run.event)
            }
            EventEnd::Later { .. } | EventEnd::Failed { .. } => false,
        };
        let again = settlement.tries > 1;
        let kept = settlement.before.iter().filter(|run| !duplicate(run));
        kept.map(|run| Self::Finished { run, again, with_lead: false }).collect()
    }

    fn effects(&self) -> &'a RunEffects {
        match self {
            Self::Claimed(_, effects) => effects,
            Self::Finished { run, .. } => &run.effects,
        }
    }

    fn touch(&self) -> Option<Touch<'a>> {
        match self {
            Self::Claimed(settlement, _) => Touch::of_settlement(settlement),
            Self::Finished { run, .. } => Touch::of_finished(run),
        }
    }

    fn lead(&self) -> Option<(TenantId, &'a LeadChange)> {
        let tenant = match self {
            Self::Claimed(settlement, _) => settlement.tenant,
            Self::Finished { run, with_lead: true, .. } => run.run.tenant,
            Self::Finished { with_lead: false, .. } => return None,
        };
        self.effects().lead.as_ref().map(|lead| (tenant, lead))
    }
}

/// Writes the effects of all of them, in the order of their decisions.
pub(super) async fn write<'a>(
    tx: &mut Tx,
    states: &States<'a>,
    ended: &[Ended<'a>],
    now: Instant,
    (kinds, new_kinds): (&Kinds, &mut NewKinds<'a>),
) -> Result<(), StoreError> {
    if ended.is_empty() {
        return Ok(());
    }
    let touches: Vec<Touch<'a>> = ended.iter().filter_map(Ended::touch).collect();
    states.write(tx, &touches).await?;
    let (mut finished, mut again) = (Vec::new(), Vec::new());
    for one in ended {
        if let Ended::Finished { run, again: was_there, .. } = one {
            finished.push(*run);
            again.extend(was_there.then_some(*run));
        }
    }
    write_finished(tx, &finished, &again, now).await?;
    let emitted: Vec<&'a LoggedEvent> = ended.iter().flat_map(|ended| &ended.effects().events).collect();
    log::write(tx, &emitted, now, kinds, new_kinds).await?;
    change_leads(tx, ended.iter().filter_map(Ended::lead).collect()).await?;
    insert_pushes(tx, ended.iter().flat_map(|ended| &ended.effects().pushes), now).await
}

/// Changes leads as they stand, locked; of several changes to one, each builds on the one before.
async fn change_leads(tx: &mut Tx, changes: Vec<(TenantId, &LeadChange)>) -> Result<(), StoreError> {
    let wanted: BTreeSet<(TenantId, LeadId)> = changes.iter().map(|(tenant, change)| (*tenant, change.lead)).collect();
    let values = wanted.into_iter().flat_map(|(tenant, lead)| [Value::from(tenant), Value::from(lead)]).collect();
    let mut leads: BTreeMap<(TenantId, LeadId), CleanLead> = BTreeMap::new();
    for row in LEAD_LOCK.rows(tx, values).await? {
        let mut cells = row.cells("leads");
        leads.insert((cells.id("tenant_id")?, cells.id("lead_id")?), cells.json("lead")?);
    }
    for (tenant, change) in changes {
        if let Some(lead) = leads.get_mut(&(tenant, change.lead)) {
            change_lead(lead, &change.changes, change.default_country.as_deref());
        }
    }
    let changed = leads.iter().flat_map(|((tenant, id), lead)| [(*tenant).into(), (*id).into(), Value::json(lead)]);
    LEAD_CHANGE.execute(tx, changed.collect()).await?;
    Ok(())
}
