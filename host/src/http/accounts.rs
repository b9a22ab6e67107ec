//! Accounts: a tenant's connections to providers.
//!
//! What an account is given is held against the manifest of the version that runs for its tenant ([`input`]): names
//! of secrets and credentials, how they are written, the settings' schema. Values go in and never come out; the API
//! shows which names are set.

pub mod input;

use axum::extract::State;
use axum::http::StatusCode;
use hookyard_model::account::{Account, AccountStatus};
use hookyard_model::id::{AccountId, AccountNoun, Noun as _};
use hookyard_model::instant::Instant;
use hookyard_store::Vault;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::accounts::input::{AccountChange, NewAccountInput};
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery};
use crate::http::problem::Problem;
use crate::http::{providers, raw};

/// A tenant's connection to a provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// Its id.
    pub id: String,
    /// Such as `meta_lead_ads`.
    pub provider: String,
    /// Which account that is, in the provider's words.
    pub account_key: String,
    /// For people.
    pub name: Option<String>,
    /// `active`, or `unauthorized` since the provider refused its credential; a new credential makes it active again.
    #[schema(example = "active")]
    pub status: &'static str,
    /// Why it is unauthorized.
    pub status_reason: Option<String>,
    /// Its own webhook's URL.
    pub webhook_url: String,
    /// Names of the secrets that are set.
    pub secrets: Vec<String>,
    /// Names of the credentials that are set.
    pub credentials: Vec<String>,
    /// After the provider's schema.
    #[schema(value_type = Object)]
    pub settings: Box<RawValue>,
    /// Where national phone numbers of its leads belong.
    pub default_country: Option<String>,
    /// Whether unproved events are taken as hints.
    pub unsigned: bool,
    /// When it was connected.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
}

/// These routes.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create_account, list_accounts)).routes(routes!(
        get_account,
        change_account,
        delete_account
    ))
}

/// Connect an account
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", request_body = NewAccountInput,
    responses((status = 201, description = "It is connected", body = AccountView)))]
async fn create_account(
    State(api): State<Api>,
    caller: TenantCaller,
    Json(new): Json<NewAccountInput>,
) -> Result<(StatusCode, Json<AccountView>), Problem> {
    caller.may(Scope::Manage)?;
    let Some(version) = providers::find(&api, Some(caller.tenant), &new.provider).await? else {
        return Err(Problem::invalid("provider", providers::unknown(&api, Some(caller.tenant)).await?));
    };
    let new = new.check(caller.tenant, api.clock.now(), &version.manifest)?;
    let vault = Vault { secrets: new.secrets.clone(), credentials: new.credentials.clone() };
    let account = api.store.account_create(new).await?;
    Ok((StatusCode::CREATED, Json(show(&api, account, &vault))))
}

/// List accounts
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", params(PageQuery),
    responses((status = 200, description = "Newest first", body = Page<AccountView>)))]
async fn list_accounts(
    State(api): State<Api>,
    caller: TenantCaller,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<Page<AccountView>>, Problem> {
    caller.may(Scope::Read)?;
    let (paging, request) = Paging::read(&api, "accounts", Some(caller.tenant), &query)?;
    let rows = api.store.account_list(caller.tenant, request).await?;
    let page = paging.page(rows, |row| row.id.text(), |row| row)?;
    let mut data = Vec::with_capacity(page.data.len());
    for account in page.data {
        let vault = api.store.account_vault(caller.tenant, account.id).await?;
        data.push(show(&api, account, &vault));
    }
    Ok(Json(Page { data, next_cursor: page.next_cursor }))
}

/// Get an account
#[utoipa::path(get, path = "/api/v1/accounts/{account}", tag = "accounts",
    params(("account" = String, Path, description = "Its id")),
    responses((status = 200, description = "The account", body = AccountView)))]
async fn get_account(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(id): InPath<AccountId>,
) -> Result<Json<AccountView>, Problem> {
    caller.may(Scope::Read)?;
    let account = api.store.account_get(caller.tenant, id).await?.ok_or_else(none)?;
    let vault = api.store.account_vault(caller.tenant, id).await?;
    Ok(Json(show(&api, account, &vault)))
}

/// Change an account, or reconnect it
///
/// What is not given stays. A credential makes an unauthorized account active, and its waiting events due.
#[utoipa::path(patch, path = "/api/v1/accounts/{account}", tag = "accounts",
    params(("account" = String, Path, description = "Its id")), request_body = AccountChange,
    responses((status = 200, description = "It is changed", body = AccountView)))]
async fn change_account(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(id): InPath<AccountId>,
    Json(change): Json<AccountChange>,
) -> Result<Json<AccountView>, Problem> {
    caller.may(Scope::Manage)?;
    let account = api.store.account_get(caller.tenant, id).await?.ok_or_else(none)?;
    let version = providers::find(&api, Some(caller.tenant), &account.provider).await?;
    let patch = change.check(version.as_ref().map(|version| &version.manifest))?;
    let account = api.store.account_update(caller.tenant, id, patch).await?.ok_or_else(none)?;
    let vault = api.store.account_vault(caller.tenant, id).await?;
    Ok(Json(show(&api, account, &vault)))
}

/// Disconnect an account; its events and leads stay
#[utoipa::path(delete, path = "/api/v1/accounts/{account}", tag = "accounts",
    params(("account" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is disconnected")))]
async fn delete_account(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(id): InPath<AccountId>,
) -> Result<StatusCode, Problem> {
    caller.may(Scope::Manage)?;
    if api.store.account_delete(caller.tenant, id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(none())
}

fn none() -> Problem {
    Problem::not_found(AccountNoun::NAME)
}

fn show(api: &Api, account: Account, vault: &Vault) -> AccountView {
    let status_reason = match account.status {
        AccountStatus::Active => None,
        AccountStatus::Unauthorized => account.status_reason,
    };
    // A name without live values counts as not set.
    let secrets = vault.secrets.iter().filter(|(_, values)| !values.is_empty());
    AccountView {
        id: account.id.text(),
        webhook_url: format!("{}/webhook/{}/{}", api.public_url, account.provider, account.id),
        provider: account.provider,
        account_key: account.account_key,
        name: account.name,
        status: account.status.as_str(),
        status_reason,
        secrets: secrets.map(|(name, _)| name.clone()).collect(),
        credentials: vault.credentials.iter().map(|(name, _)| name.clone()).collect(),
        settings: raw::json(account.settings),
        default_country: account.default_country,
        unsigned: account.unsigned,
        created_at: account.created_at,
    }
}
