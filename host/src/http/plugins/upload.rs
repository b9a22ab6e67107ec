//! Components on their way in: checked, and kept where that is asked.
//!
//! A check compiles, links and asks the component to describe itself, exactly as an upload does, and keeps nothing.
//! These routes take larger bodies than the others, so the router bounds how many are read at a time.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use hookyard_model::id::PluginId;
use hookyard_model::plugin::Origin;
use hookyard_sandbox::Checked;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Owner, Scope};
use crate::http::body::{self, Json};
use crate::http::manifest::ManifestView;
use crate::http::parameters::{InPath, InQuery};
use crate::http::plugins::{VersionView, get};
use crate::http::problem::Problem;

/// What happens to an upload.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// Whether it runs from now on; it does where it is not said.
    pub(crate) activate: Option<bool>,
}

/// A component that passed every check.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckedComponent {
    /// What it is for: `provider`, `destination` or `flow`.
    #[schema(example = "provider")]
    pub world: &'static str,
    /// What it imports.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// Its size.
    pub bytes: usize,
    /// Its SHA-256.
    pub digest: String,
    /// What it says of itself.
    pub manifest: ManifestView,
    /// What it wrote while it did.
    pub log: Vec<String>,
}

/// These routes.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(upload_plugin)).routes(routes!(check_component)).routes(routes!(check_plugin))
}

/// Upload a component
///
/// It becomes a new version of the plugin that its manifest names. The same bytes again are the version that they
/// were.
#[utoipa::path(post, path = "/api/v1/plugins", tag = "plugins", params(UploadQuery),
    request_body(content = [u8], content_type = "application/wasm"),
    responses((status = 201, description = "It is kept", body = VersionView)))]
async fn upload_plugin(
    State(api): State<Api>,
    owner: Owner,
    InQuery(query): InQuery<UploadQuery>,
    request: Request,
) -> Result<(StatusCode, Json<VersionView>), Problem> {
    owner.may(Scope::Manage)?;
    let activate = query.activate.unwrap_or(true);
    let component = body::component(request).await?;
    let (plugin, version) = api.plugins.add(owner.tenant, component, Origin::Uploaded, activate).await?;
    Ok((StatusCode::CREATED, Json(VersionView::of(&plugin, &version))))
}

/// Check a component without keeping it
#[utoipa::path(post, path = "/api/v1/plugins/check", tag = "plugins",
    request_body(content = [u8], content_type = "application/wasm"),
    responses((status = 200, description = "It could be uploaded", body = CheckedComponent)))]
async fn check_component(
    State(api): State<Api>,
    owner: Owner,
    request: Request,
) -> Result<Json<CheckedComponent>, Problem> {
    owner.may(Scope::Manage)?;
    check(&api, request).await.map(Json)
}

/// Check a component as the next version of a plugin, without keeping it
#[utoipa::path(post, path = "/api/v1/plugins/{plugin}/check", tag = "plugins",
    params(("plugin" = String, Path, description = "Its id")),
    request_body(content = [u8], content_type = "application/wasm"),
    responses((status = 200, description = "It could be uploaded", body = CheckedComponent)))]
async fn check_plugin(
    State(api): State<Api>,
    owner: Owner,
    InPath(plugin): InPath<PluginId>,
    request: Request,
) -> Result<Json<CheckedComponent>, Problem> {
    owner.may(Scope::Manage)?;
    let plugin = get(&api, &owner, plugin).await?;
    let checked = check(&api, request).await?;
    if checked.manifest.id != plugin.name {
        let (found, wanted) = (&checked.manifest.id, &plugin.name);
        let detail = format!("the component's manifest says it is `{found}`, and this plugin is `{wanted}`");
        return Err(Problem::invalid_component(detail));
    }
    Ok(Json(checked))
}

async fn check(api: &Api, request: Request) -> Result<CheckedComponent, Problem> {
    let component = body::component(request).await?;
    let bytes = component.len();
    let Checked { guest, manifest, log } = api.plugins.check(component).await?;
    Ok(CheckedComponent {
        world: guest.world.as_str(),
        imports: guest.interface.imports.clone(),
        exports: guest.interface.exports.clone(),
        bytes,
        digest: guest.digest.hex(),
        manifest: ManifestView::from(&manifest),
        log: log.lines,
    })
}
