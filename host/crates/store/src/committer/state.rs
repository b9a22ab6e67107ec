//! What flows remember, checked and written under the locks of the flows' rows.
//!
//! A run decides on what it read, so what it read must still stand there when its decision is committed. All flows
//! whose state a transaction touches are locked before anything else, in one order; from then on nobody else changes
//! their state, absent keys included. The runs of a batch are checked one after the other, each against what the ones
//! before it leave behind. A run whose reads are stale is left out of the transaction, and so cannot spoil it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use hookyard_model::id::{EventId, FlowId, RunId, TenantId};
use hookyard_model::limits;
use hookyard_model::run::Write;

use super::batch::Care;
use crate::db::{Bulk, Tx, Value};
use crate::{EventSettlement, FinishedRun, RunEffects, RunNext, RunSettled, RunSettlement, Settled, StoreError};

static FLOW_LOCK: Bulk = Bulk::locking(
    "-- flow_lock()
    WITH wanted (at_tenant, at_flow) AS (VALUES {rows})
    SELECT tenant_id, flow_id, state_keys
    FROM wanted CROSS JOIN flows
    WHERE tenant_id = at_tenant AND flow_id = at_flow",
    2,
    "flows",
);

static STATE_OWNERS: Bulk = Bulk::new(
    "-- state_owners()
    WITH wanted (at_tenant, at_flow, at_key) AS (VALUES {rows})
    SELECT tenant_id, flow_id, key, written_by
    FROM wanted CROSS JOIN flow_state
    WHERE tenant_id = at_tenant AND flow_id = at_flow AND key = at_key",
    3,
);

static STATE_CLEAR: Bulk = Bulk::new(
    "-- state_clear()
    WITH gone (gone_tenant, gone_flow, gone_key) AS (VALUES {rows})
    DELETE FROM flow_state
    WHERE (tenant_id, flow_id, key) IN (SELECT gone_tenant, gone_flow, gone_key FROM gone)",
    3,
);

static STATE_PUT: Bulk = Bulk::new(
    "-- state_put()
    INSERT INTO flow_state (tenant_id, flow_id, key, value, written_by)
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    5,
);

static STATE_COUNT: Bulk = Bulk::new(
    "-- state_count()
    WITH counted (at_tenant, at_flow, new_count) AS (VALUES {rows})
    UPDATE flows
    SET state_keys = new_count
    FROM counted
    WHERE tenant_id = at_tenant AND flow_id = at_flow",
    3,
);

static EVENT_CLAIMS: Bulk = Bulk::locking(
    "-- event_claims()
    WITH wanted (at_tenant, at_event, at_tries) AS (VALUES {rows})
    SELECT event_id, tries
    FROM wanted CROSS JOIN events
    WHERE tenant_id = at_tenant AND event_id = at_event AND tries = at_tries AND due_at IS NOT NULL",
    3,
    "events",
);

static RUN_CLAIMS: Bulk = Bulk::locking(
    "-- run_claims()
    WITH wanted (at_tenant, at_run, at_tries) AS (VALUES {rows})
    SELECT run_id, tries
    FROM wanted CROSS JOIN runs
    WHERE tenant_id = at_tenant AND run_id = at_run AND tries = at_tries AND due_at IS NOT NULL",
    3,
    "runs",
);

/// Whether a change goes into the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It does, as far as the state goes.
    Fits,
    /// Its claim is no longer the one.
    Lost,
    /// These keys were changed by others.
    Stale(Vec<String>),
    /// The flow remembers too much.
    Full,
}

/// A run whose decision rests on its flow's state, or changes it.
pub(super) struct Touch<'a> {
    tenant: TenantId,
    flow: FlowId,
    run: RunId,
    effects: &'a RunEffects,
}

/// A key of state, and whose it is.
type Key<'a> = (TenantId, FlowId, &'a str);

/// The state that a transaction has locked.
#[derive(Default)]
pub(super) struct States<'a> {
    /// How many keys each flow has; a flow that is gone has no entry.
    counts: HashMap<(TenantId, FlowId), i64>,
    /// Who wrote what the table holds.
    stored: HashMap<(TenantId, FlowId, String), RunId>,
    /// Who wrote what it will hold, as far as it was changed.
    changed: HashMap<Key<'a>, Option<RunId>>,
    /// How many keys each flow will have.
    will_count: HashMap<(TenantId, FlowId), i64>,
}

