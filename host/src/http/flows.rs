//! Flows: a tenant's automations, each a flow plugin put to use with a trigger, settings and grants.
//!
//! What a flow is given is held against the manifest of the version that runs for its tenant ([`input`]). Which version
//! that is, is its plugin's business ([`versions`]). Whether it does what it should is found out before it goes live:
//! on one event ([`test`](mod@test)), or on what its runs were told ([`compare`]).

pub mod input;
pub mod versions;
pub mod test;
pub mod compare;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use hookyard_model::filter::Filter;
use hookyard_model::flow::{Flow, FlowStatus};
use hookyard_model::id::{FlowId, FlowNoun, Noun as _, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::limits;
use hookyard_model::plugin::{PluginVersion, World};
use hookyard_store::StoreError;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::flows::input::{FlowChange, NewFlowInput};
use crate::http::manifest::CredentialSpecView;
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery};
use crate::http::plugins::running;
use crate::http::problem::Problem;
use crate::http::raw;

/// A tenant's automation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Flow)]
#[serde(rename_all = "camelCase")]
pub struct FlowView {
    /// Its id.
    pub id: String,
    /// For people.
    pub name: String,
    /// The flow plugin, by its name.
    #[schema(example = "lead_router")]
    pub plugin: String,
    /// `before` the event is handed on, `after` it is processed, or as the `transform` of a subscription.
    #[schema(example = "after")]
    pub stage: &'static str,
    /// Event types that start it; null for its plugin's.
    pub triggers: Option<Vec<String>>,
    /// Only events of these providers; of all, and of none, where it is empty.
    pub providers: Vec<String>,
    /// Only events whose data is like this.
    #[schema(value_type = Option<Object>)]
    pub filter: Option<Filter>,
    /// After the plugin's schema.
    #[schema(value_type = Object)]
    pub settings: Box<RawValue>,
    /// Hosts that it may fetch from, of its plugin's; null for all of those.
    pub hosts: Option<Vec<String>>,
    /// Names of the credentials that are set.
    pub credentials: Vec<String>,
    /// Names of the credentials that its plugin wants and that are not set.
    pub missing_credentials: Vec<String>,
    /// What becomes of an event where it fails on it, in stage `before`: `skip` or `hold`.
    #[schema(example = "skip")]
    pub on_failure: &'static str,
    /// `active` or `paused`.
    #[schema(example = "active")]
    pub status: &'static str,
    /// Why it is paused.
    pub status_reason: Option<String>,
    /// The version that its next run begins with; null where none runs.
    pub running: Option<RunningView>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
}

/// The version of its plugin that a flow runs, and what that says of itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunningFlowPlugin)]
#[serde(rename_all = "camelCase")]
pub struct RunningView {
    /// The plugin's id.
    pub plugin: String,
    /// Whether it is the tenant's own, and not the operator's.
    pub is_own: bool,
    /// Counted by the host.
    pub version: u32,
    /// The first 12 hexadecimal digits of its component's SHA-256.
    pub digest: String,
    /// Its author's sentence.
    pub summary: String,
    /// Event types that start it, unless the flow says otherwise.
    pub triggers: Vec<String>,
    /// Hosts that it would like to fetch from.
    pub hosts: Vec<String>,
    /// Credentials that it wants.
    pub credentials: Vec<CredentialSpecView>,
    /// JSON Schema of the settings.
    #[schema(value_type = Object)]
    pub settings_schema: Box<RawValue>,
}

/// These routes, without those that take components, and without trials.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create_flow, list_flows))
        .routes(routes!(get_flow, change_flow, delete_flow))
        .merge(versions::routes())
}

/// Routes that try a flow and change nothing.
pub fn trials() -> OpenApiRouter<Api> {
    test::routes().merge(compare::routes())
}

/// Make a flow
///
/// It runs from the next event on.
#[utoipa::path(post, path = "/api/v1/flows", tag = "flows", request_body = NewFlowInput,
    responses((status = 201, description = "It is made, and active", body = FlowView)))]
async fn create_flow(
    State(api): State<Api>,
    caller: TenantCaller,
    Json(new): Json<NewFlowInput>,
) -> Result<(StatusCode, Json<FlowView>), Problem> {
    caller.may(Scope::Manage)?;
    let tenant = caller.tenant;
    let Some(version) = running::find(&api, Some(tenant), World::Flow, new.plugin()).await? else {
        return Err(Problem::invalid("plugin", running::unknown(&api, Some(tenant), World::Flow).await?));
    };
    let new = new.check(&api, tenant, &version.manifest).await?;
    let credentials = new.credentials.iter().map(|(name, _)| name.clone()).collect();
    let flow = match api.store.flow_create(new).await {
        Err(StoreError::Conflict { .. }) => {
            let most = limits::FLOWS_PER_TENANT_MAX;
            return Err(Problem::conflict(format!("a tenant has at most {most} flows: delete one that is not needed")));
        }
        made => made?,
    };
    Ok((StatusCode::CREATED, Json(show(&api, flow, credentials).await?)))
}

/// List flows
#[utoipa::path(get, path = "/api/v1/flows", tag = "flows", params(PageQuery),
    responses((status = 200, description = "Newest first", body = Page<FlowView>)))]
