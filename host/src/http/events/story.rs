//! The whole story of an event: who received and understood it, what it said, what came of it, and every attempt to
//! hand it on.

use axum::extract::State;
use hookyard_model::event::{FanoutNote, PluginRun};
use hookyard_model::id::{EventId, EventNoun, Noun as _, TenantId};
use hookyard_model::limits;
use hookyard_store::{DeliveryFilter, EventBodies, EventRow, PageRequest};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::deliveries::attempt::DeliveryStory;
use crate::http::events::EventView;
use crate::http::leads::LeadView;
use crate::http::parameters::InPath;
use crate::http::problem::Problem;
use crate::http::raw;

/// An event with all that hangs on it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventStory {
    /// The event.
    #[serde(flatten)]
    pub about: EventView,
    /// The provider's own JSON, as it came.
    #[schema(value_type = Value)]
    pub payload: Box<RawValue>,
    /// What receivers get, once it is understood.
    #[schema(value_type = Option<Value>)]
    pub data: Option<Box<RawValue>>,
    /// The version of the plugin that received it.
    pub received_by: PluginRunView,
    /// The version of the plugin that understood it.
    pub normalized_by: Option<PluginRunView>,
    /// What that plugin wrote, bounded.
    pub log: Vec<String>,
    /// Requests that the host made for it.
    pub effects: u32,
    /// Each subscription that was looked at, and why it did or did not match.
    pub fanout: Vec<FanoutView>,
    /// Its deliveries, newest first; the first 250.
    pub deliveries: Vec<DeliveryStory>,
    /// Whether there may be more deliveries than those: `/api/v1/deliveries?event=` pages through all.
    pub more_deliveries: bool,
    /// The lead that came of it, or that it repeats.
    pub lead: Option<LeadView>,
}

/// Which version of a plugin did something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginRun)]
#[serde(rename_all = "camelCase")]
pub struct PluginRunView {
    /// Its name.
    pub plugin: String,
    /// Counted by the host.
    pub version: u32,
    /// The first 12 hexadecimal digits of its component's SHA-256.
    pub digest: String,
}

/// Why a subscription did or did not get an event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FanoutNote)]
#[serde(rename_all = "camelCase")]
pub struct FanoutView {
    /// Which subscription.
    pub subscription_id: String,
    /// Whether a delivery was made.
    pub matched: bool,
    /// A sentence.
    pub why: String,
}

/// Get an event's whole story
#[utoipa::path(get, path = "/api/v1/events/{event}", tag = "events",
    params(("event" = String, Path, description = "Its id")),
    responses((status = 200, description = "The event with all that hangs on it", body = EventStory)))]
pub(super) async fn get_event(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(event): InPath<EventId>,
) -> Result<Json<EventStory>, Problem> {
    caller.may(Scope::Read)?;
    let found = api.store.event_get(caller.tenant, event).await?;
    let (row, bodies) = found.ok_or_else(|| Problem::not_found(EventNoun::NAME))?;
    let deliveries = deliveries(&api, caller.tenant, event).await?;
    let lead = match row.outcome.lead {
        Some(lead) => api.store.lead_get(caller.tenant, lead).await?,
        None => None,
    };
    Ok(Json(tell(row, bodies, deliveries, lead.map(LeadView::from))))
}

async fn deliveries(api: &Api, tenant: TenantId, event: EventId) -> Result<Vec<DeliveryStory>, Problem> {
    let filter = DeliveryFilter { event: Some(event), ..DeliveryFilter::default() };
    let rows = api.store.delivery_list(tenant, filter, PageRequest::first(limits::PAGE_MAX)).await?;
    let mut stories = Vec::with_capacity(rows.len());
    for row in rows {
        // One that is gone by now has been purged with its event.
        if let Some((row, attempts)) = api.store.delivery_get(tenant, row.id).await? {
            stories.push(DeliveryStory::of(&row, attempts));
        }
    }
    Ok(stories)
}

fn tell(row: EventRow, bodies: EventBodies, deliveries: Vec<DeliveryStory>, lead: Option<LeadView>) -> EventStory {
    let about = EventView::from(&row);
    let fanout = |note: FanoutNote| FanoutView {
        subscription_id: note.subscription.text(),
        matched: note.matched,
        why: note.why,
    };
    EventStory {
        about,
        payload: raw::json(bodies.payload),
        data: bodies.data.map(raw::json),
        received_by: row.received_by.into(),
        normalized_by: row.outcome.normalized_by.map(PluginRunView::from),
        log: row.outcome.log,
        effects: row.outcome.effects,
        fanout: row.outcome.fanout.into_iter().map(fanout).collect(),
        more_deliveries: u32::try_from(deliveries.len()).is_ok_and(|count| count >= limits::PAGE_MAX),
        deliveries,
        lead,
    }
}

impl From<PluginRun> for PluginRunView {
    fn from(run: PluginRun) -> Self {
        Self { plugin: run.plugin, version: run.version, digest: run.digest }
    }
}
