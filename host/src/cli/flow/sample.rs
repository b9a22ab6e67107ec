//! The event that a flow is tested on, as a file says it.
//!
//! It is what the API takes (`eventType`, `data`, `provider`, `lead`), or a `trigger.json` of a plugin's fixtures, with
//! `fetches` and `state` beside it where the flow asks for more.

use std::collections::BTreeMap;
use std::path::Path;

use hookyard_model::clean::clean;
use hookyard_model::id::{Id, Noun};
use hookyard_model::instant::Instant;
use hookyard_model::lead::Lead;
use hookyard_model::run::{SeenEvent, Trigger};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::cli::failure::Failure;
use crate::cli::given;
use crate::ids;

/// An event that never was, and what answers the flow's questions.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) event: Event,
    /// A lead in the API's own words.
    pub(super) lead: Option<Map<String, Value>>,
    /// What fetches are answered with, in this order.
    pub(super) fetches: Vec<Box<RawValue>>,
    /// What stands in the flow's state; nothing is known of it where this is none.
    pub(super) state: Option<BTreeMap<String, Option<Box<RawValue>>>>,
}

/// What a run sees of an event.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Event {
    pub(super) id: Option<String>,
    #[serde(alias = "event_type", alias = "type")]
    pub(super) event_type: String,
    pub(super) provider: Option<String>,
    account_id: Option<String>,
    occurred_at: Option<Value>,
    lead_id: Option<String>,
    pub(super) data: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    event: Option<Event>,
    #[serde(alias = "event_type", alias = "type")]
    event_type: Option<String>,
    provider: Option<String>,
    data: Option<Box<RawValue>>,
    lead: Option<Map<String, Value>>,
    #[serde(default)]
    fetches: Vec<Box<RawValue>>,
    state: Option<BTreeMap<String, Option<Box<RawValue>>>>,
}

/// The sample as the API takes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sent<'a> {
    event_type: &'a str,
    data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead: Option<&'a Map<String, Value>>,
}

impl Sample {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let json = given::json_file(path)?;
        Self::parse(&json).map_err(|why| {
            Failure::usage("the event cannot be").at(path.display().to_string()).why(why).fix(
                "write {\"eventType\": \"leadgen\", \"data\": {…}, \"lead\": {…}}, or take a trigger.json of fixtures",
            )
        })
    }

    fn parse(json: &RawValue) -> Result<Self, String> {
        let file: File = serde_json::from_str(json.get()).map_err(|error| error.to_string())?;
        let event = match (file.event, file.event_type, file.data) {
            (Some(event), None, None) if file.provider.is_none() => event,
            (None, Some(event_type), Some(data)) => {
                let provider = file.provider;
                Event { id: None, event_type, provider, account_id: None, occurred_at: None, lead_id: None, data }
            }
            (Some(_), ..) => return Err("either there is an `event`, or `eventType` and `data`".to_owned()),
            (None, ..) => return Err("`eventType` and `data` are needed".to_owned()),
        };
        let lead = file.lead.map(|lead| in_the_apis_words(lead, event.lead_id.as_deref()));
        Ok(Self { event, lead, fetches: file.fetches, state: file.state })
    }

    /// As the API takes it.
    pub(super) fn sent(&self) -> Sent<'_> {
        let Event { event_type, data, provider, .. } = &self.event;
        Sent { event_type, data, provider: provider.as_deref(), lead: self.lead.as_ref() }
    }

    /// As a run here sees it: the lead cleaned, as the host does it.
    pub(super) fn trigger(&self, now: Instant) -> Result<Trigger, String> {
        let event = &self.event;
        let provider = event.provider.clone().unwrap_or_default();
        let lead = match &self.lead {
            Some(lead) => Some(clean(known(lead)?, &provider, None, now)),
            None => None,
        };
        let lead_id = self.lead.as_ref().and_then(|lead| lead.get("id")).and_then(Value::as_str);
        let lead_id = lead_id.map(id).transpose()?.or_else(|| lead.as_ref().map(|_| ids::new_id(now)));
        Ok(Trigger {
            event: SeenEvent {
                id: event.id.as_deref().map(id).transpose()?.unwrap_or_else(|| ids::new_id(now)),
                event_type: event.event_type.clone(),
                provider: event.provider.clone(),
                account: event.account_id.as_deref().map(id).transpose()?,
                occurred_at: event.occurred_at.as_ref().and_then(instant).unwrap_or(now),
                lead: lead_id,
                data: event.data.get().to_owned(),
            },
            lead,
        })
    }
}

