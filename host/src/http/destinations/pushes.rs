//! Pushes: leads on their way to a destination.

use axum::extract::State;
use axum::http::StatusCode;
use hookyard_model::id::{DestinationId, Noun, PushId, PushNoun};
use hookyard_model::instant::Instant;
use hookyard_store::{PushFilter, PushRow, PushStatus};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::destinations::get;
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery, read_id, read_status};
use crate::http::problem::Problem;

/// Which pushes; what is not said is not looked at.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PushQuery {
    /// Of this lead.
    #[serde(alias = "leadId", alias = "lead_id")]
    lead: Option<String>,
    /// `PENDING`, `DONE` or `DEAD`.
    status: Option<String>,
    /// Rows of the page, from 1 to 250; 50 where it is not said.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// One lead for one destination.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Push)]
#[serde(rename_all = "camelCase")]
pub struct PushView {
    /// Its id.
    pub id: String,
    /// Where to.
    pub destination: String,
    /// What.
    pub lead: String,
    /// The event that it came of.
    pub event: Option<String>,
    /// The run that asked for it.
    pub run: Option<String>,
    /// How far it has come: `PENDING`, `DONE` or `DEAD`.
    #[schema(example = "DONE")]
    pub status: &'static str,
    /// When it is tried next; null where it has ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Instant>,
    /// Attempts made.
    pub attempt_count: u32,
    /// The destination's own id of the lead.
    pub external_id: Option<String>,
    /// Where a person can look at it.
    pub url: Option<String>,
    /// The last error, or why it is dead without one.
    pub last_error: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
}

/// List the pushes to a destination
#[utoipa::path(get, path = "/api/v1/destinations/{destination}/pushes", tag = "destinations",
    params(("destination" = String, Path, description = "Its id"), PushQuery),
    responses((status = 200, description = "Newest first", body = Page<PushView>)))]
pub(super) async fn list_pushes(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(destination): InPath<DestinationId>,
    InQuery(query): InQuery<PushQuery>,
) -> Result<Json<Page<PushView>>, Problem> {
    caller.may(Scope::Read)?;
    let destination = get(&api, caller.tenant, destination).await?;
    let statuses = PushStatus::ALL.map(PushStatus::as_str);
    let filter = PushFilter {
        destination: Some(destination.id),
        lead: read_id("lead", query.lead.as_deref())?,
        status: read_status(query.status.as_deref(), PushStatus::from_row, &statuses)?,
    };
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let (paging, request) = Paging::read(&api, "pushes", Some(caller.tenant), &page)?;
    let rows = api.store.push_list(caller.tenant, filter, request).await?;
    paging.page(rows, |row| row.push.id.text(), |row| PushView::from(&row)).map(Json)
}

/// A push that is due now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetriedPush {
    /// Its id.
    pub id: String,
    /// `PENDING`.
    pub status: &'static str,
}

/// Try a push again, now
#[utoipa::path(post, path = "/api/v1/pushes/{push}/retry", tag = "destinations",
    params(("push" = String, Path, description = "Its id")),
    responses((status = 202, description = "It is due now", body = RetriedPush)))]
pub(super) async fn retry_push(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(push): InPath<PushId>,
) -> Result<(StatusCode, Json<RetriedPush>), Problem> {
    caller.may(Scope::Manage)?;
    match api.store.push_retry(caller.tenant, push).await? {
        Some(true) => {
            let retried = RetriedPush { id: push.text(), status: PushStatus::Pending.as_str() };
            Ok((StatusCode::ACCEPTED, Json(retried)))
        }
        Some(false) => Err(Problem::conflict("this push is `DONE`: its destination has the lead already")),
        None => Err(Problem::not_found(PushNoun::NAME)),
    }
}

impl From<&PushRow> for PushView {
    fn from(row: &PushRow) -> Self {
        let push = &row.push;
        Self {
            id: push.id.text(),
            destination: push.destination.text(),
            lead: push.lead.text(),
            event: push.event.map(|event| event.text()),
            run: push.run.map(|run| run.text()),
            status: row.status.as_str(),
            due_at: row.due_at,
            attempt_count: row.attempts,
            external_id: row.receipt.as_ref().map(|receipt| receipt.external_id.clone()),
            url: row.receipt.as_ref().and_then(|receipt| receipt.url.clone()),
            last_error: row.last_error.clone(),
            created_at: row.created_at,
        }
    }
}