async fn list_flows(
    State(api): State<Api>,
    caller: TenantCaller,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<Page<FlowView>>, Problem> {
    caller.may(Scope::Read)?;
    let (paging, request) = Paging::read(&api, "flows", Some(caller.tenant), &query)?;
    let rows = api.store.flow_list(caller.tenant, request).await?;
    let page = paging.page(rows, |row| row.id.text(), |row| row)?;
    let mut held = held(&api, caller.tenant).await?;
    let mut data = Vec::with_capacity(page.data.len());
    for flow in page.data {
        let credentials = held.remove(&flow.id).unwrap_or_default();
        data.push(show(&api, flow, credentials).await?);
    }
    Ok(Json(Page { data, next_cursor: page.next_cursor }))
}

/// Get a flow
#[utoipa::path(get, path = "/api/v1/flows/{flow}", tag = "flows",
    params(("flow" = String, Path, description = "Its id")),
    responses((status = 200, description = "The flow", body = FlowView)))]
async fn get_flow(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(id): InPath<FlowId>,
) -> Result<Json<FlowView>, Problem> {
    caller.may(Scope::Read)?;
    let flow = get(&api, caller.tenant, id).await?;
    let credentials = held(&api, caller.tenant).await?.remove(&id).unwrap_or_default();
    Ok(Json(show(&api, flow, credentials).await?))
}

/// Change a flow
///
/// What is not given stays. Runs that began go on as they were: the change holds from the next event on.
#[utoipa::path(patch, path = "/api/v1/flows/{flow}", tag = "flows",
    params(("flow" = String, Path, description = "Its id")), request_body = FlowChange,
    responses((status = 200, description = "It is changed", body = FlowView)))]
async fn change_flow(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(id): InPath<FlowId>,
    Json(change): Json<FlowChange>,
) -> Result<Json<FlowView>, Problem> {
    caller.may(Scope::Manage)?;
    let flow = get(&api, caller.tenant, id).await?;
    let version = running::find(&api, Some(caller.tenant), World::Flow, &flow.plugin).await?;
    let patch = change.check(&api, &flow, version.as_ref().map(|version| &version.manifest)).await?;
    let flow = api.store.flow_patch(caller.tenant, id, patch).await?.ok_or_else(none)?;
    let credentials = held(&api, caller.tenant).await?.remove(&id).unwrap_or_default();
    Ok(Json(show(&api, flow, credentials).await?))
}

/// Delete a flow, with all that it remembers
///
/// What still runs of it has failed; its runs stay to be looked at.
#[utoipa::path(delete, path = "/api/v1/flows/{flow}", tag = "flows",
    params(("flow" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is deleted")))]
async fn delete_flow(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(id): InPath<FlowId>,
) -> Result<StatusCode, Problem> {
    caller.may(Scope::Manage)?;
    if api.store.flow_delete(caller.tenant, id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(none())
}

/// One of a tenant's flows.
///
/// # Errors
/// 404.
pub(crate) async fn get(api: &Api, tenant: TenantId, id: FlowId) -> Result<Flow, Problem> {
    api.store.flow_get(tenant, id).await?.ok_or_else(none)
}

pub(crate) fn none() -> Problem {
    Problem::not_found(FlowNoun::NAME)
}

/// Names of the credentials that a tenant's flows have.
async fn held(api: &Api, tenant: TenantId) -> Result<HashMap<FlowId, Vec<String>>, Problem> {
    let flows = api.store.flows_of(tenant).await?;
    let names = |(flow, credentials): (Flow, Vec<(String, _)>)| {
        (flow.id, credentials.into_iter().map(|(name, _)| name).collect())
    };
    Ok(flows.into_iter().map(names).collect())
}

async fn show(api: &Api, flow: Flow, credentials: Vec<String>) -> Result<FlowView, Problem> {
    let version = running::find(api, Some(flow.tenant), World::Flow, &flow.plugin).await?;
    let running = match &version {
        Some(version) => {
            let own = api.store.plugin_get(Some(flow.tenant), version.plugin).await?;
            Some(RunningView::of(version, own.is_some()))
        }
        None => None,
    };
    let wanted = running.iter().flat_map(|running| &running.credentials).map(|spec| &spec.name);
    let missing_credentials = wanted.filter(|name| !credentials.contains(name)).cloned().collect();
    let status_reason = match flow.status {
        FlowStatus::Active => None,
        FlowStatus::Paused => flow.status_reason,
    };
    Ok(FlowView {
        id: flow.id.text(),
        name: flow.name,
        plugin: flow.plugin,
        stage: flow.stage.as_str(),
        triggers: flow.triggers,
        providers: flow.providers,
        filter: flow.filter,
        settings: raw::json(flow.settings),
        hosts: flow.hosts,
        credentials,
        missing_credentials,
        on_failure: flow.on_failure.as_str(),
        status: flow.status.as_str(),
        status_reason,
        running,
        created_at: flow.created_at,
    })
}

impl RunningView {
    fn of(version: &Arc<PluginVersion>, is_own: bool) -> Self {
        let manifest = &version.manifest;
        Self {
            plugin: version.plugin.text(),
            is_own,
            version: version.version,
            digest: version.digest.hex().chars().take(12).collect(),
            summary: manifest.summary.clone(),
            triggers: manifest.event_types.clone(),
            hosts: manifest.hosts.clone(),
            credentials: manifest.credentials.iter().map(CredentialSpecView::from).collect(),
            settings_schema: raw::json(manifest.settings_schema.clone()),
        }
    }
}
