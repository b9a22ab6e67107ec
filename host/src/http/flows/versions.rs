//! A flow's versions: those of its plugin, which the tenant's own takes from the operator's where there is one.
//!
//! A version is the plugin's and not the flow's: all flows of the plugin run it. What is the operator's is the
//! operator's to change; a tenant that wants another version brings its own plugin of that name.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use hookyard_model::flow::Flow;
use hookyard_model::id::{FlowId, TenantId};
use hookyard_model::plugin::{Origin, Plugin, PluginVersion, World};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::{self, Json};
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery};
use crate::http::plugins::upload::UploadQuery;
use crate::http::plugins::{Activation, PluginView, VersionView, running};
use crate::http::problem::Problem;

/// These routes, without the one that takes components.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_flow_versions))
        .routes(routes!(activate_flow_version))
        .routes(routes!(rollback_flow))
}

/// The route that takes components.
pub fn uploads() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(upload_flow_version))
}

/// List the versions of a flow's plugin
///
/// The tenant's own plugin of that name where it has one, else the operator's.
#[utoipa::path(get, path = "/api/v1/flows/{flow}/versions", tag = "flows",
    params(("flow" = String, Path, description = "Its id"), PageQuery),
    responses((status = 200, description = "Newest first", body = Page<VersionView>)))]
async fn list_flow_versions(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(flow): InPath<FlowId>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<Page<VersionView>>, Problem> {
    caller.may(Scope::Read)?;
    let flow = super::get(&api, caller.tenant, flow).await?;
    let (paging, request) = Paging::read(&api, "flow-versions", Some(caller.tenant), &query)?;
    let Some(plugin) = plugin(&api, &flow).await? else {
        return Ok(Json(Page { data: Vec::new(), next_cursor: None }));
    };
    let rows = api.store.plugin_version_list(plugin.tenant, plugin.id, request).await?;
    paging.page(rows, |row| row.version.to_string(), |row| VersionView::of(&plugin, &row)).map(Json)
}

/// Upload a version of a flow's plugin
///
/// For the tenant's own plugin: the component's manifest has to name it. All of the tenant's flows of this plugin run
/// it from their next run on, unless `activate` is false.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/versions", tag = "flows",
    params(("flow" = String, Path, description = "Its id"), UploadQuery),
    request_body(content = [u8], content_type = "application/wasm"),
    responses((status = 201, description = "It is kept", body = VersionView)))]
async fn upload_flow_version(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(flow): InPath<FlowId>,
    InQuery(query): InQuery<UploadQuery>,
    request: Request,
) -> Result<(StatusCode, Json<VersionView>), Problem> {
    caller.may(Scope::Manage)?;
    let flow = super::get(&api, caller.tenant, flow).await?;
    let plugin = own(&api, &flow).await?;
    let component = body::component(request).await?;
    let checked = api.plugins.check(component.clone()).await?;
    let (world, name) = (checked.guest.world, &checked.manifest.id);
    if world != World::Flow || *name != plugin.name {
        let (world, wanted) = (world.as_str(), &plugin.name);
        let detail =
            format!("the component is the {world} plugin `{name}`, and this flow runs the flow plugin `{wanted}`");
        return Err(Problem::invalid_component(detail));
    }
    let activate = query.activate.unwrap_or(true);
    let (plugin, version) = api.plugins.add(plugin.tenant, component, Origin::Uploaded, activate).await?;
    Ok((StatusCode::CREATED, Json(VersionView::of(&plugin, &version))))
}

/// Run a version of a flow's plugin from now on
///
/// For the tenant's own plugin. Runs that began keep to the version that they began with.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/activate", tag = "flows",
    params(("flow" = String, Path, description = "Its id")), request_body = Activation,
    responses((status = 200, description = "It runs", body = PluginView)))]
async fn activate_flow_version(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(flow): InPath<FlowId>,
    Json(wanted): Json<Activation>,
) -> Result<Json<PluginView>, Problem> {
    caller.may(Scope::Manage)?;
    let flow = super::get(&api, caller.tenant, flow).await?;
    let plugin = own(&api, &flow).await?;
    Ok(Json(api.plugins.activate(plugin.tenant, plugin.id, wanted.version).await?.into()))
}

/// Go back to the version of a flow's plugin that ran before
///
/// For the tenant's own plugin.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/rollback", tag = "flows",
    params(("flow" = String, Path, description = "Its id")),
    responses((status = 200, description = "It runs", body = PluginView)))]
async fn rollback_flow(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(flow): InPath<FlowId>,
) -> Result<Json<PluginView>, Problem> {
    caller.may(Scope::Manage)?;
    let flow = super::get(&api, caller.tenant, flow).await?;
    let plugin = own(&api, &flow).await?;
    if plugin.previous.is_none() {
        let detail = "no other version of this flow's plugin ran before: activate the one that you want";
        return Err(Problem::conflict(detail));
    }
    Ok(Json(api.plugins.rollback(plugin.tenant, plugin.id).await?.into()))
}

/// A version of a flow's plugin by its number; the one that runs where no number is given.
///
/// # Errors
/// 422 of the field `version`; 409 where none runs.
pub(super) async fn chosen(api: &Api, flow: &Flow, number: Option<u32>) -> Result<PluginVersion, Problem> {
    let Some(number) = number else {
        let running = running::find(api, Some(flow.tenant), World::Flow, &flow.plugin).await?;
        let none =
            || Problem::conflict("no version of this flow's plugin runs: activate one, or say which in `version`");
        return running.map(|running| running.as_ref().clone()).ok_or_else(none);
    };
    let found = match plugin(api, flow).await? {
        Some(plugin) => running::version(api, plugin.tenant, plugin.id, number).await?,
        None => None,
    };
    let detail = format!("there is no version {number} of this flow's plugin: see /api/v1/flows/{}/versions", flow.id);
    found.ok_or_else(|| Problem::invalid("version", detail))
}

/// The plugin that a flow runs, or would: the tenant's own where it has one, else the operator's.
async fn plugin(api: &Api, flow: &Flow) -> Result<Option<Plugin>, Problem> {
    match running::of_owner(api, Some(flow.tenant), World::Flow, &flow.plugin).await? {
        Some(own) => Ok(Some(own)),
        None => running::of_owner(api, None::<TenantId>, World::Flow, &flow.plugin).await,
    }
}

/// The tenant's own plugin of the flow.
async fn own(api: &Api, flow: &Flow) -> Result<Plugin, Problem> {
    let own = running::of_owner(api, Some(flow.tenant), World::Flow, &flow.plugin).await?;
    own.ok_or_else(|| {
        let name = &flow.plugin;
        Problem::conflict(format!(
            "this flow runs the operator's plugin `{name}`, whose versions are the operator's: upload a component of \
             your own whose manifest's id is `{name}` to POST /api/v1/plugins, and it takes that one's place for you"
        ))
    })
}
