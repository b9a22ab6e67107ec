//! Tenants, and in [`keys`] their API keys. Making and listing tenants is the operator's alone.

pub mod keys;

use axum::extract::State;
use axum::http::StatusCode;
use hookyard_model::id::{Noun as _, TenantId, TenantNoun};
use hookyard_model::instant::Instant;
use hookyard_store::Tenant;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Operator, Scope};
use crate::http::body::Json;
use crate::http::checks;
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery};
use crate::http::problem::Problem;

/// A tenant to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTenant {
    /// For people.
    #[schema(example = "Example Ltd")]
    name: String,
}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tenant)]
#[serde(rename_all = "camelCase")]
pub struct TenantView {
    /// Its id.
    #[schema(example = "ten_01jd3q8x5v9kz2m4n6p8r0s1t2")]
    pub id: String,
    /// For people.
    pub name: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
}

/// These routes.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create_tenant, list_tenants)).routes(routes!(get_tenant)).merge(keys::routes())
}

/// Make a tenant
#[utoipa::path(post, path = "/api/v1/tenants", tag = "tenants", request_body = NewTenant,
    responses((status = 201, description = "It is made", body = TenantView)))]
async fn create_tenant(
    State(api): State<Api>,
    Operator(caller): Operator,
    Json(new): Json<NewTenant>,
) -> Result<(StatusCode, Json<TenantView>), Problem> {
    caller.may(Scope::Manage)?;
    let name = checks::name("name", &new.name)?;
    let tenant = api.store.tenant_create(&name).await?;
    Ok((StatusCode::CREATED, Json(tenant.into())))
}

/// List tenants
#[utoipa::path(get, path = "/api/v1/tenants", tag = "tenants", params(PageQuery),
    responses((status = 200, description = "Newest first", body = Page<TenantView>)))]
async fn list_tenants(
    State(api): State<Api>,
    Operator(caller): Operator,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<Page<TenantView>>, Problem> {
    caller.may(Scope::Read)?;
    let (paging, request) = Paging::read(&api, "tenants", None, &query)?;
    let rows = api.store.tenant_list(request).await?;
    paging.page(rows, |row| row.id.text(), TenantView::from).map(Json)
}

/// Get a tenant
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}", tag = "tenants",
    params(("tenant" = String, Path, description = "Its id")),
    responses((status = 200, description = "The tenant", body = TenantView)))]
async fn get_tenant(
    State(api): State<Api>,
    Operator(caller): Operator,
    InPath(tenant): InPath<TenantId>,
) -> Result<Json<TenantView>, Problem> {
    caller.may(Scope::Read)?;
    let tenant = api.store.tenant_get(tenant).await?.ok_or_else(|| Problem::not_found(TenantNoun::NAME))?;
    Ok(Json(tenant.into()))
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        Self { id: tenant.id.text(), name: tenant.name, created_at: tenant.created_at }
    }
}
