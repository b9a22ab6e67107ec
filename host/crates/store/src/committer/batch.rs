//! One transaction's worth of changes, from its making to its answers.
//!
//! When the transaction fails, why decides what follows. A lost connection, or a lost race between nodes: again, a
//! few times; every change may be made twice, because ids are primary keys and claims are numbered. A change that
//! the database refuses: each by itself, so that one bad change fails alone. A file that cannot be trusted: nothing.

use std::time::{Duration, Instant as Stopwatch};

use super::kinds::NewKinds;
use super::{Answer, Change, Context, log, settle_delivery, settle_event};
use crate::db::Dialect;
use crate::{Claim, DeliverySettlement, EventEnd, EventSettlement, LoggedEvent, Settled, StoreError};
use hookyard_model::delivery::Next;

/// Tries of one transaction on PostgreSQL.
const TRIES_MAX: u32 = 4;
/// No new try begins after this long: an ingesting request is answered before its sender gives up.
const TRIES_FOR: Duration = Duration::from_millis(1_500);

/// Changes that become one transaction.
#[derive(Debug, Default)]
pub(super) struct Batch {
    logs: Vec<(Vec<LoggedEvent>, Answer<()>)>,
    events: Vec<(Box<EventSettlement>, Answer<Settled>)>,
    deliveries: Vec<(Box<DeliverySettlement>, Answer<bool>)>,
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
    deliveries: Vec<bool>,
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
            Change::SettleDelivery(settlement, answer) => self.deliveries.push((settlement, answer)),
        }
    }

    pub(super) fn changes(&self) -> usize {
        self.logs.len().saturating_add(self.events.len()).saturating_add(self.deliveries.len())
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Commits and answers. Whatever happens, everybody is answered.
    pub(super) async fn commit(mut self, context: &Context) {
        // Rows are locked in one order by all nodes, so that two transactions do not wait for each other.
        self.events.sort_by_key(|(settlement, _)| settlement.event);
        self.deliveries.sort_by_key(|(settlement, _)| settlement.delivery);
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
        let logged: Vec<&LoggedEvent> = self.logs.iter().flat_map(|(events, _)| events).collect();
        log::write(&mut tx, &logged, now, &context.kinds, &mut kinds).await?;
        let settlements: Vec<&EventSettlement> = self.events.iter().map(|(settlement, _)| &**settlement).collect();
        let events = settle_event::write(&mut tx, &settlements, care, now, (&context.kinds, &mut kinds)).await?;
        let settlements: Vec<&DeliverySettlement> =
            self.deliveries.iter().map(|(settlement, _)| &**settlement).collect();
        let deliveries = settle_delivery::write(&mut tx, &settlements, care).await?;
        kinds.write(&mut tx).await?;
        tx.commit().await?;
        context.kinds.remember(&kinds);
        Ok(Answers { events, deliveries })
    }

    /// Somebody who no longer waits is no error: the change is made all the same.
    fn answer(self, answers: Answers, context: &Context) {
        let due = |event: &LoggedEvent| event.claim == Claim::Due;
        let some_due = self.logs.iter().flat_map(|(events, _)| events).any(due)
            || self.events.iter().any(|(settlement, _)| leaves_deliveries_due(settlement));
        let some_disabled = self.deliveries.iter().any(|(settlement, _)| settlement.next == Next::DeadAndDisable);
        for (_, answer) in self.logs {
            let _ = answer.send(Ok(()));
        }
        for ((_, answer), settled) in self.events.into_iter().zip(answers.events) {
            let _ = answer.send(Ok(settled));
        }
        for ((_, answer), held) in self.deliveries.into_iter().zip(answers.deliveries) {
            let _ = answer.send(Ok(held));
        }
        if some_due {
            context.signals.work();
        }
        if some_disabled {
            context.signals.config();
        }
    }

    fn fail(self, error: &StoreError) {
        for (_, answer) in self.logs {
            let _ = answer.send(Err(error.clone()));
        }
        for (_, answer) in self.events {
            let _ = answer.send(Err(error.clone()));
        }
        for (_, answer) in self.deliveries {
            let _ = answer.send(Err(error.clone()));
        }
    }

    fn split(self) -> impl Iterator<Item = Change> {
        let logs = self.logs.into_iter().map(|(events, answer)| Change::Log(events, answer));
        let events = self.events.into_iter().map(|(settlement, answer)| Change::SettleEvent(settlement, answer));
        let deliveries = self.deliveries.into_iter();
        let deliveries = deliveries.map(|(settlement, answer)| Change::SettleDelivery(settlement, answer));
        logs.chain(events).chain(deliveries)
    }
}

impl Change {
    /// Roughly what it brings.
    fn bytes(&self) -> usize {
        const ROW: usize = 512;
        match self {
            Self::Log(events, _) => {
                events.iter().fold(0, |sum, logged| sum.saturating_add(logged.event.payload.len()).saturating_add(ROW))
            }
            Self::SettleEvent(settlement, _) => match &settlement.end {
                EventEnd::Understood { items, .. } => items.iter().fold(ROW, |sum, item| {
                    let rows = item.deliveries.len().saturating_add(2).saturating_mul(ROW);
                    sum.saturating_add(item.data.len()).saturating_add(rows)
                }),
                EventEnd::Later { .. } | EventEnd::Failed { .. } => ROW,
            },
            Self::SettleDelivery(settlement, _) => settlement.attempt.response_body.len().saturating_add(ROW),
        }
    }
}

fn leaves_deliveries_due(settlement: &EventSettlement) -> bool {
    match &settlement.end {
        EventEnd::Understood { items, .. } => {
            items.iter().any(|item| item.claim == Claim::Due && !item.deliveries.is_empty())
        }
        EventEnd::Later { .. } | EventEnd::Failed { .. } => false,
    }
}
