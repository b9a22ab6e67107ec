//! A run as the API tells it, or as a file holds it: all that is needed to have it again.
//!
//! It is read from the very bytes of the answer: a journal that went through numbers and back would be another one.

use std::time::Duration;

use hookyard_egress::api_client::{ApiClient, ApiError};
use hookyard_model::effect::Entry;
use hookyard_model::id::RunId;
use hookyard_model::limits;
use hookyard_model::run::{Action, Change, Decision, Input, RunStatus, Write};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::cli::failure::Failure;

/// Largest answer that is read: a component, or a journal of many responses.
const BYTES_MAX: usize = 2 * limits::COMPONENT_INTERPRETED_BYTES_MAX;
/// How long a piece of an answer may take.
const PIECE_WITHIN: Duration = Duration::from_secs(120);

/// A run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recorded {
    pub(super) id: RunId,
    pub(super) status: RunStatus,
    /// SHA-256 of the component that it ran on.
    pub(super) digest: String,
    pub(super) reason: Option<String>,
    #[serde(default)]
    actions: Vec<ToldAction>,
    #[serde(default)]
    writes: Vec<Write>,
    pub(super) journal: Vec<Entry>,
    pub(super) input: Input,
}

/// The API shows data as JSON and not as a text of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
enum ToldAction {
    #[serde(rename_all = "camelCase")]
    Emit {
        event_type: String,
        data: Box<RawValue>,
    },
    UpdateLead(Vec<Change>),
    PushLead {
        destination: String,
    },
    Drop(String),
}

impl Recorded {
    /// Reads a run; `at` is the file or URL.
    pub(super) fn parse(bytes: &[u8], at: &str) -> Result<Self, Failure> {
        serde_json::from_slice(bytes).map_err(|error| Failure::usage("this is no run").at(at).why(error))
    }

    /// What it decided.
    pub(super) fn decision(&self) -> Decision {
        let action = |action: ToldAction| match action {
            ToldAction::Emit { event_type, data } => Action::Emit { event_type, data: data.get().to_owned() },
            ToldAction::UpdateLead(changes) => Action::UpdateLead(changes),
            ToldAction::PushLead { destination } => Action::PushLead { destination },
            ToldAction::Drop(reason) => Action::Drop(reason),
        };
        Decision { actions: self.actions.iter().cloned().map(action).collect(), writes: self.writes.clone() }
    }
}

/// A decision whose data has no blanks around it, as the API tells it.
pub(super) fn told(mut decision: Decision) -> Decision {
    for action in &mut decision.actions {
        if let Action::Emit { data, .. } = action {
            *data = data.trim_matches([' ', '\t', '\n', '\r']).to_owned();
        }
    }
    decision
}

/// Actions and writes for a person, data as JSON.
pub(super) fn shown(decision: &Decision) -> (Vec<Value>, Value) {
    let action = |action: &Action| match action {
        Action::Emit { event_type, data } => {
            let data = serde_json::from_str(data).unwrap_or_else(|_| Value::from(data.as_str()));
            json!({ "emit": { "eventType": event_type, "data": data } })
        }
        other @ (Action::UpdateLead(_) | Action::PushLead { .. } | Action::Drop(_)) => json!(other),
    };
    (decision.actions.iter().map(action).collect(), json!(decision.writes))
}

/// The bytes of an answer.
pub(super) async fn download(client: &ApiClient, path: &str) -> Result<Vec<u8>, Failure> {
    let mut answer = client.follow(path, &[]).await?;
    let mut bytes = Vec::new();
    loop {
        let piece = tokio::time::timeout(PIECE_WITHIN, answer.next()).await;
        let piece = piece.map_err(|_| Failure::host("Hookyard stopped in the middle of its answer").at(path))?;
        let Some(piece) = piece? else { return Ok(bytes) };
        if bytes.len().saturating_add(piece.len()) > BYTES_MAX {
            return Err(ApiError::TooLarge { limit_bytes: BYTES_MAX }.into());
        }
        bytes.extend_from_slice(&piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_read_digit_for_digit() {
        let text = r#"{"id":"run_00000000000000000000000000","status":"SUCCEEDED","digest":"ab","step":3,
            "actions":[{"emit":{"eventType":"a","data":{"n": 12345678901234567890.10}}},{"drop":"x"}],
            "writes":[{"key":"k","value":"v"},{"key":"l","value":null}],
            "journal":[{"step":1,"effect":"clock.sleep 5 ms","fingerprint":"0000000000000000000000000000000000000000000000000000000000000000","reply":"slept","at":"1970-01-01T00:00:00.005Z"}],
            "input":{"trigger":{"event":{"id":"evt_00000000000000000000000000","eventType":"a","provider":null,
                "account":null,"occurredAt":"1970-01-01T00:00:00.000Z","lead":null,"data":"{}"},"lead":null},
                "settings":"{}","startedAt":"1970-01-01T00:00:00.000Z","depth":0}}"#;
        let run = Recorded::parse(text.as_bytes(), "x").unwrap();
        let decision = run.decision();
        let data = Action::Emit { event_type: "a".into(), data: "{\"n\": 12345678901234567890.10}".into() };
        assert_eq!(decision.actions, [data, Action::Drop("x".into())]);
        assert_eq!(decision.writes[0].value.as_deref(), Some(&b"v"[..]));
        assert_eq!(run.journal.len(), 1);
        assert!(Recorded::parse(b"{}", "x").is_err());
    }

    #[test]
    fn blanks_around_data_are_no_difference() {
        let decision = |data: &str| Decision {
            actions: vec![Action::Emit { event_type: "a".into(), data: data.into() }],
            writes: vec![],
        };
        assert_eq!(told(decision(" {\"a\": 1}\n")), decision("{\"a\": 1}"));
    }
}
