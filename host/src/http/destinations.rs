//! Destinations: a tenant's CRMs, by the names that flows call them.
//!
//! A destination may be made before a version of its plugin runs, because a flow needs its name: then nothing can be
//! held against a manifest yet, and its pushes wait. Where one runs, settings, mapping and credentials are held against
//! its manifest ([`input`]).

pub mod input;
pub mod pushes;

use axum::extract::State;
use axum::http::StatusCode;
use hookyard_model::id::{DestinationId, DestinationNoun, Noun as _, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::plugin::World;
use hookyard_store::{DESTINATIONS_PER_TENANT_MAX, DestinationRow, DestinationStatus, StoreError};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::destinations::input::{DestinationChange, NewDestinationInput};
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery};
use crate::http::plugins::running;
use crate::http::problem::Problem;
use crate::http::raw;

/// A tenant's CRM.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Destination)]
#[serde(rename_all = "camelCase")]
pub struct DestinationView {
    /// Its id.
    pub id: String,
    /// What flows call it.
    #[schema(example = "sales-crm")]
    pub name: String,
    /// The destination plugin, by its name.
    #[schema(example = "hubspot")]
    pub plugin: String,
    /// The version of it that runs; null where none does: pushes wait for one.
    pub plugin_version: Option<u32>,
    /// After the plugin's schema.
    #[schema(value_type = Object)]
    pub settings: Box<RawValue>,
    /// From the lead's fields to its own.
    #[schema(value_type = Object)]
    pub mapping: Box<RawValue>,
    /// Names of the credentials that are set.
    pub credentials: Vec<String>,
    /// Names of the credentials that its plugin wants and that are not set.
    pub missing_credentials: Vec<String>,
    /// `active`, `paused`, or `unauthorized` since it refused its credential; a new credential makes it active again.
    #[schema(example = "active")]
    pub status: &'static str,
    /// Why it is not active.
    pub status_reason: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
}

/// These routes.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create_destination, list_destinations))
        .routes(routes!(get_destination, change_destination, delete_destination))
        .routes(routes!(pushes::list_pushes))
        .routes(routes!(pushes::retry_push))
}

/// Make a destination
#[utoipa::path(post, path = "/api/v1/destinations", tag = "destinations", request_body = NewDestinationInput,
    responses((status = 201, description = "It is made, and active", body = DestinationView)))]
async fn create_destination(
    State(api): State<Api>,
    caller: TenantCaller,
    Json(new): Json<NewDestinationInput>,
) -> Result<(StatusCode, Json<DestinationView>), Problem> {
    caller.may(Scope::Manage)?;
    let version = running::find(&api, Some(caller.tenant), World::Destination, new.plugin()).await?;
    let new = new.check(caller.tenant, version.as_ref().map(|version| &version.manifest))?;
    let credentials = new.credentials.iter().map(|(name, _)| name.clone()).collect();
    let row = api.store.destination_create(new).await.map_err(taken)?;
    Ok((StatusCode::CREATED, Json(show(&api, row, credentials).await?)))
}

/// List destinations
#[utoipa::path(get, path = "/api/v1/destinations", tag = "destinations", params(PageQuery),
    responses((status = 200, description = "Newest first", body = Page<DestinationView>)))]
async fn list_destinations(
    State(api): State<Api>,
    caller: TenantCaller,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<Page<DestinationView>>, Problem> {
    caller.may(Scope::Read)?;
    let (paging, request) = Paging::read(&api, "destinations", Some(caller.tenant), &query)?;
    let rows = api.store.destination_list(caller.tenant, request).await?;
    let page = paging.page(rows, |row| row.id.text(), |row| row)?;
    let mut data = Vec::with_capacity(page.data.len());
    for row in page.data {
        let credentials = held(&api, caller.tenant, row.id).await?;
        data.push(show(&api, row, credentials).await?);
    }
    Ok(Json(Page { data, next_cursor: page.next_cursor }))
}

/// Get a destination
#[utoipa::path(get, path = "/api/v1/destinations/{destination}", tag = "destinations",
    params(("destination" = String, Path, description = "Its id")),
    responses((status = 200, description = "The destination", body = DestinationView)))]
