//! Events: published by applications ([`publish`]), listed by what is known of them, told whole ([`story`]), and
//! processed again where they failed.

pub mod publish;
pub mod story;

use axum::extract::State;
use axum::http::StatusCode;
use hookyard_model::event::EventStatus;
use hookyard_model::id::{EventId, EventNoun, Noun as _};
use hookyard_model::instant::Instant;
use hookyard_store::{EventFilter, EventRow, Reprocess};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery, read_id, read_status, read_time};
use crate::http::problem::Problem;

/// Which events; what is not said is not looked at.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct EventQuery {
    /// Of this type.
    #[serde(rename = "type", alias = "eventType", alias = "event_type")]
    #[param(rename = "type")]
    event_type: Option<String>,
    /// Of this provider.
    provider: Option<String>,
    /// Through this account; `account` and `account_id` are taken as well.
    #[serde(alias = "account", alias = "account_id")]
    account_id: Option<String>,
    /// `RECEIVED`, `PROCESSED`, `DUPLICATE` or `FAILED`.
    status: Option<String>,
    /// Logged at or after this time (RFC 3339).
    since: Option<String>,
    /// Logged before this time (RFC 3339).
    until: Option<String>,
    /// Rows of the page, from 1 to 250; 50 where it is not said.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// One logged fact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    /// Its id, and the `webhook-id` of its deliveries.
    pub id: String,
    /// The provider's word, or the plugin's once it is understood.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Such as `meta_lead_ads`; null for an application's event and a flow's.
    pub provider: Option<String>,
    /// The account that it came through; null for an application's event and a flow's.
    pub account_id: Option<String>,
    /// How far it has come: `RECEIVED`, `PROCESSED`, `DUPLICATE` or `FAILED`.
    #[schema(example = "PROCESSED")]
    pub status: &'static str,
    /// Why it failed, waits or was tried again.
    pub reason: Option<String>,
    /// The provider's own id of it, or the application's.
    pub provider_event_id: Option<String>,
    /// When it happened, by whoever sent it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub occurred_at: Option<Instant>,
    /// When it was logged.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Instant,
    /// When it is looked at next; null where it has ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Instant>,
    /// How often it was taken up.
    pub tries: u32,
    /// The event that it came of: the one that it was found in, or that started the run which emitted it.
    pub caused_by: Option<String>,
    /// The run that emitted it.
    pub run: Option<String>,
    /// How many events there are before it in its chain.
    pub depth: u32,
    /// The event that it repeats.
    pub duplicate_of: Option<String>,
    /// The lead that came of it, or that it repeats.
    pub lead_id: Option<String>,
}

/// An event that is due now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReprocessedEvent {
    /// Its id.
    pub id: String,
    /// `RECEIVED`.
    #[schema(example = "RECEIVED")]
    pub status: &'static str,
}

/// These routes.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_events)).routes(routes!(story::get_event)).routes(routes!(reprocess_event))
}

/// List events
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventQuery),
    responses((status = 200, description = "Newest first", body = Page<EventView>)))]
async fn list_events(
    State(api): State<Api>,
    caller: TenantCaller,
    InQuery(query): InQuery<EventQuery>,
) -> Result<Json<Page<EventView>>, Problem> {
    caller.may(Scope::Read)?;
    let statuses = EventStatus::ALL.map(EventStatus::as_str);
    let filter = EventFilter {
        event_type: query.event_type,
        provider: query.provider,
        account: read_id("accountId", query.account_id.as_deref())?,
        status: read_status(query.status.as_deref(), EventStatus::from_row, &statuses)?,
        since: read_time("since", query.since.as_deref())?,
        until: read_time("until", query.until.as_deref())?,
    };
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let (paging, request) = Paging::read(&api, "events", Some(caller.tenant), &page)?;
    let rows = api.store.event_list(caller.tenant, filter, request).await?;
    paging.page(rows, |row| row.id.text(), |row| EventView::from(&row)).map(Json)
}

/// Process a failed event again
#[utoipa::path(post, path = "/api/v1/events/{event}/reprocess", tag = "events",
    params(("event" = String, Path, description = "Its id")),
    responses((status = 202, description = "It is due now", body = ReprocessedEvent)))]
async fn reprocess_event(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(event): InPath<EventId>,
) -> Result<(StatusCode, Json<ReprocessedEvent>), Problem> {
    caller.may(Scope::Manage)?;
    match api.store.event_reprocess(caller.tenant, event).await? {
        Reprocess::Queued => {
            let queued = ReprocessedEvent { id: event.text(), status: EventStatus::Received.as_str() };
            Ok((StatusCode::ACCEPTED, Json(queued)))
        }
        Reprocess::NotFailed(status) => {
            let status = status.as_str();
            Err(Problem::conflict(format!("this event is `{status}`, and only a `FAILED` one is processed again")))
        }
        Reprocess::NotFound => Err(Problem::not_found(EventNoun::NAME)),
    }
}

impl From<&EventRow> for EventView {
    fn from(row: &EventRow) -> Self {
        Self {
            id: row.id.text(),
            event_type: row.event_type.clone(),
            provider: row.provider.clone(),
            account_id: row.account.map(|account| account.text()),
            status: row.status.as_str(),
            reason: row.outcome.reason.clone(),
            provider_event_id: row.provider_event_id.clone(),
            occurred_at: row.occurred_at,
            received_at: row.received_at,
            due_at: row.due_at,
            tries: row.tries,
            caused_by: row.caused_by.map(|event| event.text()),
            run: row.run.map(|run| run.text()),
            depth: row.depth,
            duplicate_of: row.outcome.duplicate_of.map(|event| event.text()),
            lead_id: row.outcome.lead.map(|lead| lead.text()),
        }
    }
}
