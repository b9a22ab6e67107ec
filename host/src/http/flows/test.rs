//! A test: what a flow would do on one event, with nothing done.
//!
//! The event is one that was logged, or a sample. Fetches are answered by what the caller brings, in its order; a fetch
//! beyond these ends the test there, and the answer says what the flow wants to know. See [`crate::flows::trial`].

pub mod subject;

use std::collections::{BTreeMap, VecDeque};

use axum::extract::State;
use hookyard_model::effect::{Entry, FetchError, Reply};
use hookyard_model::flow::{Flow, FlowStage};
use hookyard_model::http::{Field, Response};
use hookyard_model::id::FlowId;
use hookyard_model::limits;
use hookyard_model::plugin::PluginVersion;
use hookyard_model::run::Write;
use hookyard_model::subscription::Match;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::flows::start::{self, Subject};
use crate::flows::trial::{self, Answers, Tried};
use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::flows::test::subject::SampleEvent;
use crate::http::flows::{none, versions};
use crate::http::parameters::InPath;
use crate::http::problem::Problem;
use crate::http::runs::decision::{self, ActionView};

/// What a flow is tested on: an `event`, or a `sample`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FlowTest {
    /// A logged event.
    #[serde(default)]
    #[schema(example = "evt_01jd3qk2m4v8w9x0y1z2a3b4c5")]
    event: Option<String>,
    /// An event that never was.
    #[serde(default)]
    sample: Option<SampleEvent>,
    /// The version of its plugin; the one that runs where it is not given.
    #[serde(default)]
    version: Option<u32>,
    /// What fetches are answered with, in this order.
    #[serde(default)]
    fetches: Vec<FetchAnswer>,
    /// What stands in the flow's state, by key: a text, JSON, or null for a key that is not there. Where it is given,
    /// a key that is not named is not there either; where it is not, the state as it is answers.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    state: Option<BTreeMap<String, Option<Box<RawValue>>>>,
}

/// What a fetch is answered with: a response, or in its place an error.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FetchAnswer {
    /// The response's status.
    #[serde(default)]
    #[schema(example = 200)]
    status: Option<u16>,
    /// Its headers: `[name, value]`, or `{name, value}`.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    headers: Vec<HeaderInput>,
    /// Its body: a text as it is, or JSON.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    body: Option<Box<RawValue>>,
    /// `timedOut`, `unreachable`, `refused` or `tooLarge`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "timedOut")]
    error: Option<FetchFailure>,
}

/// Why a fetch brings no response.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum FetchFailure {
    TimedOut,
    Unreachable,
    Refused,
    TooLarge,
}

/// A header, in either spelling.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "this has to be [name, value], or {name, value}")]
enum HeaderInput {
    Pair(String, String),
    Field { name: String, value: String },
}

/// What a flow would do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowTested {
    /// Whether the event would start the flow. It was tested either way.
    pub matched: MatchView,
    /// The version that was tested, counted by the host.
    pub version: u32,
    /// What it decided, in its order; empty where it decided nothing, or came to no decision.
    pub actions: Vec<ActionView>,
    /// What it would write to its state: `{key, value}`.
    #[schema(value_type = Vec<Object>)]
    pub writes: Vec<Write>,
    /// What it asked for, in order.
    pub effects: Vec<TestedEffect>,
    /// The effect that nothing answered: the test ended there. Answer it with one more of `fetches`.
    pub wants: Option<String>,
    /// Why it came to no decision, or why that could not be carried out.
    pub reason: Option<String>,
    /// Whose fault that was, in a stable word.
    pub blame: Option<String>,
    /// What it wrote, bounded.
    pub log: Vec<String>,
    /// CPU of all its calls, in microseconds.
    pub cpu_micros: u64,
    /// The most memory that a call held, in bytes.
    pub memory_bytes: u64,
    /// How often it was called: once, and once more for each effect that was answered.
    pub calls: u32,
}

/// Whether an event starts a flow, and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Matched)]
pub struct MatchView {
    /// Whether it does.
    pub yes: bool,
    /// A sentence.
    pub why: String,
}

/// An effect that a flow asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestedEffect {
    /// Its place, counted from 1.
    pub step: usize,
    /// The effect in a line.
    #[schema(example = "http.fetch GET https://api.example.com/companies")]
    pub effect: String,
    /// Whether it was answered.
    pub answered: bool,
    /// With what; null where it was not.
    #[schema(value_type = Option<Object>)]
    pub reply: Option<Reply>,
}

/// This route.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(test_flow))
}

/// Test a flow on an event
///
/// It runs as it would, and nothing is done: no fetch is made, nothing is written, nothing is emitted. What the flow
/// uses of its tenant's CPU counts.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/test", tag = "flows",
    params(("flow" = String, Path, description = "Its id")), request_body = FlowTest,
    responses((status = 200, description = "What it would do", body = FlowTested)))]
async fn test_flow(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(id): InPath<FlowId>,
    Json(wanted): Json<FlowTest>,
) -> Result<Json<FlowTested>, Problem> {
    caller.may(Scope::Manage)?;
    let entry = api.directory.flow(caller.tenant, id).await?.ok_or_else(none)?;
    let version = versions::chosen(&api, &entry.flow, wanted.version).await?;
    let answers = Answers { fetches: fetches(wanted.fetches)?, state: wanted.state.map(state) };
    let now = api.store.now();
    let subject = match (wanted.event, wanted.sample) {
        (Some(event), None) => subject::logged(&api, caller.tenant, &event).await?,
        (None, Some(sample)) => sample.subject(now)?,
        (Some(_), Some(_)) | (None, None) => {
            let detail = "say what it is tested on: the id of a logged `event`, or a `sample`";
            return Err(Problem::invalid("event", detail));
        }
    };
    let matched = matches(&entry.flow, &version, &subject);
    let run = start::run(&entry, &version, &subject, caller.tenant, "test", now);
    let tried = trial::test(&api.guests, &api.store, &run, version.digest, answers).await?;
    Ok(Json(show(matched, version.version, tried)))
}

