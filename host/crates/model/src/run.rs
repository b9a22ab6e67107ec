//! Runs: one execution of a flow, from the event that started it to what is committed.
//!
//! Everything that the guest was given is pinned in the run's [`Input`], and everything that it was told in its journal;
//! so the run can be had again, byte for byte, from these two and the component. What it decided is a list of
//! [`Action`]s and of writes to its state: committed together with the run's end, or not at all.

use serde::{Deserialize, Serialize};

use crate::clean;
use crate::effect::{Entry, Reply};
use crate::event::PluginRun;
use crate::flow::FlowStage;
use crate::http::Field;
use crate::id::{AccountId, EventId, FlowId, LeadId, RunId, TenantId};
use crate::instant::Instant;
use crate::lead::CleanLead;
use crate::limits;
use crate::plugin::Digest;

/// What starts a run, as its guest sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// The event.
    pub event: SeenEvent,
    /// Its lead, as it was when the run began.
    pub lead: Option<CleanLead>,
}

/// An event as flows see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenEvent {
    /// Its id.
    pub id: EventId,
    /// What triggers match.
    pub event_type: String,
    /// The provider type, where it is a provider's.
    pub provider: Option<String>,
    /// The account that it came through, where it is a provider's.
    pub account: Option<AccountId>,
    /// When it happened; when it was logged, where nobody says.
    pub occurred_at: Instant,
    /// Its lead.
    pub lead: Option<LeadId>,
    /// JSON text for receivers.
    pub data: String,
}

/// All that a run's guest is given, pinned when the run is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// What started it.
    pub trigger: Trigger,
    /// The flow's settings, as JSON text.
    pub settings: String,
    /// What `clock.now` says before the first effect.
    pub started_at: Instant,
    /// How many events there were before the triggering one in its chain.
    pub depth: u32,
    /// Where national phone numbers belong, for a lead that is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_country: Option<String>,
}

/// A run as it is born.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its id: follows from the event and the flow, so that one event starts a flow once.
    pub id: RunId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Of which flow.
    pub flow: FlowId,
    /// What started it.
    pub event: EventId,
    /// Where it runs.
    pub stage: FlowStage,
    /// The version that it keeps to, for people.
    pub by: PluginRun,
    /// The component that it keeps to.
    pub digest: Digest,
    /// What its guest is given.
    pub input: Input,
}

/// How far a run has come, as users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunStatus {
    /// Work is left: it runs, sleeps or waits to be tried again.
    Running,
    /// Its actions are committed.
    Succeeded,
    /// Nothing of it is committed; `retry` goes on with it.
    Failed,
    /// It was not begun, because its tenant had had its runs for the day.
    Limited,
}

impl RunStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Running, Self::Succeeded, Self::Failed, Self::Limited];

    /// As it stands in rows and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Limited => "LIMITED",
        }
    }

    /// Reads what a row or a query says.
    #[must_use]
    pub fn from_row(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// What a flow wants done. This is its JSON, in rows, answers and comparisons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// A new event. In a transform: the body.
    #[serde(rename_all = "camelCase")]
    Emit {
        /// What subscriptions and flows match.
        event_type: String,
        /// JSON text.
        data: String,
    },
    /// Changes to the triggering lead.
    UpdateLead(Vec<Change>),
    /// A push of the triggering lead.
    PushLead {
        /// The destination's name or id.
        destination: String,
    },
    /// Nothing further is done with the triggering event.
    Drop(String),
}

/// One field of a lead, set or emptied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// `email`, `first-name`, … or the name of a custom field.
    pub field: String,
    /// What it becomes.
    pub value: Option<String>,
}

/// One key of a flow's state, written or forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The key.
    pub key: String,
    /// What it becomes; nothing where it is forgotten.
    #[serde(with = "written")]
    pub value: Option<Vec<u8>>,
}