/// A fixture's lead has no id of its own, and counts milliseconds.
fn in_the_apis_words(mut lead: Map<String, Value>, id: Option<&str>) -> Map<String, Value> {
    if let Some(created_at) = lead.get("createdAt").filter(|at| at.is_number()).and_then(instant) {
        lead.insert("createdAt".to_owned(), created_at.rfc3339().into());
    }
    if let Some(id) = id
        && !lead.contains_key("id")
    {
        lead.insert("id".to_owned(), id.into());
    }
    lead
}

/// A lead, less what is null and what the host works out by itself.
fn known(lead: &Map<String, Value>) -> Result<Lead, String> {
    let known = lead.iter().filter(|(_, value)| !value.is_null());
    let known: Map<String, Value> = known.map(|(name, value)| (name.clone(), value.clone())).collect();
    serde_json::from_value(Value::Object(known)).map_err(|error| format!("its lead: {error}"))
}

fn id<N: Noun>(text: &str) -> Result<Id<N>, String> {
    text.parse().map_err(|error| format!("{error}"))
}

fn instant(value: &Value) -> Option<Instant> {
    value.as_i64().map(Instant::from_millis).or_else(|| value.as_str().and_then(Instant::from_rfc3339))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Sample, String> {
        Sample::parse(&RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn the_apis_sample_and_a_fixtures_trigger_say_the_same() {
        let sample = r#"{"eventType":"leadgen","provider":"p","data":{"id": 12345678901234567890},
            "lead":{"id":"lead_00000000000000000000000000","email":"A@Example.com","createdAt":"1970-01-01T00:00:07.000Z"}}"#;
        let fixture = r#"{"event":{"eventType":"leadgen","provider":"p","leadId":"lead_00000000000000000000000000",
            "data":{"id": 12345678901234567890}},"lead":{"email":"A@Example.com","createdAt":7000}}"#;
        let (sample, fixture) = (parse(sample).unwrap(), parse(fixture).unwrap());
        let sent = |sample: &Sample| serde_json::to_string(&sample.sent()).unwrap();
        assert_eq!(sent(&sample), sent(&fixture));
        assert!(sent(&sample).contains("12345678901234567890"));
        let trigger = fixture.trigger(Instant::EPOCH).unwrap();
        let lead = trigger.lead.unwrap();
        assert_eq!(lead.email.as_deref(), Some("a@example.com"), "cleaned, as the host does it");
        assert_eq!(lead.created_at, Some(Instant::from_millis(7000)));
        assert_eq!(trigger.event.lead.unwrap().text(), "lead_00000000000000000000000000");
    }

    #[test]
    fn what_is_missing_or_misspelt_is_named() {
        assert!(parse(r#"{"data":{}}"#).unwrap_err().contains("eventType"));
        assert!(parse(r#"{"eventTyp":"a","data":{}}"#).unwrap_err().contains("eventTyp"));
        assert!(parse(r#"{"event":{"eventType":"a","data":1},"data":2}"#).is_err());
        let wrong = parse(r#"{"eventType":"a","data":1,"lead":{"consents":3}}"#).unwrap();
        assert!(wrong.trigger(Instant::EPOCH).unwrap_err().contains("lead"));
    }
}