/// What the state says to each change of a batch.
pub(super) struct Plan<'a> {
    pub(super) events: Vec<Verdict>,
    pub(super) runs: Vec<Verdict>,
    pub(super) records: Vec<Verdict>,
    pub(super) states: States<'a>,
}

impl<'a> Touch<'a> {
    /// Nothing where it rests on no state.
    pub(super) fn of_settlement(settlement: &'a RunSettlement) -> Option<Self> {
        let RunNext::Succeeded(effects) = &settlement.next else { return None };
        Self::of((settlement.tenant, settlement.flow, settlement.run), effects)
    }

    pub(super) fn of_finished(finished: &'a FinishedRun) -> Option<Self> {
        let run = &finished.run;
        Self::of((run.tenant, run.flow, run.id), &finished.effects)
    }

    fn of((tenant, flow, run): (TenantId, FlowId, RunId), effects: &'a RunEffects) -> Option<Self> {
        let touches = !effects.reads.is_empty() || !effects.writes.is_empty();
        touches.then_some(Self { tenant, flow, run, effects })
    }

    fn key(&self, key: &'a str) -> Key<'a> {
        (self.tenant, self.flow, key)
    }

    fn keys(&self) -> impl Iterator<Item = &'a str> {
        let reads = self.effects.reads.iter().map(|(key, _)| key.as_str());
        reads.chain(self.effects.writes.iter().map(|write| write.key.as_str()))
    }
}

/// Locks the state that the batch touches, and asks it about each change.
pub(super) async fn plan<'a>(
    tx: &mut Tx,
    (events, runs, records): (&[&'a EventSettlement], &[&'a RunSettlement], &[&'a FinishedRun]),
    care: Care,
) -> Result<Plan<'a>, StoreError> {
    let of_events: Vec<Vec<Touch<'a>>> =
        events.iter().map(|settlement| settlement.before.iter().filter_map(Touch::of_finished).collect()).collect();
    let of_runs: Vec<Option<Touch<'a>>> = runs.iter().map(|run| Touch::of_settlement(run)).collect();
    let of_records: Vec<Option<Touch<'a>>> = records.iter().map(|run| Touch::of_finished(run)).collect();
    let all = || of_events.iter().flatten().chain(of_runs.iter().flatten()).chain(of_records.iter().flatten());
    let mut states = States::open(tx, all().collect()).await?;
    let mut event_verdicts = vec![Verdict::Fits; events.len()];
    let mut run_verdicts = vec![Verdict::Fits; runs.len()];
    let event_claim = |at: usize| events.get(at).map(|one| (one.tenant, one.event, one.tries));
    let run_claim = |at: usize| runs.get(at).map(|one| (one.tenant, one.run, one.tries));
    // What will not be committed must not count against its neighbours.
    if care == Care::Much {
        let asking = of_events.iter().enumerate().filter(|(_, touches)| !touches.is_empty()).map(|(at, _)| at);
        lose_events(tx, asking.collect(), event_claim, &mut event_verdicts).await?;
        let asking = of_runs.iter().enumerate().filter(|(_, touch)| touch.is_some()).map(|(at, _)| at);
        lose_runs(tx, asking.collect(), run_claim, &mut run_verdicts).await?;
    }
    for (verdict, touches) in
        event_verdicts.iter_mut().zip(&of_events).filter(|(verdict, _)| **verdict == Verdict::Fits)
    {
        *verdict = states.take(touches);
    }
    for (verdict, touch) in run_verdicts.iter_mut().zip(&of_runs).filter(|(verdict, _)| **verdict == Verdict::Fits) {
        *verdict = states.take(touch.as_slice());
    }
    let record_verdicts = of_records.iter().map(|touch| states.take(touch.as_slice())).collect();
    // Whose claim has passed is told that, and nothing else.
    if care == Care::Little {
        let unfit = |verdicts: &[Verdict]| -> Vec<usize> {
            verdicts.iter().enumerate().filter(|(_, verdict)| **verdict != Verdict::Fits).map(|(at, _)| at).collect()
        };
        lose_events(tx, unfit(&event_verdicts), event_claim, &mut event_verdicts).await?;
        lose_runs(tx, unfit(&run_verdicts), run_claim, &mut run_verdicts).await?;
    }
    Ok(Plan { events: event_verdicts, runs: run_verdicts, records: record_verdicts, states })
}