fn matches(flow: &Flow, version: &PluginVersion, subject: &Subject) -> MatchView {
    if flow.stage == FlowStage::Transform {
        return MatchView { yes: true, why: "it runs for the subscription that names it".to_owned() };
    }
    let event = &subject.event;
    match flow.matches(&version.manifest.event_types, &event.event_type, event.provider.as_deref(), &event.data) {
        Match::Yes(why) => MatchView { yes: true, why },
        Match::No(why) => MatchView { yes: false, why },
    }
}

fn fetches(given: Vec<FetchAnswer>) -> Result<VecDeque<Reply>, Problem> {
    if given.len() > limits::EFFECTS_PER_RUN_MAX {
        let most = limits::EFFECTS_PER_RUN_MAX;
        return Err(Problem::invalid("fetches", format!("a run has at most {most} effects: give no more answers")));
    }
    given.into_iter().enumerate().map(|(index, answer)| answer.reply(&format!("fetches[{index}]"))).collect()
}

fn state(given: BTreeMap<String, Option<Box<RawValue>>>) -> Vec<(String, Option<Vec<u8>>)> {
    given.into_iter().map(|(key, value)| (key, value.map(|value| bytes(&value)))).collect()
}

/// A text as its own bytes; anything else as JSON.
fn bytes(value: &RawValue) -> Vec<u8> {
    match serde_json::from_str::<String>(value.get()) {
        Ok(text) => text.into_bytes(),
        Err(_) => value.get().as_bytes().to_vec(),
    }
}

impl FetchAnswer {
    fn reply(self, field: &str) -> Result<Reply, Problem> {
        match (self.status, self.error) {
            (Some(status @ 100..=599), None) => {
                let headers = self.headers.into_iter().map(Field::from).collect();
                let body = self.body.map(|body| bytes(&body)).unwrap_or_default();
                Ok(Reply::Response(Response { status, headers, body }))
            }
            (None, Some(error)) => Ok(Reply::FetchError(error.into())),
            (Some(_), None) => {
                Err(Problem::invalid(&format!("{field}.status"), "a status is a number from 100 to 599"))
            }
            (Some(_), Some(_)) | (None, None) => {
                Err(Problem::invalid(field, "a fetch is answered with a `status`, or with an `error`"))
            }
        }
    }
}

impl From<FetchFailure> for FetchError {
    fn from(failure: FetchFailure) -> Self {
        match failure {
            FetchFailure::TimedOut => Self::TimedOut,
            FetchFailure::Unreachable => Self::Unreachable("so the test says".to_owned()),
            FetchFailure::Refused => Self::Refused("so the test says".to_owned()),
            FetchFailure::TooLarge => {
                Self::TooLarge(u64::try_from(limits::FETCH_RESPONSE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1))
            }
        }
    }
}

impl From<HeaderInput> for Field {
    fn from(header: HeaderInput) -> Self {
        match header {
            HeaderInput::Pair(name, value) | HeaderInput::Field { name, value } => Self { name, value },
        }
    }
}

fn show(matched: MatchView, version: u32, tried: Tried) -> FlowTested {
    let Tried { decision, journal, wants, reason, blame, outcome } = tried;
    let (actions, writes) = decision::show(decision);
    let answered = journal.into_iter().map(|Entry { effect, reply, .. }| (effect, Some(reply)));
    let asked = answered.chain(wants.iter().map(|effect| (effect.clone(), None)));
    let effect = |(index, (effect, reply)): (usize, (String, Option<Reply>))| TestedEffect {
        step: index.saturating_add(1),
        effect,
        answered: reply.is_some(),
        reply,
    };
    FlowTested {
        matched,
        version,
        actions,
        writes,
        effects: asked.enumerate().map(effect).collect(),
        wants,
        reason,
        blame,
        log: outcome.log,
        cpu_micros: outcome.cpu_us,
        memory_bytes: outcome.memory_bytes,
        calls: outcome.calls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Reply, Problem> {
        serde_json::from_str::<FetchAnswer>(text).unwrap().reply("fetches[0]")
    }

    #[test]
    fn a_fetch_is_answered_with_a_response_in_either_spelling_or_with_an_error() {
        let expected = Response {
            status: 200,
            headers: vec![Field { name: "a".into(), value: "b".into() }],
            body: br#"{"x": 1}"#.to_vec(),
        };
        for text in [
            r#"{"status":200,"headers":[["a","b"]],"body":{"x": 1}}"#,
            r#"{"status":200,"headers":[{"name":"a","value":"b"}],"body":"{\"x\": 1}"}"#,
        ] {
            assert_eq!(read(text), Ok(Reply::Response(expected.clone())), "{text}");
        }
        assert_eq!(read(r#"{"error":"timedOut"}"#), Ok(Reply::FetchError(FetchError::TimedOut)));
        for text in ["{}", r#"{"status":200,"error":"refused"}"#, r#"{"status":99}"#] {
            assert!(read(text).unwrap_err().field.is_some(), "{text}");
        }
    }
}
