//! One transaction's worth of changes, from its making to its answers.
//!
//! When the transaction fails, why decides what follows. A lost connection, or a lost race between nodes: again, a
//! few times; every change may be made twice, because ids are primary keys and claims are numbered. A change that
//! the database refuses: each by itself, so that one bad change fails alone. A file that cannot be trusted: nothing.

use std::time::{Duration, Instant as Stopwatch};

use hookyard_model::delivery::Next;

use super::effects::{self, Ended};
use super::kinds::NewKinds;
use super::state::{self, Verdict};
use super::{Answer, Change, Context, hints, log, settle_delivery, settle_event, settle_push, settle_run};
use crate::db::Dialect;
use crate::{DeliverySettlement, EventSettlement, FinishedRun, LoggedEvent, Moment, PushSettlement, RunSettled};
use crate::{RunSettlement, Settled, StoreError};

/// Tries of one transaction on PostgreSQL.
const TRIES_MAX: u32 = 4;
/// No new try begins after this long: an ingesting request is answered before its sender gives up.
const TRIES_FOR: Duration = Duration::from_millis(1_500);

/// Changes of one sort, each with who waits for it.
type Waiting<C, T> = Vec<(C, Answer<T>)>;

/// Changes that become one transaction.
#[derive(Debug, Default)]
pub(super) struct Batch {
    logs: Waiting<Vec<LoggedEvent>, ()>,
    events: Waiting<Box<EventSettlement>, Settled>,
    runs: Waiting<Box<RunSettlement>, RunSettled>,
    records: Waiting<Box<FinishedRun>, RunSettled>,
    deliveries: Waiting<Box<DeliverySettlement>, bool>,
    pushes: Waiting<Box<PushSettlement>, bool>,
    bytes: usize,
}

/// Whether a transaction finds out which claims were lost. Nearly none are, and asking costs a row for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Stop as soon as it is known that one was.
    Little,
    /// Find out.
    Much,
}

/// Why a transaction was given up.
pub(super) enum Broken {
    /// Some claim was lost.
    Short,
    Store(StoreError),
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a committed transaction says to each.
struct Answers {
    events: Vec<Settled>,
    runs: Vec<RunSettled>,
    records: Vec<RunSettled>,
    deliveries: Vec<bool>,
    pushes: Vec<bool>,
}

impl Batch {
    pub(super) fn of(change: Change) -> Self {
        let mut batch = Self::default();
        batch.push(change);
        batch
    }

    pub(super) fn push(&mut self, change: Change) {
        self.bytes = self.bytes.saturating_add(change.bytes());
        match change {
            Change::Log(events, answer) => self.logs.push((events, answer)),
            Change::SettleEvent(settlement, answer) => self.events.push((settlement, answer)),
            Change::SettleRun(settlement, answer) => self.runs.push((settlement, answer)),
            Change::RecordRun(run, answer) => self.records.push((run, answer)),
            Change::SettleDelivery(settlement, answer) => self.deliveries.push((settlement, answer)),
            Change::SettlePush(settlement, answer) => self.pushes.push((settlement, answer)),
        }
    }

