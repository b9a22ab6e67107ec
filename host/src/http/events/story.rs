//! The whole story of an event: who received and understood it, what it said, what came of it, and every attempt to
//! hand it on.

use axum::extract::State;
use hookyard_model::event::{FanoutNote, FlowNote, PluginRun};
use hookyard_model::id::{EventId, EventNoun, Noun as _, TenantId};
use hookyard_model::limits;
use hookyard_store::{DeliveryFilter, EventBodies, EventRow, PageRequest, RunFilter, RunRow};
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
    /// The JSON that was sent, as it came.
    #[schema(value_type = Value)]
    pub payload: Box<RawValue>,
    /// What receivers get, once it is understood.
    #[schema(value_type = Option<Value>)]
    pub data: Option<Box<RawValue>>,
    /// The version of the plugin that received or emitted it; null for an application's event.
    pub received_by: Option<PluginRunView>,
    /// The version of the plugin that understood it.
    pub normalized_by: Option<PluginRunView>,
    /// What that plugin wrote, bounded.
    pub log: Vec<String>,
    /// Requests that the host made for it.
    pub effects: u32,
    /// Each subscription that was looked at, and why it did or did not match.
    pub fanout: Vec<FanoutView>,
    /// Each flow that was looked at, and why it did or did not run.
    pub flows: Vec<FlowNoteView>,
    /// Why a flow dropped it before it went to anybody.
    pub dropped: Option<String>,
    /// Its runs, newest first; the first 250.
    pub runs: Vec<EventRunView>,
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

/// Why a flow did or did not run on an event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlowNote)]
#[serde(rename_all = "camelCase")]
pub struct FlowNoteView {
    /// Which flow.
    pub flow: String,
    /// The run that was made of it.
    pub run: Option<String>,
    /// A sentence.
    pub why: String,
}

/// A run that an event started.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventRun)]
#[serde(rename_all = "camelCase")]
pub struct EventRunView {
    /// Its id.
    pub id: String,
    /// Of which flow.
    pub flow: String,
    /// `RUNNING`, `SUCCEEDED`, `FAILED` or `LIMITED`.
    #[schema(example = "SUCCEEDED")]
    pub status: &'static str,
    /// Why it failed, waits or is tried again.
    pub reason: Option<String>,
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
    let filter = RunFilter { event: Some(event), ..RunFilter::default() };
    let runs = api.store.run_list(caller.tenant, filter, PageRequest::first(limits::PAGE_MAX)).await?;
    let runs = runs.into_iter().map(EventRunView::from).collect();
    let lead = lead.map(LeadView::from);
    let more_deliveries = u32::try_from(deliveries.len()).is_ok_and(|count| count >= limits::PAGE_MAX);
    Ok(Json(EventStory { deliveries, more_deliveries, lead, runs, ..tell(row, bodies) }))
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

/// What the event's own row says.
fn tell(row: EventRow, bodies: EventBodies) -> EventStory {
    let about = EventView::from(&row);
    let outcome = row.outcome;
    EventStory {
        about,
        payload: raw::json(bodies.payload),
        data: bodies.data.map(raw::json),
        received_by: row.received_by.map(PluginRunView::from),
        normalized_by: outcome.normalized_by.map(PluginRunView::from),
        log: outcome.log,
        effects: outcome.effects,
        fanout: outcome.fanout.into_iter().map(FanoutView::from).collect(),
        flows: outcome.flows.into_iter().map(FlowNoteView::from).collect(),
        dropped: outcome.dropped,
        runs: Vec::new(),
        deliveries: Vec::new(),
        more_deliveries: false,
        lead: None,
    }
}

impl From<FanoutNote> for FanoutView {
    fn from(note: FanoutNote) -> Self {
        Self { subscription_id: note.subscription.text(), matched: note.matched, why: note.why }
    }
}

impl From<FlowNote> for FlowNoteView {
    fn from(note: FlowNote) -> Self {
        Self { flow: note.flow.text(), run: note.run.map(|run| run.text()), why: note.why }
    }
}

impl From<RunRow> for EventRunView {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.run.id.text(),
            flow: row.run.flow.text(),
            status: row.status.as_str(),
            reason: row.outcome.reason,
        }
    }
}

impl From<PluginRun> for PluginRunView {
    fn from(run: PluginRun) -> Self {
        Self { plugin: run.plugin, version: run.version, digest: run.digest }
    }
}
