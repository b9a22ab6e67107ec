//! Pushes: leads on their way to destinations, and the attempts that each took.

mod claim;
mod read;

use hookyard_model::destination::Receipt;
use hookyard_model::id::{DestinationId, EventId, LeadId, PushId, RunId, TenantId};
use hookyard_model::instant::Instant;

use crate::{Store, StoreError};

/// A push as it is born: due at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPush {
    /// Its id.
    pub id: PushId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where to.
    pub destination: DestinationId,
    /// What.
    pub lead: LeadId,
    /// The event that it came of.
    pub event: Option<EventId>,
    /// The run that asked for it.
    pub run: Option<RunId>,
}

/// How far a push has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushStatus {
    /// Work is left.
    Pending,
    /// The destination holds it.
    Done,
    /// No more attempts, unless somebody asks for one.
    Dead,
}

impl PushStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Done, Self::Dead];

    /// As it stands in rows and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Done => "DONE",
            Self::Dead => "DEAD",
        }
    }

    /// Reads what a row or a query says.
    #[must_use]
    pub fn from_row(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A push that is claimed, with all that an attempt needs.
#[derive(Debug, Clone)]
pub struct ClaimedPush {
    /// Which one.
    pub push: NewPush,
    /// The claim's number: settling is refused where the row has moved on.
    pub tries: u32,
    /// Attempts that were made before this one.
    pub attempts: u32,
    /// What the last push of this lead that the destination took has brought back.
    pub previous: Option<Receipt>,
}

/// How an attempt of a push ended, and what follows.
#[derive(Debug, Clone)]
pub struct PushSettlement {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which one.
    pub push: PushId,
    /// The claim's number.
    pub tries: u32,
    /// What follows.
    pub next: PushNext,
    /// What happened.
    pub attempt: PushAttempt,
}

/// What follows an attempt of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushNext {
    /// The destination holds it.
    Done(Receipt),
    /// Again at this moment.
    RetryAt(Instant),
    /// No more attempts.
    Dead,
}

/// One try of a push, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushAttempt {
    /// From 1.
    pub number: u32,
    /// When it began.
    pub started_at: Instant,
    /// Whether the destination took it.
    pub ok: bool,
    /// A stable word where it did not.
    pub error: Option<String>,
    /// A sentence for people.
    pub detail: Option<String>,
    /// The guest's log lines, bounded.
    pub log: Vec<String>,
}

/// A push as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRow {
    /// What was born.
    pub push: NewPush,
    /// How far it has come.
    pub status: PushStatus,
    /// When it is tried next; none where it has ended.
    pub due_at: Option<Instant>,
    /// How often it was claimed.
    pub tries: u32,
    /// Attempts made.
    pub attempts: u32,
    /// What the destination said of it.
    pub receipt: Option<Receipt>,
    /// The last error, or why it is dead without one.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Instant,
}

/// Which pushes; what is `None` is not looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct PushFilter {
    /// To this destination.
    pub destination: Option<DestinationId>,
    /// Of this lead.
    pub lead: Option<LeadId>,
    /// This far.
    pub status: Option<PushStatus>,
}

impl Store {
    /// Records an attempt and what follows. Whether the claim still held; nothing is written where not.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.settle_push", level = "debug", skip_all)]
    pub async fn settle_push(&self, settlement: PushSettlement) -> Result<bool, StoreError> {
        self.committer().settle_push(settlement).await
    }
}