/// Marks those of `asking` whose claims are no longer the ones; of one claim that is settled twice, the second.
async fn lose_events(
    tx: &mut Tx,
    asking: Vec<usize>,
    claim: impl Fn(usize) -> Option<(TenantId, EventId, u32)>,
    verdicts: &mut [Verdict],
) -> Result<(), StoreError> {
    let claims: Vec<_> = asking.iter().filter_map(|at| claim(*at)).collect();
    let values = claims.iter().flat_map(|(tenant, id, tries)| [(*tenant).into(), (*id).into(), Value::from(*tries)]);
    let mut held: HashSet<(EventId, u32)> = HashSet::new();
    for row in EVENT_CLAIMS.rows(tx, values.collect()).await? {
        let mut cells = row.cells("events");
        held.insert((cells.id("event_id")?, cells.count("tries")?));
    }
    lose(asking.into_iter().zip(claims).map(|(at, (_, id, tries))| (at, held.remove(&(id, tries)))), verdicts);
    Ok(())
}

/// As [`lose_events`].
async fn lose_runs(
    tx: &mut Tx,
    asking: Vec<usize>,
    claim: impl Fn(usize) -> Option<(TenantId, RunId, u32)>,
    verdicts: &mut [Verdict],
) -> Result<(), StoreError> {
    let claims: Vec<_> = asking.iter().filter_map(|at| claim(*at)).collect();
    let values = claims.iter().flat_map(|(tenant, id, tries)| [(*tenant).into(), (*id).into(), Value::from(*tries)]);
    let mut held: HashSet<(RunId, u32)> = HashSet::new();
    for row in RUN_CLAIMS.rows(tx, values.collect()).await? {
        let mut cells = row.cells("runs");
        held.insert((cells.id("run_id")?, cells.count("tries")?));
    }
    lose(asking.into_iter().zip(claims).map(|(at, (_, id, tries))| (at, held.remove(&(id, tries)))), verdicts);
    Ok(())
}

fn lose(asked: impl Iterator<Item = (usize, bool)>, verdicts: &mut [Verdict]) {
    for (at, held) in asked {
        if let Some(verdict) = verdicts.get_mut(at).filter(|_| !held) {
            *verdict = Verdict::Lost;
        }
    }
}

impl<'a> States<'a> {
    async fn open(tx: &mut Tx, touches: Vec<&Touch<'a>>) -> Result<Self, StoreError> {
        let mut states = Self::default();
        let flows: BTreeSet<(TenantId, FlowId)> = touches.iter().map(|touch| (touch.tenant, touch.flow)).collect();
        let values = flows.into_iter().flat_map(|(tenant, flow)| [Value::from(tenant), Value::from(flow)]).collect();
        for row in FLOW_LOCK.rows(tx, values).await? {
            let mut cells = row.cells("flows");
            let flow = (cells.id("tenant_id")?, cells.id("flow_id")?);
            states.counts.insert(flow, cells.int("state_keys")?);
        }
        states.will_count = states.counts.clone();
        // A statement of its own, behind the locks: it sees what the ones before them have committed.
        let keys: BTreeSet<Key<'a>> = touches.iter().flat_map(|touch| touch.keys().map(|key| touch.key(key))).collect();
        let values = keys.into_iter().flat_map(|(tenant, flow, key)| [tenant.into(), flow.into(), Value::from(key)]);
        for row in STATE_OWNERS.rows(tx, values.collect()).await? {
            let mut cells = row.cells("flow_state");
            let key = (cells.id("tenant_id")?, cells.id("flow_id")?, cells.text("key")?);
            states.stored.insert(key, cells.id("written_by")?);
        }
        Ok(states)
    }

    fn stored(&self, (tenant, flow, key): Key<'a>) -> Option<RunId> {
        self.stored.get(&(tenant, flow, key.to_owned())).copied()
    }

    fn written_by(&self, key: Key<'a>) -> Option<RunId> {
        self.changed.get(&key).copied().unwrap_or_else(|| self.stored(key))
    }

