//! API keys of tenants: made, listed, ended.
//!
//! A key is shown once, in the answer that makes it; the store has its hash only. The operator makes the first key of
//! a tenant, and whoever holds one with the scope `admin` makes the others. For a tenant's key the path of another
//! tenant leads nowhere.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use hookyard_model::id::{KeyId, KeyNoun, Noun as _, TenantId, TenantNoun};
use hookyard_model::instant::Instant;
use hookyard_store::{Key, NewKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Caller, MintedKey, Scope};
use crate::http::body::Json;
use crate::http::checks;
use crate::http::idempotency::ShownOnce;
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery};
use crate::http::problem::Problem;

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewKeyInput {
    /// For people.
    #[schema(example = "CRM")]
    name: String,
    /// What it may do: `admin`, `manage`, `publish`, `read`.
    #[schema(example = json!(["manage"]))]
    scopes: Vec<String>,
    /// When it stops working; never where it is not said.
    #[serde(default, alias = "expires_at")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Instant>,
}

/// A key that was just made: the only answer that shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedKey {
    /// What its holder sends as a bearer token. Null where this answer is repeated for an `Idempotency-Key`.
    #[schema(value_type = Option<String>)]
    pub key: String,
    /// The key without itself.
    #[serde(flatten)]
    pub about: KeyView,
}

/// A key without itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// Its id.
    pub id: String,
    /// Its first characters, to know it by.
    pub prefix: String,
    /// For people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it stops working.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Instant>,
    /// When somebody ended it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Instant>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
}

/// These routes.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create_key, list_keys)).routes(routes!(revoke_key))
}

/// Make a key of a tenant
///
/// The key is shown in this answer and never again.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/keys", tag = "keys",
    params(("tenant" = String, Path, description = "Its id")), request_body = NewKeyInput,
    responses((status = 201, description = "It is made", body = CreatedKey)))]
async fn create_key(
    State(api): State<Api>,
    caller: Caller,
    InPath(tenant): InPath<TenantId>,
    Json(new): Json<NewKeyInput>,
) -> Result<(StatusCode, Extension<ShownOnce>, Json<CreatedKey>), Problem> {
    let tenant = own(&api, &caller, tenant).await?;
    let name = checks::name("name", &new.name)?;
    let scopes = scopes(&new.scopes)?;
    let expires_at = new.expires_at.map(|at| checks::future("expiresAt", at, api.clock.now())).transpose()?;
    let MintedKey { text, sha256, prefix } = MintedKey::random();
    let key = NewKey { tenant: Some(tenant), name, scopes, expires_at, sha256, prefix };
    let created = CreatedKey { key: text, about: api.store.key_create(key).await?.into() };
    Ok((StatusCode::CREATED, Extension(ShownOnce("key")), Json(created)))
}

/// List a tenant's keys, ended ones too
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/keys", tag = "keys",
    params(("tenant" = String, Path, description = "Its id"), PageQuery),
    responses((status = 200, description = "Newest first", body = Page<KeyView>)))]
async fn list_keys(
    State(api): State<Api>,
    caller: Caller,
    InPath(tenant): InPath<TenantId>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<Page<KeyView>>, Problem> {
    let tenant = own(&api, &caller, tenant).await?;
    let (paging, request) = Paging::read(&api, "keys", Some(tenant), &query)?;
    let rows = api.store.key_list(Some(tenant), request).await?;
    paging.page(rows, |row| row.id.text(), KeyView::from).map(Json)
}

/// End a key
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/keys/{key}", tag = "keys",
    params(("tenant" = String, Path, description = "Its id"), ("key" = String, Path, description = "Its id")),
    responses((status = 204, description = "It no longer works")))]
async fn revoke_key(
    State(api): State<Api>,
    caller: Caller,
    InPath((tenant, key)): InPath<(TenantId, KeyId)>,
) -> Result<StatusCode, Problem> {
    let tenant = own(&api, &caller, tenant).await?;
    if api.store.key_revoke(Some(tenant), key).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found(KeyNoun::NAME))
}

/// The tenant of the path, if the caller may manage its keys.
async fn own(api: &Api, caller: &Caller, tenant: TenantId) -> Result<TenantId, Problem> {
    let found = match caller.tenant {
        Some(own) => own == tenant,
        None => api.store.tenant_get(tenant).await?.is_some(),
    };
    if !found {
        return Err(Problem::not_found(TenantNoun::NAME));
    }
    caller.may(Scope::Admin)?;
    Ok(tenant)
}

fn scopes(names: &[String]) -> Result<Vec<String>, Problem> {
    let read = |name: &String| Scope::from_name(name).map(|scope| scope.as_str().to_owned());
    let read: Option<Vec<String>> = names.iter().map(read).collect();
    let detail = "name one or more of `admin`, `manage`, `publish`, `read`";
    let mut scopes = read.filter(|scopes| !scopes.is_empty()).ok_or_else(|| Problem::invalid("scopes", detail))?;
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes)
}

impl From<Key> for KeyView {
    fn from(key: Key) -> Self {
        Self {
            id: key.id.text(),
            prefix: key.prefix,
            name: key.name,
            scopes: key.scopes,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            created_at: key.created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::scopes;

    #[test]
    fn scopes_are_known_words_each_once() {
        let read = |names: &[&str]| scopes(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(read(&["read", "manage", "read"]), Ok(vec!["manage".to_owned(), "read".to_owned()]));
        for names in [&[][..], &["root"], &["read", "Admin"]] {
            assert_eq!(read(names).unwrap_err().field.as_deref(), Some("scopes"), "{names:?}");
        }
    }
}