mod written {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Bytes(#[serde(with = "crate::bytes")] Vec<u8>);

    pub(super) fn serialize<S: Serializer>(value: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        value.clone().map(Bytes).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<Bytes>::deserialize(deserializer)?.map(|bytes| bytes.0))
    }
}

/// What a flow decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// In the guest's order.
    pub actions: Vec<Action>,
    /// The last write of each key, sorted by key.
    pub writes: Vec<Write>,
}

/// What stands beside a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunOutcome {
    /// What it decided, once it has succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Why it failed, or is tried again, or waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whose fault it was, in a stable word: `trapped`, `out_of_time`, `diverged`, `refused`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blame: Option<String>,
    /// The guest's log lines, bounded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// CPU of all its steps, in microseconds.
    pub cpu_us: u64,
    /// The most memory that a step held, in bytes.
    pub memory_bytes: u64,
    /// How often its guest was called.
    pub calls: u32,
}

/// A run that is claimed, with all that a step needs.
#[derive(Debug, Clone)]
pub struct ClaimedRun {
    /// What was born.
    pub run: NewRun,
    /// The claim's number: settling is refused where the row has moved on.
    pub tries: u32,
    /// How often it was tried again because the guest asked for it or the host was at fault.
    pub failures: u32,
    /// What its guest was told so far.
    pub journal: Vec<Entry>,
    /// What was said of it so far.
    pub outcome: RunOutcome,
}

impl NewRun {
    /// The id of the run that an event starts of a flow; `role` tells apart what one event starts twice.
    #[must_use]
    pub fn id_of(event: EventId, flow: FlowId, role: &str) -> RunId {
        RunId::derived(event.made_at(), &[&event.text(), &flow.text(), role])
    }
}

/// What a journal says was read of the state: key, and the run that had written it. The first read of a key counts.
#[must_use]
pub fn reads(journal: &[Entry]) -> Vec<(String, Option<RunId>)> {
    let mut reads: Vec<(String, Option<RunId>)> = Vec::new();
    for entry in journal {
        let (Reply::State(found), Some(key)) = (&entry.reply, entry.effect.strip_prefix("state.get ")) else {
            continue;
        };
        if reads.iter().all(|(known, _)| known != key) {
            reads.push((key.to_owned(), found.as_ref().map(|found| found.written_by)));
        }
    }
    reads
}

/// From which entry on a journal is to be forgotten, so that the reads of these keys happen anew.
#[must_use]
pub fn first_read_of(journal: &[Entry], keys: &[String]) -> usize {
    let of_keys = |entry: &Entry| {
        entry.effect.strip_prefix("state.get ").is_some_and(|key| keys.iter().any(|wanted| wanted == key))
    };
    journal.iter().position(of_keys).unwrap_or(0)
}

/// How much a journal holds, in bytes of what was fetched and read: at most `limits::JOURNAL_BYTES_MAX`.
#[must_use]
pub fn journal_bytes(journal: &[Entry]) -> usize {
    let bytes = |entry: &Entry| match &entry.reply {
        Reply::Response(response) => response.body.len(),
        Reply::State(Some(found)) => found.value.len(),
        Reply::FetchError(_) | Reply::State(None) | Reply::Slept => 0,
    };
    journal.iter().map(bytes).sum()
}

/// How much of a journal is kept where the guest asks to be tried again: all before its last fetch, which is then
/// performed anew; nothing where it fetched nothing.
#[must_use]
pub fn kept_on_retry(journal: &[Entry]) -> usize {
    let is_fetch = |entry: &Entry| matches!(entry.reply, Reply::Response(_) | Reply::FetchError(_));
    journal.iter().rposition(is_fetch).unwrap_or(0)
}