    pub(super) fn changes(&self) -> usize {
        let [logs, events] = [self.logs.len(), self.events.len()];
        let [runs, records] = [self.runs.len(), self.records.len()];
        let [deliveries, pushes] = [self.deliveries.len(), self.pushes.len()];
        [logs, events, runs, records, deliveries, pushes].into_iter().fold(0, usize::saturating_add)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Commits and answers. Whatever happens, everybody is answered.
    pub(super) async fn commit(mut self, context: &Context) {
        // Rows are locked in one order by all nodes, so that two transactions do not wait for each other.
        self.events.sort_by_key(|(settlement, _)| settlement.event);
        self.runs.sort_by_key(|(settlement, _)| settlement.run);
        self.records.sort_by_key(|(run, _)| run.run.id);
        self.deliveries.sort_by_key(|(settlement, _)| settlement.delivery);
        self.pushes.sort_by_key(|(settlement, _)| settlement.push);
        match self.try_commit(context).await {
            Ok(answers) => self.answer(answers, context),
            Err(StoreError::Query(_) | StoreError::Undecodable { .. }) if self.changes() > 1 => {
                for change in self.split() {
                    let alone = Self::of(change);
                    match alone.try_commit(context).await {
                        Ok(answers) => alone.answer(answers, context),
                        Err(error) => alone.fail(&error),
                    }
                }
            }
            Err(error) => self.fail(&error),
        }
    }

    async fn try_commit(&self, context: &Context) -> Result<Answers, StoreError> {
        let started = Stopwatch::now();
        let (mut tries, mut care) = (1, Care::Little);
        loop {
            let error = match self.run(context, care).await {
                Ok(answers) => return Ok(answers),
                Err(Broken::Short) => {
                    care = Care::Much;
                    continue;
                }
                Err(Broken::Store(error)) => error,
            };
            let again = context.pool.dialect() == Dialect::Postgres
                && matches!(error, StoreError::Unavailable(_))
                && tries < TRIES_MAX
                && started.elapsed() < TRIES_FOR;
            if !again {
                return Err(error);
            }
            tracing::debug!(tries, changes = self.changes(), "a transaction is tried again");
            tokio::time::sleep(Duration::from_millis(20).saturating_mul(tries)).await;
            tries = tries.saturating_add(1);
        }
    }

    /// The transaction itself.
    async fn run(&self, context: &Context, care: Care) -> Result<Answers, Broken> {
        let mut tx = context.pool.begin().await?;
        let now = context.time.now();
        let mut kinds = NewKinds::default();
        let (all_events, all_runs, records) = (these(&self.events), these(&self.runs), these(&self.records));
        let plan = state::plan(&mut tx, (&all_events, &all_runs, &records), care).await?;
        let logged: Vec<&LoggedEvent> = self.logs.iter().flat_map(|(events, _)| events).collect();
        log::write(&mut tx, &logged, now, &context.kinds, &mut kinds).await?;
        let events = fitting(&all_events, &plan.events);
        let settled = settle_event::write(&mut tx, &events, care, now, (&context.kinds, &mut kinds)).await?;
        let runs = fitting(&all_runs, &plan.runs);
        let held = settle_run::write(&mut tx, &runs, care, now).await?;
        let ended = ended((&events, &settled), (&runs, &held), fitting(&records, &plan.records));
        effects::write(&mut tx, &plan.states, &ended, now, (&context.kinds, &mut kinds)).await?;
        let deliveries = settle_delivery::write(&mut tx, &these(&self.deliveries), care).await?;
        let pushes = settle_push::write(&mut tx, &these(&self.pushes), care).await?;
        kinds.write(&mut tx).await?;
        context.tell(Moment::BeforeCommit);
        tx.commit().await?;
        context.tell(Moment::AfterCommit);
        context.kinds.remember(&kinds);
        let of_run = |held| if held { RunSettled::Done } else { RunSettled::Lost };
        Ok(Answers {
            events: answers(plan.events, settled),
            runs: answers(plan.runs, held.into_iter().map(of_run)),
            records: answers(plan.records, std::iter::repeat(RunSettled::Done)),
            deliveries,
            pushes,
        })
    }

    /// Somebody who no longer waits is no error: the change is made all the same.
    fn answer(self, answers: Answers, context: &Context) {
        let now = context.time.now();
        let some_due = self.logs.iter().flat_map(|(events, _)| events).any(hints::is_due)
            || self.events.iter().any(|(settlement, _)| hints::of_event(settlement))
            || self.runs.iter().any(|(settlement, _)| hints::of_run(settlement, now))
            || self.records.iter().any(|(run, _)| hints::of_effects(&run.effects));
        let some_disabled = self.deliveries.iter().any(|(settlement, _)| settlement.next == Next::DeadAndDisable);
        tell(self.logs, std::iter::repeat(()));
        tell(self.events, answers.events);
        tell(self.runs, answers.runs);
        tell(self.records, answers.records);
        tell(self.deliveries, answers.deliveries);
        tell(self.pushes, answers.pushes);
        if some_due {
            context.signals.work();
        }
        if some_disabled {
            context.signals.config();
        }
    }

    fn fail(self, error: &StoreError) {
        refuse(self.logs, error);
        refuse(self.events, error);
        refuse(self.runs, error);
        refuse(self.records, error);
        refuse(self.deliveries, error);
        refuse(self.pushes, error);
    }

    fn split(self) -> impl Iterator<Item = Change> {
        let logs = self.logs.into_iter().map(|(events, answer)| Change::Log(events, answer));
        let events = self.events.into_iter().map(|(settlement, answer)| Change::SettleEvent(settlement, answer));
        let runs = self.runs.into_iter().map(|(settlement, answer)| Change::SettleRun(settlement, answer));
        let records = self.records.into_iter().map(|(run, answer)| Change::RecordRun(run, answer));
        let deliveries = self.deliveries.into_iter();
        let deliveries = deliveries.map(|(settlement, answer)| Change::SettleDelivery(settlement, answer));
        let pushes = self.pushes.into_iter().map(|(settlement, answer)| Change::SettlePush(settlement, answer));
        logs.chain(events).chain(runs).chain(records).chain(deliveries).chain(pushes)
    }
}

fn these<C, T>(waiting: &Waiting<Box<C>, T>) -> Vec<&C> {
    waiting.iter().map(|(change, _)| &**change).collect()
}

fn fitting<'a, C>(changes: &[&'a C], verdicts: &[Verdict]) -> Vec<&'a C> {
    changes.iter().zip(verdicts).filter(|(_, verdict)| **verdict == Verdict::Fits).map(|(change, _)| *change).collect()
}

/// All runs whose effects are committed: those of stage `before` come first, because their events do.
fn ended<'a>(
    (events, settled): (&[&'a EventSettlement], &[Settled]),
    (runs, held): (&[&'a RunSettlement], &[bool]),
    records: Vec<&'a FinishedRun>,
) -> Vec<Ended<'a>> {
    let before = events.iter().zip(settled).flat_map(|(event, settled)| Ended::before(event, settled));
    let held = runs.iter().zip(held).filter(|(_, held)| **held);
    let claimed = held.filter_map(|(settlement, _)| Ended::claimed(settlement));
    let records = records.into_iter().map(|run| Ended::Finished { run, again: true, with_lead: true });
    before.chain(claimed).chain(records).collect()
}

/// An answer for each: its verdict, or what the transaction made of it where it fitted.
fn answers<T: From<Verdict>>(verdicts: Vec<Verdict>, settled: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut settled = settled.into_iter();
    let answer = |verdict| match verdict {
        // There is one for each that fitted.
        Verdict::Fits => settled.next().unwrap_or_else(|| Verdict::Lost.into()),
        Verdict::Lost | Verdict::Stale(_) | Verdict::Full => verdict.into(),
    };
    verdicts.into_iter().map(answer).collect()
}

fn tell<C, T>(waiting: Waiting<C, T>, answers: impl IntoIterator<Item = T>) {
    for ((_, answer), said) in waiting.into_iter().zip(answers) {
        let _ = answer.send(Ok(said));
    }
}

fn refuse<C, T>(waiting: Waiting<C, T>, error: &StoreError) {
    for (_, answer) in waiting {
        let _ = answer.send(Err(error.clone()));
    }
}
