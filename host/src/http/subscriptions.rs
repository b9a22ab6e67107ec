//! Subscriptions: where a tenant's events are forwarded, at `/api/v1/webhooks`.
//!
//! In style `standard` deliveries are always signed: where no secret is given one is made, and shown once. A secret
//! that was given is not shown at all; its owner has it. `make` is what all ways to a subscription share.

pub(crate) mod make;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use hookyard_model::id::{Noun as _, SubscriptionId, SubscriptionNoun};
use hookyard_model::instant::Instant;
use hookyard_model::style::Style;
use hookyard_model::subscription::Subscription;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Api;
use crate::http::auth::{Scope, TenantCaller};
use crate::http::body::Json;
use crate::http::checks;
use crate::http::idempotency::ShownOnce;
use crate::http::page::{Page, PageQuery, Paging};
use crate::http::parameters::{InPath, InQuery};
use crate::http::pasted::PastedText;
use crate::http::problem::Problem;

/// A subscription to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSubscription {
    /// Where deliveries go: https, a public address.
    #[schema(example = "https://hooks.example.com/events")]
    url: String,
    /// Which events: types, `prefix.*`, or `*` for all.
    #[schema(example = json!(["leadgen"]))]
    events: Vec<String>,
    /// What signs deliveries. In style `standard` it is written as `whsec_` and base64, and made where it is not
    /// given; in style `connect` it is any text, and deliveries carry no `X-Connect-Signature` without it.
    #[serde(default)]
    secret: Option<PastedText>,
    /// `standard` (Standard Webhooks) or `connect`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "standard")]
    style: Style,
    /// A flow of stage `transform`: what it emits is the body, and where it emits nothing, nothing is delivered.
    #[serde(default)]
    transform: Option<String>,
}

/// A subscription that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedSubscription {
    /// The secret, if it was made here: this is the only answer that shows it. Null where one was given, and where
    /// this answer is repeated for an `Idempotency-Key`.
    pub secret: Option<String>,
    /// The subscription.
    #[serde(flatten)]
    pub about: SubscriptionView,
}

/// Where events are forwarded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Subscription)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionView {
    /// Its id.
    pub id: String,
    /// Where deliveries go.
    pub url: String,
    /// Which events.
    pub events: Vec<String>,
    /// Only events of this provider, where it says so.
    pub provider: Option<String>,
    /// `standard` or `connect`.
    #[schema(example = "standard")]
    pub style: &'static str,
    /// The flow whose emitted event is the body, where there is one.
    pub transform: Option<String>,
    /// `active`, or `disabled` after its receiver answered 410.
    #[schema(example = "active")]
    pub status: &'static str,
    /// Why it is disabled.
    pub status_reason: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
}

/// These routes.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create_subscription, list_all_subscriptions))
        .routes(routes!(get_subscription, delete_subscription))
}

/// Subscribe to events
#[utoipa::path(post, path = "/api/v1/webhooks", tag = "webhooks", request_body = NewSubscription,
    responses((status = 201, description = "It is made", body = CreatedSubscription)))]
async fn create_subscription(
    State(api): State<Api>,
    caller: TenantCaller,
    Json(new): Json<NewSubscription>,
) -> Result<(StatusCode, Extension<ShownOnce>, Json<CreatedSubscription>), Problem> {
    caller.may(Scope::Manage)?;
    let url = checks::receiver_url(&api.egress, "url", &new.url)?;
    let event_types = checks::event_types("events", new.events)?;
    let (secret, shown) = make::signing_secret(new.style, new.secret)?;
    let transform = match &new.transform {
        Some(flow) => Some(make::transform(&api, caller.tenant, flow).await?),
        None => None,
    };
    let subscription = Subscription { transform, ..make::new(&api, caller.tenant, url, event_types, new.style) };
    make::create(&api, subscription.clone(), secret.into_iter().collect()).await?;
    let created = CreatedSubscription { secret: shown, about: subscription.into() };
    Ok((StatusCode::CREATED, Extension(ShownOnce("secret")), Json(created)))
}

/// List subscriptions
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "webhooks", params(PageQuery),
    responses((status = 200, description = "Newest first", body = Page<SubscriptionView>)))]
async fn list_all_subscriptions(
    State(api): State<Api>,
    caller: TenantCaller,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<Page<SubscriptionView>>, Problem> {
    caller.may(Scope::Read)?;
    let (paging, request) = Paging::read(&api, "subscriptions", Some(caller.tenant), &query)?;
    let rows = api.store.subscription_list(caller.tenant, None, request).await?;
    paging.page(rows, |row| row.id.text(), SubscriptionView::from).map(Json)
}

/// Get a subscription
#[utoipa::path(get, path = "/api/v1/webhooks/{subscription}", tag = "webhooks",
    params(("subscription" = String, Path, description = "Its id")),
    responses((status = 200, description = "The subscription", body = SubscriptionView)))]
async fn get_subscription(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(subscription): InPath<SubscriptionId>,
) -> Result<Json<SubscriptionView>, Problem> {
    caller.may(Scope::Read)?;
    let found = api.store.subscription_get(caller.tenant, subscription).await?;
    found.map(|found| Json(found.into())).ok_or_else(|| Problem::not_found(SubscriptionNoun::NAME))
}

/// End a subscription
#[utoipa::path(delete, path = "/api/v1/webhooks/{subscription}", tag = "webhooks",
    params(("subscription" = String, Path, description = "Its id")),
    responses((status = 204, description = "It has ended; what it still waited for is dead")))]
async fn delete_subscription(
    State(api): State<Api>,
    caller: TenantCaller,
    InPath(subscription): InPath<SubscriptionId>,
) -> Result<StatusCode, Problem> {
    caller.may(Scope::Manage)?;
    if api.store.subscription_delete(caller.tenant, subscription).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found(SubscriptionNoun::NAME))
}

impl From<Subscription> for SubscriptionView {
    fn from(subscription: Subscription) -> Self {
        Self {
            id: subscription.id.text(),
            url: subscription.url,
            events: subscription.event_types,
            provider: subscription.provider,
            style: subscription.style.as_str(),
            transform: subscription.transform.map(|flow| flow.text()),
            status: subscription.status.as_str(),
            status_reason: subscription.status_reason,
            created_at: subscription.created_at,
        }
    }
}
