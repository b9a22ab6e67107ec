//! A flow that tells of leads that nobody contacted in time.
//!
//! Two kinds of events start it, each a run of its own, and what they share is one key of state:
//!
//! - `leadgen`: a lead came in. The run sleeps, then looks whether the key is there. If it is not, nobody called.
//! - `lead.contacted`: somebody called. The run writes the key. It may come at any time, and even before the lead's
//!   own run begins: the key waits.
//!
//! The lead's run reads only *after* its sleep. What a run has read must still hold when it ends, or it begins anew from
//! that read: read before the sleep, each contact would make it sleep again.

use std::time::Duration;

use hookyard_sdk::{Action, Event, Failure, Flow, FlowManifest, Json, Trigger, clock, json, log, state};
use serde::Deserialize;
use serde_json::json;

/// Tells of leads that wait too long.
pub struct SpeedToLead;

hookyard_sdk::export!(SpeedToLead as flow);

/// What whoever contacts a lead posts as an event: the application, or a CRM's webhook.
const CONTACTED: &str = "lead.contacted";

#[derive(Deserialize)]
struct Settings {
    /// In seconds.
    #[serde(default = "five_minutes")]
    within: u64,
}

fn five_minutes() -> u64 {
    300
}

impl Flow for SpeedToLead {
    fn describe() -> FlowManifest {
        FlowManifest {
            id: "speed_to_lead".into(),
            name: "Speed to lead".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Emits lead.uncontacted when nobody contacted a lead in time.".into(),
            triggers: vec!["leadgen".into(), CONTACTED.into()],
            settings_schema: include_str!("../settings.schema.json").into(),
            ..FlowManifest::empty()
        }
    }

    fn run(trigger: Trigger, settings: Json) -> Result<Vec<Action>, Failure> {
        let settings: Settings = json::parse("the settings", &settings)?;
        if trigger.event.event_type == CONTACTED {
            contacted(&trigger.event)
        } else {
            came_in(&trigger, Duration::from_secs(settings.within))
        }
    }
}

/// Somebody called: remember it, for the run that waits.
fn contacted(event: &Event) -> Result<Vec<Action>, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Contact {
        lead_id: Option<String>,
    }
    let Contact { lead_id } = event.data()?;
    let lead_id = lead_id.as_ref().or(event.lead_id.as_ref());
    let lead_id = lead_id.ok_or_else(|| Failure::permanent("the event does not say which lead was contacted"))?;
    state::set_json(&key(lead_id), &json!({ "at": event.occurred_at }));
    Ok(Vec::new())
}

/// A lead came in: wait, then see whether somebody called.
fn came_in(trigger: &Trigger, within: Duration) -> Result<Vec<Action>, Failure> {
    let Some(lead_id) = &trigger.event.lead_id else {
        return Ok(Vec::new());
    };
    let began_at = clock::now();
    clock::sleep(within);
    let is_contacted = state::get(&key(lead_id)).is_some();
    // Nobody asks again, so the key may go. One that is not there may, too.
    state::delete(&key(lead_id));
    if is_contacted {
        log::info("contacted in time");
        return Ok(Vec::new());
    }
    let lead = trigger.lead.as_ref();
    let uncontacted = json!({
        "leadId": lead_id,
        "eventId": trigger.event.id,
        "waitedSeconds": clock::now().saturating_sub(began_at) / 1000,
        "provider": trigger.event.provider,
        "campaignId": lead.and_then(|lead| lead.campaign_id.as_ref()),
        "formId": lead.and_then(|lead| lead.form_id.as_ref()),
    });
    Ok(vec![Action::emit("lead.uncontacted", &uncontacted)])
}

fn key(lead_id: &str) -> String {
    format!("contacted/{lead_id}")
}