    /// Whether all of these fit behind what was taken so far; they are taken only together.
    fn take(&mut self, touches: &[Touch<'a>]) -> Verdict {
        let before = match touches {
            [] => return Verdict::Fits,
            [alone] => return self.take_one(alone),
            _ => (self.changed.clone(), self.will_count.clone()),
        };
        let verdict = touches.iter().map(|touch| self.take_one(touch)).find(|verdict| *verdict != Verdict::Fits);
        if verdict.is_some() {
            (self.changed, self.will_count) = before;
        }
        verdict.unwrap_or(Verdict::Fits)
    }

    /// Changes nothing where it does not fit.
    fn take_one(&mut self, touch: &Touch<'a>) -> Verdict {
        // A flow that is gone remembers nothing, and nothing is written for it.
        let Some(count) = self.will_count.get(&(touch.tenant, touch.flow)).copied() else { return Verdict::Fits };
        let stale = |(key, read): &&(String, Option<RunId>)| {
            let now = self.written_by(touch.key(key));
            // Its own writing is there where the transaction is made again because nobody knew how it had ended.
            now != *read && now != Some(touch.run)
        };
        let stale: Vec<String> = touch.effects.reads.iter().filter(stale).map(|(key, _)| key.clone()).collect();
        if !stale.is_empty() {
            return Verdict::Stale(stale);
        }
        let last_writes: BTreeMap<&'a str, bool> =
            touch.effects.writes.iter().map(|write| (write.key.as_str(), write.value.is_some())).collect();
        let grown = last_writes.iter().fold(count, |count, (key, stays)| {
            let was = self.written_by(touch.key(key)).is_some();
            count.saturating_add(i64::from(*stays)).saturating_sub(i64::from(was))
        });
        if grown > count && grown > i64::from(limits::STATE_KEYS_PER_FLOW_MAX) {
            return Verdict::Full;
        }
        self.will_count.insert((touch.tenant, touch.flow), grown);
        for (key, stays) in last_writes {
            self.changed.insert(touch.key(key), stays.then_some(touch.run));
        }
        Verdict::Fits
    }

    /// Writes what these leave behind, one after the other.
    pub(super) async fn write(&self, tx: &mut Tx, touches: &[Touch<'a>]) -> Result<(), StoreError> {
        let mut last: BTreeMap<Key<'a>, (&'a Write, RunId)> = BTreeMap::new();
        for touch in touches.iter().filter(|touch| self.counts.contains_key(&(touch.tenant, touch.flow))) {
            let writes = touch.effects.writes.iter();
            last.extend(writes.map(|write| (touch.key(&write.key), (write, touch.run))));
        }
        let mut counts: BTreeMap<(TenantId, FlowId), i64> = BTreeMap::new();
        let (mut cleared, mut put) = (Vec::new(), Vec::new());
        for (key, (write, run)) in last {
            let was = self.stored(key).is_some();
            let (tenant, flow, name) = key;
            let grown = i64::from(write.value.is_some()).saturating_sub(i64::from(was));
            let count = counts.entry((tenant, flow)).or_default();
            *count = count.saturating_add(grown);
            if was {
                cleared.extend([tenant.into(), flow.into(), Value::from(name)]);
            }
            if let Some(value) = &write.value {
                put.extend([tenant.into(), flow.into(), name.into(), value.as_slice().into(), Value::from(run)]);
            }
        }
        STATE_CLEAR.execute(tx, cleared).await?;
        STATE_PUT.execute(tx, put).await?;
        let grown = counts.into_iter().filter(|(_, grown)| *grown != 0);
        let values = grown.flat_map(|((tenant, flow), grown)| {
            let count = self.counts.get(&(tenant, flow)).copied().unwrap_or_default().saturating_add(grown);
            [tenant.into(), flow.into(), Value::from(count)]
        });
        STATE_COUNT.execute(tx, values.collect()).await?;
        Ok(())
    }
}

impl From<Verdict> for Settled {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Fits => Self::Done { duplicates: vec![] },
            Verdict::Lost => Self::Lost,
            Verdict::Stale(keys) => Self::Stale(keys),
            Verdict::Full => Self::Full,
        }
    }
}

impl From<Verdict> for RunSettled {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Fits => Self::Done,
            Verdict::Lost => Self::Lost,
            Verdict::Stale(keys) => Self::Stale(keys),
            Verdict::Full => Self::Full,
        }
    }
}
