//! Providers: what can be connected, and the application's secrets, which are the operator's.
//!
//! A provider runs for a tenant when the operator, or the tenant itself, has a plugin of that name with an active
//! version; the tenant's own goes first. Which one that is, is asked of the directory, as the pipeline does.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use hookyard_model::id::TenantId;
use hookyard_model::manifest::Scope as SecretScope;
use hookyard_model::plugin::{PluginVersion, World};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Operator, Owner, Scope};
use crate::http::body::Json;
use crate::http::manifest::{ManifestView, SecretSpecView};
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery};
use crate::http::pasted::{self, Pasted};
use crate::http::plugins::running;
use crate::http::problem::Problem;

/// A provider that runs for the caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Provider)]
#[serde(rename_all = "camelCase")]
pub struct ProviderView {
    /// The plugin behind it.
    pub plugin: String,
    /// The version that runs, counted by the host.
    pub plugin_version: u32,
    /// The first 12 hexadecimal digits of its component's SHA-256.
    pub digest: String,
    /// Where the application's webhook goes; null where each account has its own URL only.
    pub webhook_url: Option<String>,
    /// What it says of itself, and which of the application's secrets are set.
    #[serde(flatten)]
    pub manifest: ManifestView,
}

/// An application's secrets: which are set, and never what they are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderSecrets {
    /// The provider.
    pub provider: String,
    /// The secrets that the application declares.
    pub secrets: Vec<SecretSpecView>,
}

/// These routes.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_providers)).routes(routes!(put_provider_secrets))
}

/// List the providers that run for the caller
#[utoipa::path(get, path = "/api/v1/providers", tag = "providers", params(PageQuery),
    responses((status = 200, description = "Newest first", body = Page<ProviderView>)))]
async fn list_providers(
    State(api): State<Api>,
    owner: Owner,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<Page<ProviderView>>, Problem> {
    owner.may(Scope::Read)?;
    let (paging, request) = Paging::read(&api, "providers", owner.tenant, &query)?;
    let page =
        paging.page(running::both(&api, owner.tenant, request).await?, |plugin| plugin.id.text(), |plugin| plugin)?;
    let mut data = Vec::with_capacity(page.data.len());
    for plugin in page.data {
        // What is shadowed, or has no active version, does not run.
        let running = find(&api, owner.tenant, &plugin.name).await?.filter(|running| running.plugin == plugin.id);
        if let Some(running) = running {
            data.push(show(&api, &running).await?);
        }
    }
    Ok(Json(Page { data, next_cursor: page.next_cursor }))
}

/// Set the application's secrets of a provider
///
/// For the operator. Names that are not given stay as they are.
#[utoipa::path(put, path = "/api/v1/providers/{provider}/secrets", tag = "providers",
    params(("provider" = String, Path, description = "Such as `meta_lead_ads`")), request_body = BTreeMap<String, Pasted>,
    responses((status = 200, description = "Which secrets are set now", body = ProviderSecrets)))]
async fn put_provider_secrets(
    State(api): State<Api>,
    Operator(caller): Operator,
    InPath(provider): InPath<String>,
    Json(given): Json<BTreeMap<String, Pasted>>,
) -> Result<Json<ProviderSecrets>, Problem> {
    caller.may(Scope::Manage)?;
    let version = get(&api, None, &provider).await?;
    // All are read before the first is written.
    for (name, values) in pasted::secrets(&version.manifest, SecretScope::Application, &given)? {
        api.store.application_secret_put(&provider, &name, values).await?;
    }
    let secrets = secrets(&api, &version).await?;
    let secrets = secrets.into_iter().filter(|spec| spec.scope == SecretScope::Application).collect();
    Ok(Json(ProviderSecrets { provider, secrets }))
}

/// The version of a provider that runs for a tenant, or for the operator.
///
/// # Errors
/// 404 that names those that run.
pub(crate) async fn get(api: &Api, tenant: Option<TenantId>, name: &str) -> Result<Arc<PluginVersion>, Problem> {
    match find(api, tenant, name).await? {
        Some(version) => Ok(version),
        None => Err(Problem::unknown("unknown-provider", unknown(api, tenant).await?)),
    }
}

/// The same, where it is for the caller to say what its absence means.
///
/// # Errors
/// The store's.
pub(crate) async fn find(
    api: &Api,
    tenant: Option<TenantId>,
    name: &str,
) -> Result<Option<Arc<PluginVersion>>, Problem> {
    running::find(api, tenant, World::Provider, name).await
}

/// What to tell whoever names a provider that does not run.
///
/// # Errors
/// The store's.
pub(crate) async fn unknown(api: &Api, tenant: Option<TenantId>) -> Result<String, Problem> {
    running::unknown(api, tenant, World::Provider).await
}

async fn show(api: &Api, version: &PluginVersion) -> Result<ProviderView, Problem> {
    let manifest = &version.manifest;
    let shared = manifest.is_shared().then(|| format!("{}/webhook/{}", api.public_url, manifest.id));
    Ok(ProviderView {
        plugin: version.plugin.text(),
        plugin_version: version.version,
        digest: version.digest.hex().chars().take(12).collect(),
        webhook_url: shared,
        manifest: ManifestView { secrets: secrets(api, version).await?, ..ManifestView::from(manifest) },
    })
}

async fn secrets(api: &Api, version: &PluginVersion) -> Result<Vec<SecretSpecView>, Problem> {
    let set = api.store.application_secret_names(&version.manifest.id).await?;
    let show = |spec| {
        let view = SecretSpecView::from(spec);
        let is_set = (view.scope == SecretScope::Application).then(|| set.contains(&view.name));
        SecretSpecView { is_set, ..view }
    };
    Ok(version.manifest.secrets.iter().map(show).collect())
}
