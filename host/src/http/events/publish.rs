//! Events that applications publish: logged like a provider's, and then they mean what they say.
//!
//! The application's own id of an event makes a repeated one a duplicate; that is found out when the event is
//! processed, so a repeated one is answered 202 as well, and its story says what it repeats. Nothing is answered before
//! all events of the request are durable, and a request that cannot be taken whole is not taken at all.

use std::fmt;

use axum::extract::State;
use axum::http::StatusCode;
use hookyard_model::event::NewEvent;
use hookyard_model::id::TenantId;
use hookyard_model::instant::Instant;
use hookyard_model::limits;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::checks;
use crate::http::problem::Problem;
use crate::ids;

/// Longest id that an application gives to an event, in bytes.
const ID_BYTES_MAX: usize = 256;

/// An event to be published.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishedEvent {
    /// What subscriptions and flows match; `event` is taken as well.
    #[serde(rename = "type", alias = "event")]
    #[schema(example = "deal.won")]
    event_type: String,
    /// Any JSON: what receivers get.
    #[schema(value_type = Value, example = json!({"dealId": "42", "amount": 1500}))]
    data: Box<RawValue>,
    /// The application's own id of it: an event with the id of an earlier one is a `DUPLICATE`, and goes nowhere.
    #[serde(default)]
    #[schema(example = "deal-42-won")]
    id: Option<String>,
    /// When it happened, where that is not now.
    #[serde(default, alias = "occurred_at")]
    #[schema(value_type = Option<String>, format = DateTime)]
    occurred_at: Option<Instant>,
}

/// One event, or a list of up to 1000.
#[derive(Debug, ToSchema)]
#[schema(as = PublishedEvents)]
pub enum Published {
    /// One.
    #[schema(title = "One")]
    One(Box<PublishedEvent>),
    /// Several, in their order.
    #[schema(title = "Several")]
    Several(Vec<PublishedEvent>),
}

/// That they are logged.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublishedIds {
    /// The ids that they have here, in the order in which they were sent.
    #[schema(example = json!(["evt_01jd3qk2m4v8w9x0y1z2a3b4c5"]))]
    pub events: Vec<String>,
}

/// This route. It changes nothing that the directory knows.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(publish_events))
}

/// Publish events
///
/// One, or a list of up to 1000 that are logged together or not at all. 202 means that they are on disk. Needs a key
/// with the scope `publish` or `manage`.
#[utoipa::path(post, path = "/api/v1/events", tag = "events", request_body = inline(Published),
    responses((status = 202, description = "They are logged", body = PublishedIds)))]
async fn publish_events(
    State(api): State<Api>,
    caller: TenantCaller,
    Json(published): Json<Published>,
) -> Result<(StatusCode, Json<PublishedIds>), Problem> {
    caller.may(Scope::Publish)?;
    let now = api.store.now();
    let events = match published {
        Published::One(event) => vec![event.check(caller.tenant, now, "")?],
        Published::Several(events) => several(events, caller.tenant, now)?,
    };
    let ids = api.front.event_log.log_all(events).await?;
    Ok((StatusCode::ACCEPTED, Json(PublishedIds { events: ids.into_iter().map(|id| id.text()).collect() })))
}

fn several(events: Vec<PublishedEvent>, tenant: TenantId, now: Instant) -> Result<Vec<NewEvent>, Problem> {
    let most = limits::EVENTS_PER_REQUEST_MAX;
    if events.is_empty() || events.len() > most {
        return Err(Problem::unfit(format!("send 1 to {most} events in one request")));
    }
    let check = |(index, event): (usize, PublishedEvent)| event.check(tenant, now, &format!("[{index}]."));
    events.into_iter().enumerate().map(check).collect()
}

impl PublishedEvent {
    /// As it is logged. `place` stands before the names of its fields.
    fn check(self, tenant: TenantId, now: Instant, place: &str) -> Result<NewEvent, Problem> {
        let event_type = checks::event_type(&format!("{place}type"), &self.event_type)?;
        let id = |id: &String| checks::line(&format!("{place}id"), id, ID_BYTES_MAX);
        Ok(NewEvent {
            id: ids::new_id(now),
            tenant,
            provider: None,
            account: None,
            event_type,
            provider_event_id: self.id.as_ref().map(id).transpose()?,
            occurred_at: self.occurred_at,
            received_at: now,
            payload: self.data.get().to_owned(),
            received_by: None,
            cause: None,
        })
    }
}

/// By hand, because a derived choice between the two would not say which field of which event is wrong.
impl<'de> Deserialize<'de> for Published {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrSeveral;

        impl<'de> Visitor<'de> for OneOrSeveral {
            type Value = Published;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event as a JSON object, or a list of them")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Published, A::Error> {
                let event = PublishedEvent::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Published::One(Box::new(event)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Published, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Published::Several)
            }
        }

        deserializer.deserialize_any(OneOrSeveral)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Published, serde_path_to_error::Error<serde_json::Error>> {
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text))
    }

    #[test]
    fn one_event_or_a_list_is_read_and_its_data_kept_digit_for_digit() {
        let one = read(r#"{"event":"a","data":{"id":900719925474099312345},"occurred_at":"2026-01-01T00:00:00Z"}"#);
        let Published::One(event) = one.unwrap() else { panic!("one event") };
        assert_eq!((event.event_type.as_str(), event.data.get()), ("a", r#"{"id":900719925474099312345}"#));
        let several = read(r#"[{"type":"a","data":null},{"type":"b","data":[1],"id":"x"}]"#).unwrap();
        assert!(matches!(several, Published::Several(events) if events.len() == 2));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, place) in [
            (r#"[{"type":"a","data":1},{"type":1,"data":1}]"#, "[1].type"),
            (r#"{"type":"a","data":1,"occurredAt":"yesterday"}"#, "occurredAt"),
        ] {
            assert_eq!(read(text).unwrap_err().path().to_string(), place, "{text}");
        }
        for text in [r#"{"type":"a"}"#, r#"{"type":"a","data":1,"more":1}"#, "1", r#""a""#] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
