//! Plugins: components uploaded ([`upload`]), listed, switched and rolled back.
//!
//! They are their owner's: a tenant's own, or the operator's, which run for all tenants that have none of that name.
//! The operator acts for itself unless `X-Hookyard-Tenant` names a tenant.

pub mod upload;
pub(crate) mod running;

use axum::extract::State;
use hookyard_model::id::{Noun as _, PluginId, PluginNoun};
use hookyard_model::instant::Instant;
use hookyard_model::plugin::{Plugin, PluginVersion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Owner, Scope};
use crate::http::body::Json;
use crate::http::manifest::ManifestView;
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery};
use crate::http::problem::Problem;

/// A plugin and which of its versions runs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plugin)]
#[serde(rename_all = "camelCase")]
pub struct PluginView {
    /// Its id.
    pub id: String,
    /// Its manifest's id.
    #[schema(example = "meta_lead_ads")]
    pub name: String,
    /// What it is for: `provider`, `destination` or `flow`.
    #[schema(example = "provider")]
    pub world: &'static str,
    /// The version that runs.
    pub active: Option<u32>,
    /// The version that a rollback goes to.
    pub previous: Option<u32>,
    /// When it was first uploaded.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
}

/// One version of a plugin.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginVersion)]
#[serde(rename_all = "camelCase")]
pub struct VersionView {
    /// The plugin.
    pub plugin: String,
    /// Counted by the host, from 1.
    pub version: u32,
    /// SHA-256 of the component.
    pub digest: String,
    /// What it is for: `provider`, `destination` or `flow`.
    #[schema(example = "provider")]
    pub world: &'static str,
    /// The component's size.
    pub bytes: u64,
    /// `builtin`, `uploaded` or `folder`.
    #[schema(example = "uploaded")]
    pub origin: &'static str,
    /// Whether it is the version that runs.
    pub active: bool,
    /// Why the host took it out of service, where it did; activating it puts it back.
    pub paused: Option<String>,
    /// What it says of itself.
    pub manifest: ManifestView,
    /// When it was uploaded.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
}

/// Which version is to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Activation {
    /// As counted by the host.
    pub(crate) version: u32,
}

/// These routes, without those that take components.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_plugins))
        .routes(routes!(get_plugin))
        .routes(routes!(list_plugin_versions))
        .routes(routes!(activate_plugin))
        .routes(routes!(rollback_plugin))
}

/// List plugins
#[utoipa::path(get, path = "/api/v1/plugins", tag = "plugins", params(PageQuery),
    responses((status = 200, description = "The caller's own, newest first", body = Page<PluginView>)))]
async fn list_plugins(
    State(api): State<Api>,
    owner: Owner,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<Page<PluginView>>, Problem> {
    owner.may(Scope::Read)?;
    let (paging, request) = Paging::read(&api, "plugins", owner.tenant, &query)?;
    let rows = api.store.plugin_list(owner.tenant, request).await?;
    paging.page(rows, |row| row.id.text(), PluginView::from).map(Json)
}

/// Get a plugin
#[utoipa::path(get, path = "/api/v1/plugins/{plugin}", tag = "plugins",
    params(("plugin" = String, Path, description = "Its id")),
    responses((status = 200, description = "The plugin", body = PluginView)))]
async fn get_plugin(
    State(api): State<Api>,
    owner: Owner,
    InPath(plugin): InPath<PluginId>,
) -> Result<Json<PluginView>, Problem> {
    owner.may(Scope::Read)?;
    Ok(Json(get(&api, &owner, plugin).await?.into()))
}

/// List a plugin's versions
#[utoipa::path(get, path = "/api/v1/plugins/{plugin}/versions", tag = "plugins",
    params(("plugin" = String, Path, description = "Its id"), PageQuery),
    responses((status = 200, description = "Newest first", body = Page<VersionView>)))]
async fn list_plugin_versions(
    State(api): State<Api>,
    owner: Owner,
    InPath(plugin): InPath<PluginId>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<Page<VersionView>>, Problem> {
    owner.may(Scope::Read)?;
    let plugin = get(&api, &owner, plugin).await?;
    let (paging, request) = Paging::read(&api, "plugin-versions", owner.tenant, &query)?;
    let rows = api.store.plugin_version_list(owner.tenant, plugin.id, request).await?;
    paging.page(rows, |row| row.version.to_string(), |row| VersionView::of(&plugin, &row)).map(Json)
}

/// Run a version from now on
///
/// Calls that are under way end on the version they began with.
#[utoipa::path(post, path = "/api/v1/plugins/{plugin}/activate", tag = "plugins",
    params(("plugin" = String, Path, description = "Its id")), request_body = Activation,
    responses((status = 200, description = "It runs", body = PluginView)))]
async fn activate_plugin(
    State(api): State<Api>,
    owner: Owner,
    InPath(plugin): InPath<PluginId>,
    Json(wanted): Json<Activation>,
) -> Result<Json<PluginView>, Problem> {
    owner.may(Scope::Manage)?;
    let plugin = get(&api, &owner, plugin).await?;
    Ok(Json(api.plugins.activate(owner.tenant, plugin.id, wanted.version).await?.into()))
}

/// Go back to the version that ran before
#[utoipa::path(post, path = "/api/v1/plugins/{plugin}/rollback", tag = "plugins",
    params(("plugin" = String, Path, description = "Its id")),
    responses((status = 200, description = "It runs", body = PluginView)))]
async fn rollback_plugin(
    State(api): State<Api>,
    owner: Owner,
    InPath(plugin): InPath<PluginId>,
) -> Result<Json<PluginView>, Problem> {
    owner.may(Scope::Manage)?;
    let plugin = get(&api, &owner, plugin).await?;
    if plugin.previous.is_none() {
        let detail = "no other version of this plugin ran before: activate the one that you want";
        return Err(Problem::conflict(detail));
    }
    Ok(Json(api.plugins.rollback(owner.tenant, plugin.id).await?.into()))
}

async fn get(api: &Api, owner: &Owner, plugin: PluginId) -> Result<Plugin, Problem> {
    let found = api.store.plugin_get(owner.tenant, plugin).await?;
    found.ok_or_else(|| Problem::not_found(PluginNoun::NAME))
}

impl From<Plugin> for PluginView {
    fn from(plugin: Plugin) -> Self {
        Self {
            id: plugin.id.text(),
            name: plugin.name,
            world: plugin.world.as_str(),
            active: plugin.active,
            previous: plugin.previous,
            created_at: plugin.created_at,
        }
    }
}

impl VersionView {
    pub(crate) fn of(plugin: &Plugin, version: &PluginVersion) -> Self {
        Self {
            plugin: plugin.id.text(),
            version: version.version,
            digest: version.digest.hex(),
            world: plugin.world.as_str(),
            bytes: version.bytes,
            origin: version.origin.as_str(),
            active: plugin.active == Some(version.version),
            paused: version.paused.clone(),
            manifest: ManifestView::from(&version.manifest),
            created_at: version.created_at,
        }
    }
}