async fn get_destination(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(id): InPath<DestinationId>,
) -> Result<Json<DestinationView>, Problem> {
    caller.may(Scope::Read)?;
    let row = get(&api, caller.tenant, id).await?;
    let credentials = held(&api, caller.tenant, id).await?;
    Ok(Json(show(&api, row, credentials).await?))
}

/// Change a destination, or reconnect it
///
/// What is not given stays. A credential makes an unauthorized one active.
#[utoipa::path(patch, path = "/api/v1/destinations/{destination}", tag = "destinations",
    params(("destination" = String, Path, description = "Its id")), request_body = DestinationChange,
    responses((status = 200, description = "It is changed", body = DestinationView)))]
async fn change_destination(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(id): InPath<DestinationId>,
    Json(change): Json<DestinationChange>,
) -> Result<Json<DestinationView>, Problem> {
    caller.may(Scope::Manage)?;
    let row = get(&api, caller.tenant, id).await?;
    let version = running::find(&api, Some(caller.tenant), World::Destination, &row.plugin).await?;
    let patch = change.check(version.as_ref().map(|version| &version.manifest))?;
    let row = api.store.destination_patch(caller.tenant, id, patch).await.map_err(taken)?.ok_or_else(none)?;
    let credentials = held(&api, caller.tenant, id).await?;
    Ok(Json(show(&api, row, credentials).await?))
}

/// Delete a destination
///
/// What still waited for it is dead.
#[utoipa::path(delete, path = "/api/v1/destinations/{destination}", tag = "destinations",
    params(("destination" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is deleted")))]
async fn delete_destination(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(id): InPath<DestinationId>,
) -> Result<StatusCode, Problem> {
    caller.may(Scope::Manage)?;
    if api.store.destination_delete(caller.tenant, id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(none())
}

async fn get(api: &Api, tenant: TenantId, id: DestinationId) -> Result<DestinationRow, Problem> {
    api.store.destination_get(tenant, id).await?.ok_or_else(none)
}

fn none() -> Problem {
    Problem::not_found(DestinationNoun::NAME)
}

/// The two things that are in the way of one more destination, or of another name.
fn taken(error: StoreError) -> Problem {
    match error {
        StoreError::Conflict { what } if what.contains("name") => {
            Problem::conflict("there is another destination of this name: flows would not know which").about("name")
        }
        StoreError::Conflict { .. } => {
            let most = DESTINATIONS_PER_TENANT_MAX;
            Problem::conflict(format!("a tenant has at most {most} destinations: delete one that is not needed"))
        }
        error @ (StoreError::Unavailable(_)
        | StoreError::Fatal
        | StoreError::Undecodable { .. }
        | StoreError::Query(_)) => error.into(),
    }
}

/// Names of the credentials that a destination has.
async fn held(api: &Api, tenant: TenantId, id: DestinationId) -> Result<Vec<String>, Problem> {
    Ok(api.store.destination_vault(tenant, id).await?.into_iter().map(|(name, _)| name).collect())
}

async fn show(api: &Api, row: DestinationRow, credentials: Vec<String>) -> Result<DestinationView, Problem> {
    let version = running::find(api, Some(row.tenant), World::Destination, &row.plugin).await?;
    let wanted = version.iter().flat_map(|version| &version.manifest.credentials).map(|spec| &spec.name);
    let missing_credentials = wanted.filter(|name| !credentials.contains(name)).cloned().collect();
    let status_reason = match row.status {
        DestinationStatus::Active => None,
        DestinationStatus::Paused | DestinationStatus::Unauthorized => row.status_reason,
    };
    Ok(DestinationView {
        id: row.id.text(),
        name: row.name,
        plugin: row.plugin,
        plugin_version: version.map(|version| version.version),
        settings: raw::json(row.settings),
        mapping: raw::json(row.mapping),
        credentials,
        missing_credentials,
        status: row.status.as_str(),
        status_reason,
        created_at: row.created_at,
    })
}