/// Why what a flow returned cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    /// Too many.
    #[error("it returned {0} actions, and at most {max} are allowed", max = limits::ACTIONS_PER_RUN_MAX)]
    TooMany(usize),
    /// An event type that is none.
    #[error(
        "it emitted an event whose type is empty, longer than {} bytes, or holds control characters",
        limits::EVENT_TYPE_BYTES_MAX
    )]
    EventType,
    /// Data that is not JSON.
    #[error("the data of the event `{0}` that it emitted is not JSON")]
    Data(String),
    /// Too large.
    #[error("the data of the event `{0}` that it emitted is larger than {max} bytes", max = limits::EVENT_PAYLOAD_BYTES_MAX)]
    DataSize(String),
    /// A field's name or value that cannot be kept.
    #[error("it changed the lead's field `{0}`, and a name has 1 to 100 bytes, a value at most 4,000")]
    Field(String),
    /// A key or value of state.
    #[error("it wrote the state key `{0}`, and a key has 1 to {key} bytes, a value at most {value}", key = limits::STATE_KEY_BYTES_MAX, value = limits::STATE_VALUE_BYTES_MAX)]
    State(String),
    /// Too many keys.
    #[error("it wrote {0} state keys, and at most {max} are allowed in a run", max = limits::STATE_WRITES_PER_RUN_MAX)]
    Writes(usize),
}

impl Decision {
    /// Whether the host can carry it out at all.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), DecisionError> {
        let short = |text: &str| text.chars().take(80).collect::<String>();
        if self.actions.len() > limits::ACTIONS_PER_RUN_MAX {
            return Err(DecisionError::TooMany(self.actions.len()));
        }
        for action in &self.actions {
            match action {
                Action::Emit { event_type, data } => {
                    let long = event_type.is_empty() || event_type.len() > limits::EVENT_TYPE_BYTES_MAX;
                    if long || event_type.chars().any(char::is_control) {
                        return Err(DecisionError::EventType);
                    }
                    if data.len() > limits::EVENT_PAYLOAD_BYTES_MAX {
                        return Err(DecisionError::DataSize(event_type.clone()));
                    }
                    if serde_json::from_str::<serde::de::IgnoredAny>(data).is_err() {
                        return Err(DecisionError::Data(event_type.clone()));
                    }
                }
                Action::UpdateLead(changes) => {
                    let wrong = |change: &&Change| {
                        let value = change.value.as_ref().map_or(0, String::len);
                        change.field.is_empty() || change.field.len() > 100 || value > 4_000
                    };
                    if let Some(change) = changes.iter().find(wrong) {
                        return Err(DecisionError::Field(short(&change.field)));
                    }
                }
                Action::PushLead { .. } | Action::Drop(_) => {}
            }
        }
        if self.writes.len() > limits::STATE_WRITES_PER_RUN_MAX {
            return Err(DecisionError::Writes(self.writes.len()));
        }
        let wrong = |write: &&Write| {
            let value = write.value.as_ref().map_or(0, Vec::len);
            !is_state_key(&write.key) || value > limits::STATE_VALUE_BYTES_MAX
        };
        match self.writes.iter().find(wrong) {
            Some(write) => Err(DecisionError::State(short(&write.key))),
            None => Ok(()),
        }
    }
}

/// Whether a text may be a key of state: it stands in a journal's lines, so no control characters.
#[must_use]
pub fn is_state_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= limits::STATE_KEY_BYTES_MAX && !key.chars().any(char::is_control)
}

/// Makes changes to a lead, cleaned as a provider's words are.
pub fn change_lead(lead: &mut CleanLead, changes: &[Change], default_country: Option<&str>) {
    for Change { field, value } in changes {
        let text = value.as_deref().and_then(clean::text);
        match field.as_str() {
            "email" => set(lead, "email", text, clean::email, |lead| &mut lead.email),
            "phone-number" => {
                let phone = |text: &str| clean::phone_in(text, default_country);
                set(lead, "phoneNumber", text, phone, |lead| &mut lead.phone_number);
            }
            "first-name" => lead.first_name = text,
            "last-name" => lead.last_name = text,
            "full-name" => lead.full_name = text,
            "company" => lead.company = text,
            custom => {
                lead.custom_fields.retain(|field| field.name != custom);
                if let Some(value) = text {
                    lead.custom_fields.push(Field { name: custom.to_owned(), value });
                }
            }
        }
    }
}

