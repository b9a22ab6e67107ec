//! A flow that does everything that a flow may, in one run: it reads, fetches, sleeps, fetches, writes and acts.
//!
//! On `patient.start` it reads its count, posts to its peer, sleeps as long as the event says, posts again, counts up and
//! emits `patient.done` with what it saw. The settings' `fetches` (true where it does not say) leaves the peer out.

use std::time::Duration;

use hookyard_sdk::{Action, Failure, Flow, FlowManifest, Json, Trigger, clock, http, json, log, state};
use serde_json::Value;

/// The guest.
pub struct Patient;

hookyard_sdk::export!(Patient as flow);

#[derive(serde::Deserialize)]
struct Start {
    #[serde(default, rename = "sleepMs")]
    sleep_ms: u64,
}

impl Flow for Patient {
    fn describe() -> FlowManifest {
        FlowManifest {
            id: "patient".into(),
            name: "Patient".into(),
            version: "1.0.0".into(),
            summary: "Does everything that a flow may.".into(),
            triggers: vec!["patient.start".into()],
            hosts: vec!["peer.example.com".into()],
            settings_schema: r#"{"type":"object","properties":{"fetches":{"type":"boolean"}}}"#.into(),
            ..FlowManifest::empty()
        }
    }

    fn run(trigger: Trigger, settings: Json) -> Result<Vec<Action>, Failure> {
        let start: Start = trigger.event.data()?;
        let settings: Value = json::parse("the settings", &settings)?;
        let fetches = settings.get("fetches").and_then(Value::as_bool).unwrap_or(true);
        let began = clock::now();
        let count = state::get_json::<u64>("count")?.unwrap_or_default() + 1;
        let first = if fetches { tell("first", count)? } else { 0 };
        log::info(format!("told the peer that this is the first of {count}"));
        if start.sleep_ms > 0 {
            clock::sleep(Duration::from_millis(start.sleep_ms));
        }
        let second = if fetches { tell("second", count)? } else { 0 };
        state::set_json("count", &count);
        let data = serde_json::json!({
            "event": trigger.event.id, "count": count, "first": first, "second": second,
            "sleptMs": clock::now() - began >= start.sleep_ms,
        });
        Ok(vec![Action::emit("patient.done", &data)])
    }
}

fn tell(what: &str, count: u64) -> Result<u16, Failure> {
    let url = format!("https://peer.example.com/{what}/{count}");
    let response = http::post(url).send().map_err(|error| Failure::retry(format!("{error:?}")))?;
    match response.status {
        401 => Err(Failure::unauthorized("the peer said 401")),
        500.. => Err(Failure::retry(format!("the peer said {}", response.status))),
        status => Ok(status),
    }
}