/// Sets a field that may turn out not to be readable, and then stays as given.
fn set(
    lead: &mut CleanLead,
    name: &str,
    text: Option<String>,
    read: impl Fn(&str) -> Option<String>,
    place: impl Fn(&mut CleanLead) -> &mut Option<String>,
) {
    lead.unparsed.retain(|known| known != name);
    let value = text.map(|text| match read(&text) {
        Some(clean) => clean,
        None => {
            lead.unparsed.push(name.to_owned());
            text
        }
    });
    *place(lead) = value;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::{Effect, Remembered};
    use crate::lead::Lead;

    fn state(key: &str, by: Option<RunId>) -> Entry {
        let found = by.map(|written_by| Remembered { value: vec![1], written_by });
        Entry::new(&Effect::StateGet { key: key.into() }, Reply::State(found), Instant::EPOCH)
    }

    fn fetch() -> Entry {
        let reply = Reply::FetchError(crate::effect::FetchError::TimedOut);
        Entry::new(&Effect::Sleep { milliseconds: 1 }, reply, Instant::EPOCH)
    }

    #[test]
    fn the_first_read_of_a_key_counts_and_is_where_a_stale_run_starts_over() {
        let run = RunId::at(Instant::EPOCH, [1; 10]);
        let journal = [fetch(), state("a", Some(run)), state("b", None), state("a", None)];
        assert_eq!(reads(&journal), [("a".to_owned(), Some(run)), ("b".to_owned(), None)]);
        assert_eq!(first_read_of(&journal, &["b".to_owned()]), 2);
        assert_eq!(first_read_of(&journal, &["b".to_owned(), "a".to_owned()]), 1);
    }

    #[test]
    fn a_retry_takes_back_the_last_fetch_and_what_followed() {
        assert_eq!(kept_on_retry(&[fetch(), state("a", None), fetch(), state("b", None)]), 2);
        assert_eq!(kept_on_retry(&[state("a", None)]), 0);
    }

    #[test]
    fn a_changed_lead_is_clean_again() {
        let mut lead = crate::clean::clean(Lead::default(), "p", Some("DE"), Instant::EPOCH);
        let change = |field: &str, value: &str| Change { field: field.into(), value: Some(value.into()) };
        let changes = [
            change("email", " A@Example.COM "),
            change("phone-number", "030 901820"),
            change("segment", "a\u{7}b"),
            Change { field: "company".into(), value: None },
        ];
        change_lead(&mut lead, &changes, Some("DE"));
        assert_eq!(lead.email.as_deref(), Some("a@example.com"));
        assert_eq!(lead.phone_number.as_deref(), Some("+4930901820"));
        assert_eq!(lead.custom_fields, [Field { name: "segment".into(), value: "a b".into() }]);
        change_lead(&mut lead, &[change("email", "nonsense"), Change { field: "segment".into(), value: None }], None);
        assert_eq!((lead.email.as_deref(), lead.unparsed.as_slice()), (Some("nonsense"), &["email".to_owned()][..]));
        assert!(lead.custom_fields.is_empty());
    }

    #[test]
    fn what_cannot_be_carried_out_is_named() {
        let emit = |event_type: &str, data: &str| Decision {
            actions: vec![Action::Emit { event_type: event_type.into(), data: data.into() }],
            writes: vec![],
        };
        assert_eq!(emit("a", "{}").check(), Ok(()));
        assert!(emit("", "{}").check().is_err() && emit("a\n", "{}").check().is_err());
        assert_eq!(emit("a", "{").check(), Err(DecisionError::Data("a".into())));
        let write = |key: &str| Decision { actions: vec![], writes: vec![Write { key: key.into(), value: None }] };
        assert!(write("k").check().is_ok() && write("").check().is_err() && write("a\u{0}").check().is_err());
    }
}
